import { parseDuration } from './duration.js';

/** Reads the configuration from environment variables. Every duration is in milliseconds. */
export function readConfig(env = process.env) {
  return Object.freeze({
    sessionTtl: parseDuration(env.SESSION_TTL ?? '8h'),
    sweepInterval: parseDuration(env.SESSION_SWEEP ?? '5m'),
    port: Number(env.PORT ?? 8080),
  });
}
