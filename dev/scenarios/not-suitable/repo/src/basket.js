/** A customer's basket. Amounts are in cents. */
export class Basket {
  #lines = new Map();

  /** Puts pieces of a product in, or takes them out if negative. What falls to zero is gone. */
  change(product, pieces) {
    const count = (this.#lines.get(product.id)?.count ?? 0) + pieces;
    if (count > 0) this.#lines.set(product.id, { product, count });
    else this.#lines.delete(product.id);
  }

  get total() {
    return [...this.#lines.values()].reduce((sum, { product, count }) => sum + product.cents * count, 0);
  }

  get lines() {
    return [...this.#lines.values()];
  }
}
