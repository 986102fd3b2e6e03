const MILLISECONDS = {
  s: 1000,
  m: 60 * 1000,
  h: 60 * 60,
  d: 24 * 60 * 60,
};

/**
 * Reads a duration such as `45s`, `30m`, `8h` or `2d`.
 *
 * @param {string} text
 * @returns {number} milliseconds
 */
export function parseDuration(text) {
  const match = /^(\d+)(s|m|h|d)$/.exec(text.trim());
  if (!match) {
    throw new RangeError(`not a duration: ${JSON.stringify(text)} (write 45s, 30m, 8h or 2d)`);
  }
  const [, amount, unit] = match;
  return Number(amount) * MILLISECONDS[unit];
}
