// One message. A message of the bot changes in place: only what differs is touched, so that a video plays on.

import { actions } from './actions.js';
import { ago, elapsed, length } from './clock.js';
import { hueOf, make, say } from './dom.js';

const TOKEN = /(\b[a-hjkmnp-z]\d{1,9}-f?\d{1,6}\b|(?<!\S)\/[a-z]+\b)/g;

const HEAD = /^(Film of )?[a-z]\d{1,9}(-f?\d{1,6})? · (by |“|\d+ shots? of )/;
const NOTE_LINES = 3;

/** A person's message. */
export function saidCard(post, isMine, room) {
  const bubble = make('div', { className: 'said-text', dir: 'auto' });
  bubble.append(...words(post.text, room));
  if (post.videos) bubble.append(make('span', { className: 'said-picture' }, 'with a video'));
  if (post.sounds) bubble.append(make('span', { className: 'said-picture' }, 'with a sound'));
  if (post.pictures) bubble.append(make('span', { className: 'said-picture' }, 'with a picture'));
  const mark = make('span', { className: 'mark', 'aria-hidden': 'true' }, [...post.name][0] ?? '?');
  mark.style.setProperty('--hue', hueOf(post.author));
  return make('article', { className: `said${isMine ? ' is-mine' : ''}`, id: `post-${post.id}`, tabindex: -1 },
    mark, make('div', { className: 'said-body' },
      make('p', { className: 'said-who' }, make('b', {}, make('bdi', {}, post.name)), ' ', timeOf(post)), bubble));
}

/** A message of the bot. `update(post)` brings it up to date. */
export class ReplyCard {
  constructor(post, room) {
    this.room = room;
    this.text = make('p', { className: 'card-text' });
    this.stage = make('div', { className: 'card-stage' });
    this.bar = make('progress', { className: 'card-bar', max: 100, 'aria-label': 'Progress' });
    this.clock = make('span', { className: 'card-clock', 'aria-hidden': 'true' });
    this.count = make('div', { className: 'card-count' }, this.bar, this.clock);
    this.row = make('div', { className: 'card-actions' });
    this.element = make('article', { className: 'card', id: `post-${post.id}`, tabindex: -1 },
      this.stage, make('div', { className: 'card-body' }, this.text, this.count, this.row, make('p', { className: 'card-time' }, timeOf(post))));
    this.update(post);
  }

  update(post) {
    if (this.post && post.revision < this.post.revision) return;
    const before = this.post;
    this.post = post;
    const has = (verb) => post.buttons.some((button) => button.verb === verb);
    const isLive = has('cancel') && !has('agree'); // a question waits for somebody: nothing counts meanwhile
    this.element.classList.toggle('is-error', post.is_error);
    this.element.classList.toggle('has-video', Boolean(post.video || post.file));
    if (post.video) this.element.style.setProperty('--aspect', String(post.video.width / post.video.height));
    this.element.classList.toggle('is-film', Boolean(post.video?.code?.includes('f')));
    this.element.classList.toggle('is-live', isLive);
    this.element.setAttribute('aria-live', isLive ? 'off' : 'polite'); // nobody wants every percent read aloud
    const isNote = !isLive && !post.video && !post.file && !post.picture && !post.is_error && !post.buttons.length && HEAD.test(post.text)
      && post.text.split('\n').length <= NOTE_LINES;
    this.element.classList.toggle('is-note', isNote);
    if (before?.text !== post.text) this.text.replaceChildren(...lines(post.text, this.room));
    this.#stage(post, before);
    this.#count(post, isLive);
    const shown = JSON.stringify([post.buttons, post.video?.src, post.file?.src]);
    if (this.shown !== shown) {
      this.shown = shown;
      const held = this.row.contains(document.activeElement);
      this.row.replaceChildren(...actions(post, this.room));
      if (held) this.element.focus({ preventScroll: true });
    }
  }

  /** Called every second. Where the text counts the time itself, there is no second clock. */
  tick() {
    const isLive = this.element.classList.contains('is-live');
    say(this.clock, isLive && !/\d:\d\d$/.test(this.post.text) ? elapsed(this.post.created_at) : '');
  }

  /** Play the clip, or at least show where it is. */
  reveal() {
    (this.stage.querySelector('video') ?? this.element).focus({ preventScroll: true });
  }

  #stage(post, before) {
    if (post.video) {
      if (before?.video?.src !== post.video.src) this.stage.replaceChildren(player(post.video, this.room));
    } else if (post.file) {
      if (before?.file?.src !== post.file.src) this.stage.replaceChildren(exported(post.file, this.room));
    } else if (post.picture) {
      if (before?.picture !== post.picture) this.#picture(post.picture);
    } else this.stage.replaceChildren();
    this.stage.hidden = !post.video && !post.file && !post.picture;
  }

  /** The next preview takes the place of the last one only when it is there, so nothing flickers. */
  #picture(src) {
    const image = make('img', { className: 'card-picture', alt: '', src });
    this.wanted = src;
    image.decode().then(() => {
      if (this.wanted === src && !this.post.video) this.stage.replaceChildren(image);
    }).catch(() => {});
  }

  #count(post, isLive) {
    const isCounted = post.percent !== null;
    this.count.hidden = !isLive && !isCounted;
    this.bar.hidden = !isLive && !isCounted;
    if (isCounted) this.bar.value = post.percent;
    else this.bar.removeAttribute('value');
    this.tick();
  }
}

/** An answer that only this tab gets; it goes with the next reload. */
export function privateCard(answer, room) {
  const element = make('article', { className: `card is-private${answer.is_error ? ' is-error' : ''}`, tabindex: -1 });
  const text = make('p', { className: 'card-text' });
  text.append(...lines(answer.text, room));
  element.append(make('div', { className: 'card-body' }, text,
    make('div', { className: 'card-actions' }, ...actions({ ...answer, video: null }, room)),
    make('p', { className: 'card-time' }, 'Only you see this',
      make('button', { type: 'button', className: 'link', onclick: () => { element.remove(); room.focusComposer(); } }, 'Dismiss'))));
  return element;
}

// Of all clips only those in sight ask for their length: a browser keeps few lines to one server.
const inSight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    target.preload = 'metadata';
    inSight.unobserve(target);
  }
});

function player(video, room) {
  const element = make('video', {
    controls: true, playsinline: true, preload: 'none', poster: video.poster, width: video.width, height: video.height,
    src: video.src, 'aria-label': `Clip ${video.code ?? video.name}, ${length(video.seconds)}`,
  });
  inSight.observe(element);
  element.addEventListener('play', () => room.playing(element));
  const frame = make('div', { className: 'player' }, element);
  element.addEventListener('error', () => {
    frame.replaceChildren(make('p', { className: 'player-gone' }, `The clip ${video.code ?? ''} is not here any more.`));
  });
  return frame;
}

const PAUSE_MS = 3000;
const TRIES_MOST = 100;
let making = Promise.resolve();

const waited = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    waited.unobserve(target);
    target.dispatchEvent(new Event('seen'));
  }
});

/** A film as another kind of file. It is made when it is first in sight, which may take minutes. */
function exported(file, room) {
  const link = make('a', { className: 'link', href: `${file.src}?download=1`, download: file.name }, `Download ${file.name}`);
  const note = make('p', { className: 'player-gone', role: 'status' }, `Making ${file.name}…`);
  const frame = make('div', { className: 'player' }, note);
  frame.addEventListener('seen', async () => {
    const asked = making.then(() => whenMade(file.src, frame));
    making = asked; // a browser keeps few lines to one server
    const refusal = await asked;
    if (refusal !== null) return say(note, refusal);
    const below = make('p', { className: 'player-gone' }, link);
    if (file.kind === 'gif') frame.replaceChildren(make('img', { src: file.src, alt: file.name }), below);
    else if (file.kind === 'webm') {
      const video = make('video', { controls: true, playsinline: true, preload: 'metadata', src: file.src, 'aria-label': file.name });
      video.addEventListener('play', () => room.playing(video));
      frame.replaceChildren(video, below);
    } else frame.replaceChildren(below);
    return undefined;
  });
  waited.observe(frame);
  return frame;
}

/** Null, or the sentence on why there is none. One byte is asked for, so that a refusal can be read. */
async function whenMade(src, frame) {
  for (let tries = 0; tries < TRIES_MOST && frame.isConnected; tries += 1) {
    try {
      const answer = await fetch(src, { headers: { Range: 'bytes=0-0' } });
      return answer.ok ? null : ((await answer.json()).error ?? 'That file cannot be made.');
    } catch (error) { // a browser gives up before a long film is made
      if (!(error instanceof TypeError)) return 'That file cannot be made.';
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
  }
  return 'That file is not made yet; reload the page to look again.';
}

/** A message line by line: what it is about, what was asked, and the rest. */
function lines(text, room) {
  return text.split('\n').map((line, index) => {
    const isHead = index === 0 && HEAD.test(line);
    const isQuote = line.startsWith('“') && line.endsWith('”');
    return make('span', { className: isHead ? 'line-head' : isQuote ? 'line-quote' : 'line-plain', dir: 'auto' }, ...words(line, room));
  });
}

/** Plain text with codes that lead to their clips and commands that can be told apart. */
function words(text, room) {
  return text.split(TOKEN).filter(Boolean).map((part) => {
    if (!part.match(TOKEN)) return document.createTextNode(part);
    if (part.startsWith('/')) return make('code', { className: 'command' }, part);
    return make('button', { type: 'button', className: 'link code', onclick: () => room.goTo(part) }, part);
  });
}

function timeOf(post) {
  const at = new Date(post.created_at);
  return make('time', { datetime: post.created_at, title: at.toLocaleString(), 'data-ago': post.created_at }, ago(post.created_at));
}
