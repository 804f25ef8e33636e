// The page: puts the room together and lets its parts speak with each other.

import { Api, Refusal, newKey } from './api.js';
import { length, setNow } from './clock.js';
import { Composer } from './composer.js';
import { make, say } from './dom.js';
import { Log } from './log.js';
import { People } from './people.js';
import { Strip } from './strip.js';

const at = (id) => document.getElementById(id);
const LOST_MS = 1500; // shorter breaks are not worth a word
const EXAMPLES = [
  'a lighthouse keeper lights the lamp at dusk',
  'a red fox trots through a misty forest at dawn',
  'a rocket flies past a ringed planet',
];

class Room {
  constructor() {
    this.name = location.pathname.match(/^\/room\/([a-z0-9-]+)/)?.[1] ?? 'home';
    this.api = new Api(this.name);
    this.people = new People({ button: at('who'), dialog: at('people'), changed: () => this.log.iAm(this.people.key) });
    this.log = new Log({ list: at('log'), scroll: at('scroll'), newest: at('newest'), room: this });
    this.composer = new Composer(at('composer'), this);
    this.strip = new Strip(at('strip'), at('story-name'), {
      onShot: (shot) => this.#showShot(shot),
      onFilm: (film) => this.#showFilm(film),
      onNext: (tip) => this.askFor({ verb: 'continue', target: tip.code, asks: 'What happens next?' }),
      onStory: (code) => this.#otherStory(code),
    });
    document.addEventListener('keydown', (event) => this.#shortcut(event));
  }

  get me() {
    return this.people;
  }

  async start() {
    try {
      await this.#load();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      at('loading').replaceChildren(make('p', {}, error.message), make('button', { type: 'button', className: 'button is-main', onclick: () => location.reload() }, 'Try again'));
      return;
    }
    this.stream = this.api.events(this.cursor, {
      connected: () => this.#connected(),
      lost: () => this.#lost(),
      post: (post) => this.#put(post),
      story: ({ story }) => this.#tell(story),
      resync: () => this.#load().catch(() => this.#lost()),
    });
    if (matchMedia('(hover: hover)').matches) this.composer.focus();
  }

  // --- what the parts ask of the room

  async say(message, file) {
    const asked = this.people.name;
    const { post, private: whisper } = await this.api.say({ ...message, name: asked }, file);
    this.people.learn(asked, post.author);
    this.#put(post);
    this.log.iAm(this.people.key);
    this.log.toEnd();
    if (whisper) this.log.whisper(whisper);
  }

  async press(button, element) {
    element.disabled = true;
    try {
      const { verb, target } = button;
      const { private: whisper } = await this.api.press({ verb, target, name: this.people.name, key: newKey() });
      if (whisper) this.log.whisper(whisper);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.log.whisper({ text: error.message, buttons: [], is_error: true });
    } finally {
      element.disabled = false;
    }
  }

  askFor(button) {
    this.composer.begin(`/${button.verb} ${button.target} `, button.asks);
  }

  focusComposer() {
    this.composer.focus();
  }

  goTo(code) {
    const shot = this.story?.shots.find((each) => each.code === code);
    const film = this.story?.films.find((each) => each.code === code);
    if (shot) this.#showShot(shot);
    else if (film) this.#showFilm(film);
    else if (!this.log.reveal(code)) this.composer.begin(`/show ${code}`);
  }

  /** One clip sounds at a time. */
  playing(element) {
    document.querySelectorAll('video').forEach((other) => other !== element && other.pause());
  }

  async older() {
    if (!this.hasMore || this.isReadingBack) return;
    this.isReadingBack = true;
    try {
      const { posts, has_more: hasMore } = await this.api.older(this.log.oldest);
      this.hasMore = hasMore;
      posts.forEach((post) => this.#meet(post));
      this.log.putOlder(posts);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    } finally {
      this.isReadingBack = false;
    }
  }

  // --- news

  async #load() {
    const room = await this.api.room();
    setNow(room.now);
    this.cursor = room.cursor;
    this.version ??= room.version;
    if (this.version !== room.version) location.reload(); // the server was updated; what is typed is kept
    if (this.stream) this.stream.cursor = room.cursor;
    if (this.log.isEmpty) this.hasMore = room.has_more;
    say(at('room-name'), this.name === 'home' ? '' : this.name);
    this.composer.know({ commands: room.commands });
    room.posts.forEach((post) => this.#put(post));
    this.#tell(room.story);
    at('loading').hidden = true;
    this.#emptiness();
  }

  #put(post) {
    this.#meet(post);
    this.log.put(post);
    this.#emptiness();
  }

  #meet(post) {
    if (post.kind === 'said') this.people.meet(post.author, post.name);
  }

  #tell(story) {
    this.current = story;
    if (!this.looksAt || story?.code === this.looksAt) {
      this.looksAt = null;
      this.#showStory(story);
    }
  }

  #showStory(story) {
    this.story = story;
    this.strip.show(story);
    document.title = story ? `${story.title} · Nextshot` : 'Nextshot';
    const shots = (story?.shots ?? []).map((shot) => ({ code: shot.code, about: `${shot.author}: ${shot.prompt}` })).reverse();
    const films = (story?.films ?? []).map((film) => ({ code: film.code, about: `film of ${film.shots.length} shots` }));
    this.composer.know({ codes: [...shots, ...films] });
  }

  async #otherStory(code) {
    if (code === this.current?.code) {
      this.looksAt = null;
      this.#showStory(this.current);
      return;
    }
    try {
      const { story } = await this.api.story(code);
      this.looksAt = code;
      this.#showStory(story);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.log.whisper({ text: error.message, buttons: [], is_error: true });
    }
  }

  #connected() {
    clearTimeout(this.lostTimer);
    this.lostTimer = null;
    at('banner').hidden = true;
  }

  #lost() {
    this.lostTimer ??= setTimeout(() => {
      say(at('banner'), 'The line to the server is broken. Trying again…');
      at('banner').hidden = false;
      this.api.room().catch(() => {}); // where the login ended, this leads to its page
    }, LOST_MS);
  }

  // --- looking at clips

  #showShot(shot) {
    if (this.log.reveal(shot.code, shot.job?.post)) return;
    if (shot.clip) this.#view(shot.code, shot.clip, `${shot.author}: ${shot.prompt}`);
    else this.log.whisper({ text: `${shot.code} · by ${shot.author}\n“${shot.prompt}”\n${shot.job?.error ?? 'It has no clip yet.'}`, buttons: [], is_error: false });
  }

  #showFilm(film) {
    if (!this.log.reveal(film.code)) this.#view(film.code, film.clip, film.shots.join(' · '));
  }

  /** A clip whose message is not loaded, above the page. */
  #view(code, clip, about) {
    const dialog = at('viewer');
    const video = make('video', { src: clip.src, poster: clip.thumbnail, controls: true, playsinline: true, width: clip.width, height: clip.height });
    video.addEventListener('play', () => this.playing(video));
    dialog.replaceChildren(video, make('div', { className: 'dialog-row' }, make('p', {}, make('b', {}, code), ` · ${length(clip.seconds)} · ${about}`),
      make('button', { type: 'button', className: 'button', onclick: () => dialog.close() }, 'Close')));
    dialog.addEventListener('close', () => dialog.replaceChildren(), { once: true });
    dialog.showModal();
    video.focus();
  }

  // --- an empty room

  #emptiness() {
    const isEmpty = this.log.isEmpty;
    at('empty').hidden = !isEmpty;
    if (!isEmpty || at('empty').childElementCount) return;
    at('empty').append(
      make('h1', {}, 'Make a film together'),
      make('p', {}, 'Type what the first shot shows. The next shot begins on its last frame. When you like the story, stitch it into a film.'),
      make('div', { className: 'examples' }, ...EXAMPLES.map((prompt, index) => make('button', {
        type: 'button', className: `example${index ? '' : ' is-first'}`, onclick: () => this.composer.send(`/create ${prompt}`),
      }, make('code', { className: 'command' }, '/create'), ` ${prompt}`))),
      make('p', { className: 'empty-note' }, 'Press / for every command. A picture that you drop here becomes the first frame of a shot, a video becomes a shot.'));
  }

  #shortcut(event) {
    const isTyping = event.target.closest('input, textarea, select, dialog');
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.composer.begin('/');
      at('say').dispatchEvent(new Event('input'));
    } else if (event.key === 'Escape' && !isTyping) this.composer.focus();
  }
}

new Room().start();
