'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { receipt } = require('../src/receipt.js');

test('a small sale', () => {
  const lines = receipt([{ name: 'Tea', cents: 250 }, { name: 'Scone', cents: 325 }]);
  assert.deepEqual(lines, ['Tea                   2.50', 'Scone                 3.25', 'Total                 5.75']);
});

test('all amounts end in one column, however large', () => {
  const lines = receipt([{ name: 'Tea', cents: 250 }, { name: 'Teapot, silver', cents: 125_000 }]);
  assert.equal(new Set(lines.map((line) => line.length)).size, 1, lines.join('\n'));
});
