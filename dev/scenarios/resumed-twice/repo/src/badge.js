import { colourOf } from './colours.js';

const CHARACTER = 7;
const PADDING = 10;

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.codePointAt(0)};`);
const width = (text) => [...text].length * CHARACTER + PADDING;

/** An SVG badge: a grey label and a coloured result. */
export function badge(label, result) {
  const [left, right] = [width(label), width(result)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20">`,
    `<rect width="${left}" height="20" fill="#555"/>`,
    `<rect x="${left}" width="${right}" height="20" fill="${colourOf(result)}"/>`,
    `<text x="${PADDING / 2}" y="14" fill="#fff">${escape(label)}</text>`,
    `<text x="${left + PADDING / 2}" y="14" fill="#fff">${escape(result)}</text>`,
    '</svg>',
  ].join('');
}
