import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MAX_DELAY, delay } from '../src/delay.js';

const NOW = Date.UTC(2026, 10, 17, 9, 0, 0);

test('seconds', () => {
  assert.equal(delay('120', NOW), 120_000);
  assert.equal(delay(' 0 ', NOW), 0);
});

test('dates', () => {
  assert.equal(delay('Tue, 17 Nov 2026 09:01:30 GMT', NOW), 90_000);
  assert.equal(delay('Tue, 17 Nov 2026 08:59:00 GMT', NOW), 0);
});

test('never longer than agreed', () => {
  assert.equal(delay('86400', NOW), MAX_DELAY);
  assert.equal(delay('Wed, 18 Nov 2026 09:00:00 GMT', NOW), MAX_DELAY);
});

test('what is neither is no reason to wait', () => {
  for (const odd of [null, '', 'soon', '-5', '1.5']) assert.equal(delay(odd, NOW), 0);
});
