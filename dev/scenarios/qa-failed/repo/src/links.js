const CODE = /^[0-9A-Za-z]{3,8}$/;

/** Codes and where they lead. */
export class Links {
  #urls = new Map();

  constructor(entries = []) {
    for (const [code, url] of entries) this.add(code, url);
  }

  /** Adds a link. A code that is taken stays as it is. */
  add(code, url) {
    if (!CODE.test(code)) throw new RangeError(`not a code: ${JSON.stringify(code)}`);
    if (this.#urls.has(code)) throw new RangeError(`taken: ${code}`);
    this.#urls.set(code, new URL(url).href);
  }

  /** Where a code leads, or `undefined`. */
  resolve(code) {
    return this.#urls.get(code);
  }

  get size() {
    return this.#urls.size;
  }
}
