import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { createApp } from '../src/app.js';
import { SessionStore } from '../src/session-store.js';

let base;
let server;

before(async () => {
  const sessions = new SessionStore({ ttl: 60_000 });
  const signIn = async (name, password) => (password === 'open sesame' ? { name } : undefined);
  server = createServer(createApp({ sessions, signIn }));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

const post = (body) => fetch(`${base}/sessions`, { method: 'POST', body: JSON.stringify(body) });

test('signing in, being known, signing out', async () => {
  const created = await post({ name: 'ann', password: 'open sesame' });
  assert.equal(created.status, 201);
  const cookie = created.headers.get('set-cookie').split(';')[0];

  const known = await fetch(`${base}/sessions/current`, { headers: { cookie } });
  assert.deepEqual(await known.json(), { user: { name: 'ann' } });

  await fetch(`${base}/sessions/current`, { method: 'DELETE', headers: { cookie } });
  const gone = await fetch(`${base}/sessions/current`, { headers: { cookie } });
  assert.equal(gone.status, 401);
});

test('a wrong password and a body that is no JSON are refused', async () => {
  assert.equal((await post({ name: 'ann', password: 'guess' })).status, 401);
  assert.equal((await fetch(`${base}/sessions`, { method: 'POST', body: '{' })).status, 401);
});
