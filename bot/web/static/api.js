// What the page asks of the server, and the stream of news from it.

const PATIENCE_MS = 40_000; // longer than the server is ever silent
const HIDDEN_MS = 30_000; // a browser keeps six lines to one server: a page that nobody sees gives its own back
const SLOWEST_MS = 10_000;

/** The server said no, or could not be reached (`isOffline`); the message is one sentence for a person. */
export class Refusal extends Error {
  constructor(sentence, { isOffline = false } = {}) {
    super(sentence);
    this.isOffline = isOffline;
  }
}

async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { ...options, credentials: 'same-origin' });
  } catch {
    throw new Refusal('The server cannot be reached. Try again in a moment.', { isOffline: true });
  }
  if (answer.status === 401) location.assign('/login');
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(data.error ?? `The server answered ${answer.status}. Reload the page.`);
  return data;
}

function post(url, data) {
  return ask(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(data) });
}

/** A key of our own for one message: sent twice with it, it counts once. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Api {
  constructor(room) {
    this.base = `/api/room/${room}`;
  }

  room() {
    return ask(this.base);
  }

  older(before) {
    return ask(`${this.base}/posts?before=${before}`);
  }

  story(code) {
    return ask(`${this.base}/story/${code}`);
  }

  /** `file`: a picture, a video or a sound; `part`: what it is to be. */
  say(data, file, part) {
    if (!file) return post(`${this.base}/say`, data);
    const form = new FormData();
    form.append('say', JSON.stringify(data));
    form.append(part, file);
    return ask(`${this.base}/say`, { method: 'POST', body: form });
  }

  press(data) {
    return post(`${this.base}/press`, data);
  }

  events(cursor, handlers) {
    return new Stream(`${this.base}/events`, cursor, handlers);
  }
}

/** The news of a room. It comes back by itself from where it ended, and rests while the page is hidden. */
class Stream {
  constructor(url, cursor, handlers) {
    this.url = url;
    this.cursor = cursor;
    this.handlers = handlers;
    this.failures = 0;
    document.addEventListener('visibilitychange', () => this.#seen());
    addEventListener('online', () => this.#open());
    addEventListener('pagehide', () => this.#close());
    addEventListener('pageshow', (event) => event.persisted && this.#open());
    this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource(`${this.url}?after=${encodeURIComponent(this.cursor)}`);
    this.source = source;
    source.addEventListener('hello', (event) => {
      this.failures = 0;
      this.#alive(event);
      this.handlers.connected();
    });
    source.addEventListener('beat', (event) => this.#alive(event));
    for (const name of ['post', 'story', 'resync']) {
      source.addEventListener(name, (event) => {
        this.#alive(event);
        this.handlers[name](JSON.parse(event.data));
      });
    }
    source.addEventListener('error', () => this.#again());
    this.#patience();
  }

  #alive(event) {
    if (event.lastEventId) this.cursor = event.lastEventId;
    this.#patience();
  }

  #patience() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.#again(), PATIENCE_MS);
  }

  #again() {
    this.#close();
    this.failures += 1;
    this.handlers.lost();
    this.retry = setTimeout(() => this.#open(), Math.min(500 * 2 ** this.failures, SLOWEST_MS));
  }

  #close() {
    clearTimeout(this.watch);
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  #seen() {
    clearTimeout(this.rest);
    if (document.hidden) this.rest = setTimeout(() => this.#close(), HIDDEN_MS);
    else if (!this.source) this.#open();
  }
}
