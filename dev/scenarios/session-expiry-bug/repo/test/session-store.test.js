import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SessionStore } from '../src/session-store.js';

function storeAt(time) {
  const clock = { time };
  return { clock, store: new SessionStore({ ttl: 1000, now: () => clock.time }) };
}

test('a session knows its user until it is ended', () => {
  const { store } = storeAt(0);
  const id = store.create('ann');
  assert.equal(store.use(id), 'ann');
  store.end(id);
  assert.equal(store.use(id), undefined);
});

test('an idle session ends after the time to live', () => {
  const { clock, store } = storeAt(0);
  const id = store.create('ann');
  clock.time = 1000;
  assert.equal(store.use(id), undefined);
});

test('the sweep drops ended sessions only', () => {
  const { clock, store } = storeAt(0);
  store.create('ann');
  clock.time = 600;
  const fresh = store.create('bob');
  clock.time = 1200;
  assert.equal(store.sweep(), 1);
  assert.equal(store.size, 1);
  assert.equal(store.use(fresh), 'bob');
});
