// The buttons under a message.

import { make } from './dom.js';

const EXTRA = [['thumbnail', 'Thumbnail'], ['spritesheet', 'Sprite sheet'], ['last-frame', 'Last frame']];
const STRONG = new Set(['continue', 'again', 'agree']);

/** The row of a message: its buttons, and the download of its clip. */
export function actions(post, room) {
  const isLink = (button) => button.verb === 'download' && !button.target.includes(':'); // other kinds of it are made first
  const row = post.buttons.filter((button) => !isLink(button)).map((button) => action(button, room));
  const download = post.buttons.find(isLink);
  const code = post.video?.code ?? download?.target;
  if (code) {
    const at = row.findIndex((element) => element.dataset.verb === 'delete');
    row.splice(at < 0 ? row.length : at, 0, ...downloads(code, room));
  }
  return row;
}

function action(button, room) {
  const element = make('button', {
    type: 'button', className: `button${STRONG.has(button.verb) ? ' is-main' : ''}${button.verb === 'delete' ? ' is-quiet' : ''}`,
    'data-verb': button.verb, 'data-target': button.target,
  }, button.label);
  element.addEventListener('click', () => {
    if (button.asks) room.askFor(button);
    else if (button.verb === 'delete') confirm(element, button, room);
    else room.press(button, element);
  });
  return element;
}

/** Ask in place before something is lost. */
function confirm(element, button, room) {
  const back = () => { question.replaceWith(element); element.focus(); };
  const keep = make('button', { type: 'button', className: 'button', onclick: back }, 'Keep it');
  const sure = make('button', { type: 'button', className: 'button is-danger' }, `Delete ${button.target}`);
  const question = make('span', { className: 'confirm', role: 'group', 'aria-label': `Delete ${button.target}?` },
    make('span', { className: 'confirm-text' }, `Delete ${button.target} for everybody?`), sure, keep);
  sure.addEventListener('click', async () => {
    await room.press(button, sure);
    if (question.isConnected) back();
  });
  question.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    back();
  });
  element.replaceWith(question);
  keep.focus();
}

function downloads(code, room) {
  const link = (variant, label, className) => make('a', {
    className, href: `/media/${room.name}/${code}/${variant}?download=1`, download: true, 'data-verb': 'download', 'data-variant': variant,
  }, label);
  const more = make('span', { className: 'more', hidden: true }, ...EXTRA.map(([variant, label]) => link(variant, label, 'button is-quiet')));
  const opener = make('button', { type: 'button', className: 'button is-narrow', 'aria-expanded': 'false', 'aria-label': `More files of ${code}` }, '⋯');
  opener.addEventListener('click', () => {
    more.hidden = !more.hidden;
    opener.setAttribute('aria-expanded', String(!more.hidden));
  });
  return [make('span', { className: 'split' }, link('video', 'Download', 'button'), opener), more];
}
