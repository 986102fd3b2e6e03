import assert from 'node:assert/strict';
import { test } from 'node:test';

import { badge } from '../src/badge.js';

test('the result has its colour', () => {
  assert.match(badge('build', 'passing'), /fill="#2da44e"/);
  assert.match(badge('build', 'who knows'), /fill="#6e7781"/);
});

test('text cannot break out of the picture', () => {
  assert.doesNotMatch(badge('</text><script>', 'passing'), /<script>/);
});

test('screen readers are told what the badge shows', () => {
  const svg = badge('build & test', 'passing');
  assert.match(svg, /<svg [^>]*role="img"/);
  assert.match(svg, /<title>build &#38; test: passing<\/title>/);
});
