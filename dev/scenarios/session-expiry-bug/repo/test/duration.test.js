import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseDuration } from '../src/duration.js';

test('seconds and minutes', () => {
  assert.equal(parseDuration('45s'), 45_000);
  assert.equal(parseDuration('30m'), 1_800_000);
});

test('anything else is refused with the text in the message', () => {
  for (const text of ['', '8', 'h', '-1h', '1.5h', '8 hours']) {
    assert.throws(() => parseDuration(text), RangeError, text);
  }
});
