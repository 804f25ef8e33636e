// The strip: every shot of the story as a frame, the canon as one lit line, branches below it.

import { length } from './clock.js';
import { draw, isCalm, make, say } from './dom.js';
import { layout, standing, tipOf } from './tree.js';

const WIDE = { width: 120, height: 68, gapX: 28, gapY: 16, pad: 14 };
const NARROW = { width: 96, height: 54, gapX: 18, gapY: 12, pad: 12 };
const narrow = matchMedia('(max-width: 640px)');
let frameSize = narrow.matches ? NARROW : WIDE;
const RING = 2 * Math.PI * 15;
const WORDS = { ready: 'ready', running: 'rendering', waiting: 'waiting', failed: 'no clip', none: 'no clip' };

export class Strip {
  /** `onShot(shot)` and `onFilm(film)` show one; `onNext(shot)` asks for the one after it; `onStory(code)` opens another story. */
  constructor(element, name, handlers) {
    this.element = element;
    this.name = name;
    this.handlers = handlers;
    this.frames = new Map();
    this.lines = draw('svg', { class: 'strip-lines', 'aria-hidden': 'true' });
    this.next = make('button', { type: 'button', className: 'frame frame-next', onclick: () => handlers.onNext(this.tip) },
      make('span', { 'aria-hidden': 'true', className: 'frame-plus' }, '+'), make('span', {}, 'Next shot'));
    this.canvas = make('div', { className: 'strip-canvas' }, this.lines, this.next);
    this.films = make('div', { className: 'strip-films', role: 'group', 'aria-label': 'Films' });
    narrow.addEventListener('change', () => this.show(this.story));
    this.element.append(make('div', { className: 'strip-scroll', onkeydown: (event) => this.#walk(event) }, this.canvas, this.films));
  }

  /** Show this story; null hides the strip. */
  show(story) {
    this.story = story;
    frameSize = narrow.matches ? NARROW : WIDE;
    this.element.style.setProperty('--frame-width', `${frameSize.width}px`);
    this.element.style.setProperty('--frame-height', `${frameSize.height}px`);
    this.#title(story);
    this.element.hidden = !story || (!story.shots.length && !story.films.length);
    if (!story) return;
    const { nodes, lanes, columns } = layout(story.shots);
    const places = new Map(nodes.map((node) => [node.shot.code, node]));
    this.#frames(nodes);
    this.#lines(nodes, places, columns, lanes);
    this.#next(story, places);
    this.#films(story.films);
    const grew = story.code !== this.code || columns > (this.columns ?? 0);
    [this.code, this.columns] = [story.code, columns];
    if (grew) this.#follow();
  }

  focus(code) {
    this.frames.get(code)?.focus();
  }

  #frames(nodes) {
    const seen = new Set();
    nodes.forEach(({ shot, column, lane }) => {
      seen.add(shot.code);
      if (!this.frames.has(shot.code)) {
        this.frames.set(shot.code, this.#frame(shot.code));
        this.canvas.insertBefore(this.frames.get(shot.code), this.next);
      }
      const frame = this.frames.get(shot.code);
      frame.shot = shot;
      frame.style.left = `${leftOf(column)}px`;
      frame.style.top = `${topOf(lane)}px`;
      frame.dataset.column = column;
      frame.dataset.lane = lane;
      this.#fill(frame, shot);
    });
    for (const [code, frame] of this.frames) {
      if (seen.has(code)) continue;
      frame.remove();
      this.frames.delete(code);
    }
    // Reading order is the order of the tree.
    nodes.forEach(({ shot }) => this.canvas.append(this.frames.get(shot.code)));
    this.canvas.append(this.next);
  }

  #frame(code) {
    const parts = {
      picture: make('img', { className: 'frame-picture', alt: '', decoding: 'async', hidden: true }),
      ring: draw('circle', { class: 'ring-fill', cx: 18, cy: 18, r: 15, 'stroke-dasharray': RING }),
      percent: make('span', { className: 'frame-percent' }),
      mark: make('span', { className: 'frame-mark' }),
      length: make('span', { className: 'frame-length' }),
    };
    parts.picture.addEventListener('error', () => { parts.picture.hidden = true; });
    parts.progress = make('span', { className: 'frame-progress', 'aria-hidden': 'true' },
      draw('svg', { class: 'ring', viewBox: '0 0 36 36' }, draw('circle', { class: 'ring-back', cx: 18, cy: 18, r: 15 }), parts.ring),
      parts.percent);
    const frame = make('button', { type: 'button', className: 'frame', 'data-code': code, onclick: () => this.handlers.onShot(frame.shot) },
      parts.picture, parts.progress, parts.mark, make('span', { className: 'frame-code' }, code), parts.length);
    frame.parts = parts;
    return frame;
  }

  #fill(frame, shot) {
    const { parts } = frame;
    const state = standing(shot);
    const picture = (state === 'running' && shot.job.preview) ? `${shot.job.preview}?p=${Math.round(shot.job.percent ?? 0)}` : shot.clip?.thumbnail;
    this.#picture(parts.picture, picture ?? '');
    frame.dataset.state = state;
    frame.classList.toggle('is-canon', shot.on_canon);
    frame.classList.toggle('is-stale', shot.is_stale);
    const percent = state === 'running' ? shot.job.percent : null;
    frame.classList.toggle('is-counted', percent !== null && percent !== undefined);
    parts.ring.style.strokeDashoffset = String(RING * (1 - (percent ?? 25) / 100));
    say(parts.percent, percent === null || percent === undefined ? '' : `${Math.round(percent)}`);
    const takes = shot.takes > 1 ? `take ${shot.takes}` : '';
    say(parts.mark, state === 'failed' ? 'no clip' : state === 'waiting' ? 'waiting' : shot.is_stale ? 'older frame' : takes);
    say(parts.length, length(shot.clip?.seconds ?? shot.seconds));
    frame.title = `${shot.author}: ${shot.prompt}`;
    const where = shot.on_canon ? 'on the canon' : 'on a branch';
    const counted = percent === null || percent === undefined ? '' : ` ${Math.round(percent)} percent`;
    frame.setAttribute('aria-label', `${shot.code}, ${where}, ${WORDS[state]}${counted}. ${shot.author}: ${shot.prompt}`);
  }

  /** A new picture takes the place of the old one only when it is there. */
  #picture(image, src) {
    if (image.dataset.src === src) return;
    image.dataset.src = src;
    if (!src) {
      image.hidden = true;
      return;
    }
    const next = new Image();
    next.src = src;
    next.decode().then(() => {
      if (image.dataset.src !== src) return;
      image.src = src;
      image.hidden = false;
    }).catch(() => {}); // a preview that vanished: the next one comes
  }

  #lines(nodes, places, columns, lanes) {
    const width = leftOf(columns + 1) - frameSize.gapX + frameSize.pad;
    const height = topOf(lanes) - frameSize.gapY + frameSize.pad;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.lines.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.lines.setAttribute('width', width);
    this.lines.setAttribute('height', height);
    const paths = nodes.filter(({ shot }) => places.has(shot.parent)).map((node) => {
      const from = places.get(node.shot.parent);
      const isCanon = node.shot.on_canon && from.shot.on_canon;
      return { isCanon, path: draw('path', { d: curve(from, node), class: isCanon ? 'line is-canon' : 'line' }) };
    });
    paths.sort((a, b) => Number(a.isCanon) - Number(b.isCanon)); // the canon on top
    this.lines.replaceChildren(...paths.map(({ path }) => path));
  }

  #next(story, places) {
    const tip = tipOf(story.shots);
    this.tip = tip;
    this.next.hidden = !tip || !story.is_current;
    if (!tip) return;
    const { column, lane } = places.get(tip.code);
    this.next.style.left = `${leftOf(column + 1)}px`;
    this.next.style.top = `${topOf(lane)}px`;
    this.next.setAttribute('aria-label', `Next shot after ${tip.code}`);
    this.next.dataset.column = column + 1;
    this.next.dataset.lane = lane;
    if (!this.next.hidden) {
      const line = curve({ column, lane }, { column: column + 1, lane });
      this.lines.append(draw('path', { d: line, class: 'line is-next' }));
    }
  }

  #films(films) {
    this.films.hidden = !films.length;
    this.films.replaceChildren(...films.slice(-4).reverse().map((film) => {
      const picture = make('img', { className: 'frame-picture', alt: '', src: film.clip.thumbnail, decoding: 'async' });
      picture.addEventListener('error', () => { picture.hidden = true; });
      return make('button', {
        type: 'button', className: 'frame frame-film', title: `${film.code}: ${film.shots.join(' ')}`,
        'aria-label': `Film ${film.code}, ${film.shots.length} shots, ${length(film.clip.seconds)}`,
        onclick: () => this.handlers.onFilm(film),
      }, picture, make('span', { className: 'frame-code' }, film.code), make('span', { className: 'frame-length' }, length(film.clip.seconds)));
    }));
  }

  /** The story's name; where there are several, one can look at another. */
  #title(story) {
    const shown = JSON.stringify(story && [story.code, story.title, story.others]);
    if (this.titled === shown) return;
    this.titled = shown;
    if (!story?.others.length) {
      this.name.replaceChildren(story ? `${story.code} · ${story.title}` : '');
      return;
    }
    const choose = make('select', { 'aria-label': 'Story', onchange: () => this.handlers.onStory(choose.value) });
    const all = [{ code: story.code, title: story.title }, ...story.others];
    choose.append(...all.map(({ code, title }) => make('option', { value: code, selected: code === story.code }, `${code} · ${title}`)));
    this.name.replaceChildren(choose);
  }

  /** The end of the canon comes into sight. */
  #follow() {
    const scroll = this.canvas.parentElement;
    scroll.scrollTo({ left: this.next.offsetLeft + frameSize.width + frameSize.pad - scroll.clientWidth, behavior: isCalm() ? 'auto' : 'smooth' });
  }

  /** Arrow keys go to the nearest frame in that direction. */
  #walk(event) {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const from = event.target.closest('.frame')?.dataset;
    if (!step || !from?.column) return;
    const away = (frame) => (frame.dataset.column - from.column) * step[0] + (frame.dataset.lane - from.lane) * step[1];
    const aside = (frame) => Math.abs((frame.dataset.column - from.column) * step[1]) + Math.abs((frame.dataset.lane - from.lane) * step[0]);
    const ahead = [...this.canvas.querySelectorAll('.frame:not([hidden])')].filter((frame) => away(frame) > 0);
    ahead.sort((a, b) => away(a) + 2 * aside(a) - away(b) - 2 * aside(b));
    if (!ahead.length) return;
    event.preventDefault();
    ahead[0].focus();
  }
}

function leftOf(column) {
  return frameSize.pad + column * (frameSize.width + frameSize.gapX);
}

function topOf(lane) {
  return frameSize.pad + lane * (frameSize.height + frameSize.gapY);
}

function curve(from, to) {
  const [x1, y1] = [leftOf(from.column) + frameSize.width, topOf(from.lane) + frameSize.height / 2];
  const [x2, y2] = [leftOf(to.column), topOf(to.lane) + frameSize.height / 2];
  const middle = (x1 + x2) / 2;
  return `M ${x1} ${y1} C ${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}
