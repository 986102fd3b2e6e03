const SEPARATOR = ',';
const LINE_END = '\r\n';

/**
 * Turns rows into CSV. Columns are the keys of the first row; what a row does not have is left empty.
 *
 * @param {Record<string, unknown>[]} rows
 * @returns {string}
 */
export function toCsv(rows) {
  if (rows.length === 0) return '';
  const columns = Object.keys(rows[0]);
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))];
  return lines.map((fields) => fields.map(String).join(SEPARATOR) + LINE_END).join('');
}
