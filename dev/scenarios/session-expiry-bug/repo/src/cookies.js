export const SESSION_COOKIE = 'acme_session';

/** Cookies of a request, by name. */
export function parseCookies(header = '') {
  const cookies = new Map();
  for (const part of header.split(';')) {
    const separator = part.indexOf('=');
    if (separator > 0) {
      cookies.set(part.slice(0, separator).trim(), decodeURIComponent(part.slice(separator + 1).trim()));
    }
  }
  return cookies;
}

/** The `Set-Cookie` value that hands a session to the browser. */
export function sessionCookie(id) {
  return `${SESSION_COOKIE}=${encodeURIComponent(id)}; Path=/; HttpOnly; Secure; SameSite=Lax`;
}

/** The `Set-Cookie` value that takes it back. */
export function clearedCookie() {
  return `${SESSION_COOKIE}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0`;
}
