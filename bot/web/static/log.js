// The log: messages by number, the newest at the bottom and in sight unless somebody reads further up.

import { ago } from './clock.js';
import { ReplyCard, privateCard, saidCard } from './card.js';
import { say } from './dom.js';

const NEAR_PX = 120;
const GROUP_MS = 180_000;

export class Log {
  constructor({ list, scroll, newest, room }) {
    Object.assign(this, { list, scroll, newest, room });
    this.cards = new Map();
    this.isAtEnd = true;
    scroll.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    newest.addEventListener('click', () => { this.toEnd(); room.focusComposer(); });
    new ResizeObserver(() => this.isAtEnd && this.#jump()).observe(list);
    new ResizeObserver(() => this.isAtEnd && this.#jump()).observe(scroll);
    setInterval(() => this.cards.forEach(({ card }) => card?.tick()), 1000);
    setInterval(() => list.querySelectorAll('[data-ago]').forEach((time) => say(time, ago(time.dataset.ago))), 20_000);
  }

  get isEmpty() {
    return this.cards.size === 0;
  }

  get oldest() {
    return Math.min(...this.cards.keys());
  }

  /** Add or bring up to date. */
  put(post) {
    const known = this.cards.get(post.id);
    if (known) {
      known.card?.update(post);
      known.post = post;
      return;
    }
    const card = post.kind === 'reply' ? new ReplyCard(post, this.room) : null;
    const element = card?.element ?? saidCard(post, post.author === this.room.me.key, this.room);
    this.#insert(post.id, element);
    this.cards.set(post.id, { post, card, element });
    this.#group(element);
    if (element.nextElementSibling) this.#group(element.nextElementSibling);
    if (this.isAtEnd) this.#jump();
    else if (!element.nextElementSibling) this.newest.hidden = false;
  }

  /** Older messages go above without moving what is read. */
  putOlder(posts) {
    const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
    posts.forEach((post) => this.put(post));
    this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
  }

  /** An answer for this tab alone, below all that is here now. */
  whisper(answer) {
    const element = privateCard(answer, this.room);
    element.dataset.after = String(Math.max(0, ...this.cards.keys()));
    this.list.append(element);
    this.toEnd();
  }

  /** Bring the newest message that shows this code into sight; false: none that is loaded does. */
  reveal(code, postId) {
    const all = [...this.cards.values()].filter(({ post }) => post.video?.code === code);
    const found = all.sort((a, b) => b.post.id - a.post.id)[0] ?? this.cards.get(postId);
    if (!found) return false;
    this.isAtEnd = false;
    found.element.scrollIntoView({ block: 'center' });
    found.element.classList.remove('is-found');
    void found.element.offsetWidth; // the light goes on anew
    found.element.classList.add('is-found');
    if (found.card) found.card.reveal();
    else found.element.focus({ preventScroll: true });
    return true;
  }

  /** Own and other people's messages look different. */
  iAm(key) {
    for (const { post, element } of this.cards.values()) {
      if (post.kind === 'said') element.classList.toggle('is-mine', post.author === key);
    }
  }

  toEnd() {
    this.isAtEnd = true;
    this.#jump();
  }

  #insert(id, element) {
    element.dataset.id = id;
    let before = null;
    for (let other = this.list.lastElementChild; other; other = other.previousElementSibling) {
      if (Number(other.dataset.id ?? other.dataset.after) < id) break;
      before = other;
    }
    this.list.insertBefore(element, before);
  }

  /** Messages of one person that follow each other closely stand together under one name. */
  #group(element) {
    const mine = this.cards.get(Number(element.dataset.id))?.post;
    const before = this.cards.get(Number(element.previousElementSibling?.dataset.id))?.post;
    const isClose = mine && before && Date.parse(mine.created_at) - Date.parse(before.created_at) < GROUP_MS;
    const isSame = isClose && mine.kind === 'said' && before.author === mine.author && before.name === mine.name;
    element.classList.toggle('is-grouped', Boolean(isSame));
  }

  #scrolled() {
    this.isAtEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_PX;
    if (this.isAtEnd) this.newest.hidden = true;
    if (this.scroll.scrollTop < NEAR_PX) this.room.older();
  }

  #jump() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.newest.hidden = true;
  }
}
