import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toCsv } from '../src/csv.js';

test('columns come from the first row', () => {
  assert.equal(toCsv([{ id: 1, name: 'Ann' }, { name: 'Bo', id: 2 }]), 'id,name\r\n1,Ann\r\n2,Bo\r\n');
});

test('missing values are empty, zero is not', () => {
  assert.equal(toCsv([{ id: 0, note: null }, { id: 1 }]), 'id,note\r\n0,\r\n1,\r\n');
});

test('no rows, no text', () => {
  assert.equal(toCsv([]), '');
});

test('a comma inside a field does not make a new column', () => {
  assert.equal(toCsv([{ payee: 'Coyote, Wile E.', cents: 5 }]), 'payee,cents\r\n"Coyote, Wile E.",5\r\n');
});
