import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Basket } from '../src/basket.js';

const anvil = { id: 'anvil', cents: 12_900 };

test('sums what is in it', () => {
  const basket = new Basket();
  basket.change(anvil, 2);
  assert.equal(basket.total, 25_800);
});

test('what falls to zero is gone', () => {
  const basket = new Basket();
  basket.change(anvil, 1);
  basket.change(anvil, -3);
  assert.deepEqual(basket.lines, []);
});
