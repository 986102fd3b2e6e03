'use strict';

/** The text at the right end of a column. A text that is too wide stays whole. */
exports.right = (text, width) => String(text).padStart(width);

/** The text at the left end of a column. */
exports.left = (text, width) => String(text).padEnd(width);
