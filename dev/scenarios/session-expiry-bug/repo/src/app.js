import { SESSION_COOKIE, clearedCookie, parseCookies, sessionCookie } from './cookies.js';

/** The request handler. `signIn(name, password)` resolves to a user or `undefined`. */
export function createApp({ sessions, signIn }) {
  return async function handle(request, response) {
    const send = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    const id = parseCookies(request.headers.cookie).get(SESSION_COOKIE);

    switch (`${request.method} ${request.url}`) {
      case 'POST /sessions': {
        const { name, password } = await readJson(request);
        const user = await signIn(name, password);
        if (!user) return send(401, { error: 'wrong name or password' });
        return send(201, { user }, { 'set-cookie': sessionCookie(sessions.create(user)) });
      }
      case 'GET /sessions/current': {
        const user = id && sessions.use(id);
        return user ? send(200, { user }) : send(401, { error: 'not signed in' });
      }
      case 'DELETE /sessions/current': {
        if (id) sessions.end(id);
        return send(200, { signedOut: true }, { 'set-cookie': clearedCookie() });
      }
      default:
        return send(404, { error: 'not found' });
    }
  };
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return {};
  }
}
