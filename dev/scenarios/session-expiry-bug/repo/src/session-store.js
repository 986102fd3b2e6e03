import { randomUUID } from 'node:crypto';

/** Sessions in memory. The clock is a function that returns milliseconds, so that tests need not wait. */
export class SessionStore {
  #sessions = new Map();
  #ttl;
  #now;

  constructor({ ttl, now = Date.now }) {
    this.#ttl = ttl;
    this.#now = now;
  }

  /** Starts a session and returns its id. */
  create(user) {
    const id = randomUUID();
    const now = this.#now();
    this.#sessions.set(id, { user, createdAt: now, lastSeenAt: now });
    return id;
  }

  /** The session's user, or `undefined` if it does not exist or has ended. Counts as use. */
  use(id) {
    const session = this.#sessions.get(id);
    if (!session) return undefined;
    if (this.#hasEnded(session)) {
      this.#sessions.delete(id);
      return undefined;
    }
    session.lastSeenAt = this.#now();
    return session.user;
  }

  /** Ends a session. Ending one twice is no error. */
  end(id) {
    this.#sessions.delete(id);
  }

  /** Drops ended sessions and returns how many there were. */
  sweep() {
    let dropped = 0;
    for (const [id, session] of this.#sessions) {
      if (this.#hasEnded(session)) {
        this.#sessions.delete(id);
        dropped += 1;
      }
    }
    return dropped;
  }

  get size() {
    return this.#sessions.size;
  }

  #hasEnded(session) {
    return this.#now() - session.createdAt >= this.#ttl;
  }
}
