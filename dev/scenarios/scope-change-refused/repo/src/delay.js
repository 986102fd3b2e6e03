/** How long we wait at most, milliseconds. */
export const MAX_DELAY = 10 * 60 * 1000;

/**
 * How long to wait before the next try.
 *
 * @param {string | null} retryAfter the header's value
 * @param {number} now milliseconds since 1970
 * @returns {number} milliseconds
 */
export function delay(retryAfter, now) {
  if (retryAfter === null) return 0;
  const text = retryAfter.trim();
  if (!/^\d+$/.test(text)) return 0;
  return Math.min(Number(text) * 1000, MAX_DELAY);
}
