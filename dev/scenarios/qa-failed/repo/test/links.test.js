import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Links } from '../src/links.js';

test('a code leads to its page', () => {
  const links = new Links([['x7Q', 'https://acme.example/jobs']]);
  assert.equal(links.resolve('x7Q'), 'https://acme.example/jobs');
  assert.equal(links.resolve('x7R'), undefined);
});

test('nonsense is refused', () => {
  assert.throws(() => new Links([['no', 'https://acme.example/']]), /not a code/);
  assert.throws(() => new Links([['fine', 'nowhere']]), TypeError);
});

test('a code typed in the wrong case is found too', () => {
  const links = new Links([['x7Q', 'https://acme.example/jobs']]);
  assert.equal(links.resolve('X7q'), 'https://acme.example/jobs');
});
