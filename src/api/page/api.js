// Requests to the agent's API, with the credentials of the person before the page: a session cookie
// with its CSRF token, a token in memory, or a client certificate that the browser sends by itself.

/** What the agent answers instead of what was asked for (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || `the agent answered ${status}`);
    this.status = status;
    this.word = (body?.type ?? '').replace('urn:reeve:problem:', '');
    this.body = body;
  }
}

const attempts = 3;

export class Api {
  #token = null;
  #csrf = null;
  #tags = new Map();
  #uses = 0; // of credentials, one after the other

  /** Called when the agent no longer knows who we are. */
  on_unknown = () => {};

  use({ token = null, csrf = null }) {
    this.#token = token;
    this.#csrf = csrf;
    this.#tags.clear();
    ++this.#uses;
  }

  async get(path, options = {}) {
    const response = await this.fetch('GET', path, options);
    return response.json();
  }

  /** Nothing if it is what this path answered before. */
  async get_if_new(path) {
    const known = this.#tags.get(path);
    const response = await this.fetch('GET', path, {
      headers: known ? { 'If-None-Match': known } : {},
      accept: (status) => status === 304,
    });
    if (response.status === 304) {
      return null;
    }
    const body = await response.json();
    this.#tags.set(path, response.headers.get('ETag'));
    return body;
  }

  /**
   * What changes something. A `key` makes it one operation however often it arrives, so that it is
   * sent again when the connection breaks.
   */
  async send(method, path, body, { key = null, headers = {} } = {}) {
    const options = {
      headers: { ...headers, ...(key && { 'Idempotency-Key': key }) },
      body,
    };
    for (let attempt = 1; ; ++attempt) {
      try {
        const response = await this.fetch(method, path, options);
        return response.status === 204 ? null : await response.json();
      } catch (error) {
        if (error instanceof Problem || !key || attempt === attempts) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
      }
    }
  }

  /** The response, its body still to be read. */
  async fetch(method, path, { headers = {}, body, signal, accept = () => false } = {}) {
    const all = { ...headers };
    if (this.#token) {
      all.Authorization = `Bearer ${this.#token}`;
    } else if (this.#csrf && method !== 'GET') {
      all['X-CSRF-Token'] = this.#csrf;
    }
    if (body !== undefined) {
      all['Content-Type'] = 'application/json';
    }
    const use = this.#uses;
    const response = await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: 'no-store',
      credentials: 'same-origin',
    });
    if (response.ok || accept(response.status)) {
      return response;
    }
    const problem = new Problem(response.status, await response.json().catch(() => null));
    // A late answer to former credentials says nothing of those in use. Ones that are known are
    // answered however many unknown ones came before.
    const is_unknown = problem.status === 401 || problem.word === 'too_many_logins';
    if (is_unknown && use === this.#uses) {
      this.on_unknown();
    }
    throw problem;
  }
}

/** Thirty-two characters that no other tab has. */
export function new_key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
