const COLOURS = {
  passing: '#2da44e',
  failing: '#cf222e',
  running: '#bf8700',
};

/** The colour of a result; grey for results that we do not know. */
export function colourOf(result) {
  return COLOURS[result] ?? '#6e7781';
}
