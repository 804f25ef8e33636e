// Who speaks in this tab. A name is kept for the browser, or for one tab alone, so that two tabs can be two people.

import { hueOf, make } from './dom.js';
import { forBrowser, forTab, keep, recall } from './keep.js';

const KEPT = 'nextshot-name';
const NAME_MAX = 40;

export class People {
  /** `changed()` is called with every new name. */
  constructor({ button, dialog, changed }) {
    Object.assign(this, { button, dialog, changed, known: new Map() });
    this.name = recall(forTab, KEPT) ?? recall(forBrowser, KEPT) ?? guest();
    button.addEventListener('click', () => this.#open());
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
    addEventListener('storage', (event) => {
      if (event.key === KEPT && event.newValue && !recall(forTab, KEPT)) this.#become(event.newValue);
    });
    this.#show();
  }

  /** The person's key, as the server makes it for plain names; learned from the first own message for all others. */
  get key() {
    return this.keys?.get(this.name) ?? `local:${(this.name.normalize('NFKC').toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).join('-')}`;
  }

  /** Somebody who speaks here. */
  meet(author, name) {
    this.known.set(author, name);
  }

  /** The server's key for a name. */
  learn(name, key) {
    this.keys = (this.keys ?? new Map()).set(name, key);
  }

  #open() {
    const input = make('input', { id: 'name', name: 'name', value: this.name, maxlength: NAME_MAX, required: true, autocomplete: 'nickname' });
    const alone = make('input', { id: 'alone', type: 'checkbox', checked: recall(forTab, KEPT) !== null });
    const form = make('form', { method: 'dialog', className: 'people' },
      make('h2', { id: 'people-title' }, 'Who are you?'),
      make('label', { htmlFor: 'name' }, 'Your name in this room'), input,
      make('label', { className: 'check' }, alone, ' Only in this tab, so that another tab can be somebody else'));
    const others = [...this.known].filter(([key]) => key !== this.key).slice(-8);
    if (others.length) {
      form.append(make('p', { className: 'people-others-title' }, 'Or speak as'), make('div', { className: 'people-others' },
        ...others.map(([, name]) => make('button', { type: 'button', className: 'button', onclick: () => { input.value = name; alone.checked = true; this.#save(name, true); } }, name))));
    }
    form.append(make('div', { className: 'dialog-row' },
      make('button', { type: 'button', className: 'button', onclick: () => this.dialog.close() }, 'Cancel'),
      make('button', { type: 'submit', className: 'button is-main' }, 'Save')));
    form.addEventListener('submit', () => this.#save(input.value, alone.checked));
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
    input.select();
  }

  #save(typed, isAlone) {
    const name = typed.trim().replace(/\s+/g, ' ').slice(0, NAME_MAX);
    this.dialog.close();
    if (!name) return;
    keep(forTab, KEPT, isAlone ? name : null);
    if (!isAlone) keep(forBrowser, KEPT, name);
    this.#become(name);
  }

  #become(name) {
    this.name = name;
    this.#show();
    this.changed();
  }

  #show() {
    const mark = make('span', { className: 'mark', 'aria-hidden': 'true' }, [...this.name][0]);
    mark.style.setProperty('--hue', hueOf(this.key));
    this.button.replaceChildren(mark, make('bdi', { className: 'who-name' }, this.name));
    this.button.setAttribute('aria-label', `You are ${this.name}. Change your name`);
    this.button.title = 'Change your name';
  }
}

function guest() {
  const name = `Guest ${10 + Math.floor(Math.random() * 90)}`;
  keep(forBrowser, KEPT, name);
  return name;
}
