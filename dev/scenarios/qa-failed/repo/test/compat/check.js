// Every code that was ever printed must lead where it always led.
import { readFileSync } from 'node:fs';

import { Links } from '../../src/links.js';

const printed = JSON.parse(readFileSync(new URL('../../data/printed.json', import.meta.url), 'utf8'));

let links;
try {
  links = new Links(printed);
} catch (error) {
  console.error(`the printed codes cannot be loaded: ${error.message}`);
  process.exit(1);
}

const wrong = printed.filter(([code, url]) => links.resolve(code) !== url);
for (const [code, url] of wrong) {
  console.error(`${code} is printed for ${url} and now leads to ${links.resolve(code)}`);
}
process.exitCode = wrong.length > 0 ? 1 : 0;
