import { createServer } from 'node:http';

import { createApp } from './app.js';
import { readConfig } from './config.js';
import { SessionStore } from './session-store.js';

const config = readConfig();
const sessions = new SessionStore({ ttl: config.sessionTtl });
setInterval(() => sessions.sweep(), config.sweepInterval).unref();

const signIn = async (name, password) => {
  const { verify } = await import(process.env.DIRECTORY_MODULE);
  return verify(name, password);
};

createServer(createApp({ sessions, signIn })).listen(config.port, () => {
  console.log(`session-service listens on ${config.port}`);
});
