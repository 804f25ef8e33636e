// Where one writes: commands complete themselves, Enter sends, and what could not be sent stays.

import { Refusal, newKey } from './api.js';
import { complete } from './complete.js';
import { make, say } from './dom.js';
import { forTab, keep, recall } from './keep.js';

const TEXT_MAX = 8000;
const MEGABYTE = 1024 * 1024;
const MOST = { image: 32 * MEGABYTE, video: 500 * MEGABYTE, audio: 190 * MEGABYTE };
const CALLED = { image: 'picture', video: 'video', audio: 'sound' };
const FIRST = '/create what the first shot shows';
const NEXT = '/continue what happens next';

export class Composer {
  constructor(form, room) {
    Object.assign(this, { form, room, commands: [], codes: [], past: [], back: 0, found: null, active: -1, sent: Promise.resolve() });
    this.box = make('textarea', {
      id: 'say', rows: 1, maxlength: TEXT_MAX, placeholder: FIRST, 'aria-label': 'Message or command', enterkeyhint: 'send', autocapitalize: 'off', spellcheck: 'true',
      role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': 'completions', 'aria-haspopup': 'listbox', 'aria-describedby': 'hint',
    });
    this.list = make('ul', { id: 'completions', className: 'completions', role: 'listbox', 'aria-label': 'Completions', hidden: true });
    this.file = make('input', { type: 'file', accept: 'image/jpeg,image/png,image/webp,image/gif,video/mp4,video/webm,video/quicktime,audio/*', hidden: true, tabindex: -1 });
    this.chip = make('div', { className: 'chip', hidden: true });
    this.hint = make('p', { id: 'hint', className: 'hint' });
    this.error = make('p', { className: 'composer-error', role: 'alert', hidden: true });
    this.attach = make('button', { type: 'button', className: 'round', 'aria-label': 'Add a picture, a video or music', title: 'Add a picture to start on, a video, or music for a film', onclick: () => this.file.click() }, '+');
    this.submit = make('button', { type: 'submit', className: 'round is-main', 'aria-label': 'Send', title: 'Send (Enter)' }, '➤');
    form.append(this.list, this.error, this.chip, make('div', { className: 'composer-row' }, this.attach, this.box, this.submit), this.hint, this.file);
    this.draft = `nextshot-draft-${room.name}`;
    this.box.value = recall(forTab, this.draft) ?? '';
    this.#listen();
    this.#changed();
  }

  /** The tables that completion draws from; `codes` are `{code, about}`, the likeliest first. */
  know({ commands, codes }) {
    if (commands) this.commands = commands;
    if (codes) this.codes = codes;
    if (!this.asked) this.box.placeholder = this.#usual();
  }

  #usual() {
    return this.codes.length ? NEXT : FIRST;
  }

  focus() {
    this.box.focus();
  }

  /** Begin a command for somebody, who goes on from there. */
  begin(text, question) {
    this.box.value = text;
    this.box.placeholder = question ?? this.#usual();
    this.asked = question;
    this.focus();
    this.box.setSelectionRange(text.length, text.length);
    this.#changed();
    this.#close();
  }

  /** Send this text, as if it had been typed. */
  send(text) {
    const before = this.box.value;
    this.box.value = text;
    this.#send();
    this.box.value = before;
    this.#changed();
  }

  #listen() {
    this.box.addEventListener('input', () => { this.key = null; this.#changed(); this.#offer(); });
    this.box.addEventListener('keydown', (event) => this.#key(event));
    this.box.addEventListener('blur', () => this.#close());
    this.box.addEventListener('click', () => this.#offer());
    this.box.addEventListener('paste', (event) => this.#take(event.clipboardData?.files?.[0], event));
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.#send(); });
    this.file.addEventListener('change', () => { this.#take(this.file.files[0]); this.file.value = ''; });
    addEventListener('pagehide', () => keep(forTab, this.draft, this.box.value));
    addEventListener('dragover', (event) => event.preventDefault());
    addEventListener('drop', (event) => { event.preventDefault(); this.#take(event.dataTransfer?.files?.[0]); });
  }

  #key(event) {
    if (event.isComposing) return;
    const isOpen = this.found !== null;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (isOpen && step) {
      event.preventDefault();
      const count = this.found.items.length;
      this.#choose((this.active + step + count + (this.active < 0 && step < 0 ? 1 : 0)) % count);
    } else if (isOpen && event.key === 'Tab' && !event.shiftKey) {
      event.preventDefault();
      this.#accept(Math.max(0, this.active));
    } else if (isOpen && event.key === 'Escape') {
      event.stopPropagation();
      this.#close();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (isOpen && this.active >= 0 && !this.#isWhole()) this.#accept(this.active);
      else this.#send();
    } else if (event.key === 'ArrowUp' && this.past.length && (!this.box.value || this.back)) {
      event.preventDefault();
      this.#recall(1);
    } else if (event.key === 'ArrowDown' && this.back) {
      event.preventDefault();
      this.#recall(-1);
    } else if (event.key === 'Escape' && this.brought) {
      this.#take(null);
    }
  }

  /** What is typed is one of the items already. */
  #isWhole() {
    const typed = this.box.value.slice(this.found.from, this.found.to);
    return this.found.items[this.active].insert.trim() === typed;
  }

  #recall(step) {
    this.back = Math.min(Math.max(this.back + step, 0), this.past.length);
    this.box.value = this.back ? this.past.at(-this.back) : '';
    this.#changed();
  }

  #offer() {
    this.found = this.box.selectionStart === this.box.selectionEnd ? complete(this.box.value, this.box.selectionEnd, this.commands, this.codes) : null;
    if (!this.found) return this.#close();
    this.list.replaceChildren(...this.found.items.map((item, index) => make('li', {
      id: `completion-${index}`, role: 'option', className: 'completion', 'aria-selected': 'false',
      onpointerdown: (event) => { event.preventDefault(); this.#accept(index); },
    }, make('b', {}, item.label), item.usage ? make('span', { className: 'completion-usage' }, item.usage) : null, make('span', { className: 'completion-detail' }, item.detail))));
    this.list.hidden = false;
    this.box.setAttribute('aria-expanded', 'true');
    this.#choose(this.found.isEager ? 0 : -1);
  }

  #choose(index) {
    this.active = index;
    [...this.list.children].forEach((item, at) => item.setAttribute('aria-selected', String(at === index)));
    if (index < 0) this.box.removeAttribute('aria-activedescendant');
    else {
      this.box.setAttribute('aria-activedescendant', `completion-${index}`);
      this.list.children[index].scrollIntoView({ block: 'nearest' });
    }
  }

  #accept(index) {
    const { from, to, items } = this.found;
    this.box.setRangeText(items[index].insert, from, to, 'end');
    this.key = null;
    this.#changed();
    this.#close();
    this.focus();
    this.#offer();
  }

  #close() {
    this.found = null;
    this.active = -1;
    this.list.hidden = true;
    this.box.setAttribute('aria-expanded', 'false');
    this.box.removeAttribute('aria-activedescendant');
  }

  /** A picture, a video or a sound goes with the next message; null: none does any more. */
  #take(file, event) {
    const kind = file?.type.split('/')[0];
    if (file === undefined || (file && !MOST[kind])) return;
    event?.preventDefault();
    if (file && file.size > MOST[kind]) {
      this.#fail(`That ${CALLED[kind]} is larger than ${MOST[kind] / MEGABYTE} MB; make it smaller.`);
      return;
    }
    if (this.url) URL.revokeObjectURL(this.url);
    [this.brought, this.key, this.url] = [file, null, kind === 'image' ? URL.createObjectURL(file) : null];
    this.part = { image: 'picture', video: 'video', audio: 'music' }[kind];
    this.chip.hidden = !file;
    if (!file) return this.focus();
    const shown = kind === 'image' ? [make('img', { src: this.url, alt: '' }), make('span', {}, 'The shot will start on this picture')]
      : kind === 'video' ? [make('span', {}, `${file.name} becomes a shot`)] : [this.#soundSwitch(file.name)];
    const what = CALLED[kind];
    this.chip.replaceChildren(...shown, make('button', { type: 'button', className: 'link', 'aria-label': `Remove the ${what}`, onclick: () => this.#take(null) }, 'Remove'));
    if (!this.box.value && kind === 'image') this.begin('/create ', 'what happens in this picture');
    else if (!this.box.value && kind === 'video') this.begin('/add ', 'what the video shows');
    else if (!this.box.value) this.begin('/stitch ', 'joins the story into a film with this sound');
    this.focus();
    return undefined;
  }

  /** A sound is music under the film, or a voice over it. */
  #soundSwitch(name) {
    const words = () => `${name} is ${this.part === 'voice' ? 'a voice over' : 'music under'} the film`;
    const button = make('button', { type: 'button', className: 'link', title: 'Music or voice', onclick: () => {
      this.part = this.part === 'voice' ? 'music' : 'voice';
      say(button, words());
    } }, words());
    return button;
  }

  #changed() {
    this.box.style.height = 'auto';
    this.box.style.height = `${Math.min(this.box.scrollHeight, 180)}px`;
    const text = this.box.value.trim();
    this.submit.disabled = !text && !this.brought;
    this.error.hidden = true;
    if (!text) this.asked = null;
    const isTalk = text && !text.startsWith('/');
    const hint = isTalk ? 'This is talk for the others. A shot begins with /create or /continue.' : 'Enter sends · Shift+Enter breaks the line · / begins a command';
    say(this.hint, this.asked ?? hint);
    this.hint.classList.toggle('is-strong', Boolean(isTalk || this.asked));
    if (!text) this.box.placeholder = this.#usual();
  }

  #fail(sentence) {
    say(this.error, sentence);
    this.error.hidden = false;
  }

  /** Send what is written. The box is free again at once; messages leave one after the other, in their order. */
  #send() {
    const text = this.box.value.trim();
    if (!text && !this.brought) return;
    const message = { text, key: this.key ?? newKey(), brought: this.brought, part: this.part };
    this.#close();
    [this.key, this.back, this.brought] = [null, 0, null];
    this.chip.hidden = true;
    this.box.value = '';
    if (text && this.past.at(-1) !== text) this.past.push(text);
    this.#changed();
    this.sent = this.sent.then(() => this.#deliver(message));
  }

  async #deliver(message) {
    const { brought, part, ...said } = message;
    this.form.setAttribute('aria-busy', 'true');
    try {
      await this.room.say(said, brought, part);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#giveBack(message, error.message);
    } finally {
      this.form.removeAttribute('aria-busy');
    }
  }

  /** It was not taken: it stands in the box again, with its key, so that a second try is the same message. */
  #giveBack({ text, key, brought, part }, sentence) {
    if (this.box.value || this.brought) {
      this.#fail(`${sentence} (Not sent: “${text.slice(0, 60)}”. The arrow key up brings it back.)`);
      return;
    }
    this.box.value = text;
    if (brought) this.#take(brought);
    if (brought && part === 'voice') this.chip.querySelector('button').click();
    this.key = key;
    this.#changed();
    this.#fail(sentence);
  }
}
