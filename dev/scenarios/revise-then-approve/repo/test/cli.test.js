import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../bin/rows-to-csv.js', import.meta.url));

test('reads standard input and separates by commas', () => {
  const { stdout, status } = spawnSync(process.execPath, [program], { input: '[{"a":1,"b":2}]', encoding: 'utf8' });
  assert.equal(status, 0);
  assert.equal(stdout, 'a,b\r\n1,2\r\n');
});
