'use strict';

const { left, right } = require('column-pad');

const NAME_WIDTH = 20;
const AMOUNT_WIDTH = 6;

const amount = (cents) => (cents / 100).toFixed(2);

/** The lines of a receipt: one for each item, and the total. */
exports.receipt = (items) => {
  const total = items.reduce((sum, item) => sum + item.cents, 0);
  const rows = [...items, { name: 'Total', cents: total }];
  return rows.map(({ name, cents }) => left(name, NAME_WIDTH) + right(amount(cents), AMOUNT_WIDTH));
};
