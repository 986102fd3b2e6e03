// Written for FL-101: what the README promises about the end of a session.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readConfig } from '../src/config.js';
import { SessionStore } from '../src/session-store.js';

const MINUTE = 60_000;

function signedIn() {
  const clock = { time: 0 };
  const store = new SessionStore({ ttl: readConfig({}).sessionTtl, now: () => clock.time });
  return { clock, store, id: store.create('ann') };
}

test('with the defaults a session outlives the lunch break', () => {
  const { clock, store, id } = signedIn();
  clock.time = 60 * MINUTE;
  assert.equal(store.use(id), 'ann');
});

test('a session in use does not end', () => {
  const { clock, store, id } = signedIn();
  for (let hour = 1; hour <= 24; hour += 1) {
    clock.time = hour * 60 * MINUTE;
    assert.equal(store.use(id), 'ann', `after ${hour} h`);
  }
});

test('an unused session ends after eight hours, not earlier', () => {
  const { clock, store, id } = signedIn();
  clock.time = 8 * 60 * MINUTE - 1;
  assert.equal(store.sweep(), 0);
  clock.time += 1;
  assert.equal(store.sweep(), 1);
  assert.equal(store.use(id), undefined);
});
