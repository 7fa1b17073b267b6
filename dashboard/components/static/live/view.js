// The live view: puts the parts together, keeps them up to date, and paints once per frame of the browser.

import { ChartBoard } from './charts.js';
import { Commands } from './commands.js';
import { Controls } from './controls.js';
import { Diagnosis } from './diagnosis.js';
import { el, setText } from '../base/dom.js';
import { Evaluations } from './evaluation.js';
import { unpack } from '../base/frames.js';
import { thousands } from '../base/format.js';
import { GamePanel } from './game.js';
import { Knobs } from './knobs.js';
import { Notice } from './notice.js';
import { Pictures } from './pictures.js';
import { RunState } from './run.js';
import { LiveSocket } from './socket.js';
import { applyTheme, readTheme } from '../base/theme.js';
import { Theory } from './theory.js';
import { Timeline } from './timeline.js';

const SMALLEST_CHARTS = 430; // CSS pixels that the charts keep beside the pictures
const NARROW_LESSON = 560; // the same beside a lesson, where one chart stands
const LESSON_PICTURE = 320; // CSS pixels, at most
const NARROW = 820; // below it everything stands in one column
const GAP = 14;
const GLIDE_MS = 40; // between two steps of dots that glide
const IDLE_MS = 60; // between looks at what is due while nothing moves
const TEXT_MS = 200; // how often numbers in words change: faster cannot be read

export class LiveView {
  /** @type {() => void} */
  onResize;
  /** @type {Pictures} */
  pictures;
  /** @type {ChartBoard} */
  board;
  /** @type {Timeline} */
  timeline;
  /** @type {Knobs} */
  knobs;
  /** @type {Evaluations} */
  evaluations;
  /** @type {GamePanel | undefined} */
  game;
  /** @type {Controls} */
  controls;
  /** @type {ResizeObserver} */
  sizes;
  asked = 0; // the browser's number of the next call, 0: none

  /**
   * `host`: the element to fill. `ids`: runs to show, one or two. `role`: "presenter" or "viewer".
   * `charts`: of the catalogue. `lesson`: what a lesson wants to be seen, or null. `open(ids)` shows others.
   */
  constructor(host, { ids, role, height, charts, lesson = null, open }) {
    this.host = host;
    this.height = height;
    this.declared = charts;
    this.lesson = lesson;
    this.pending = new Map();
    this.changed = new Set();
    this.textAt = 0;
    this.mayChange = role === 'presenter';
    this.notice = new Notice();
    this.runs = ids.map((id) => new RunState(id));
    this.stats = {
      frames_painted: 0,
      rows: 0,
      step: 0,
      connected: false,
      run: ids[0] ?? null,
      runs: ids,
      redraw_ms: 0,
      redraw_max_ms: 0,
    };
    window.__ganscope = this.stats;
    this.theme = readTheme(host);
    this.commands = new Commands(this.runs, {
      notify: (text, kind) => this.notice.show(text, kind),
      open,
      mayChange: this.mayChange,
    });
    this.#build();
    this.setTheme();
    this.#observe();
    this.socket = new LiveSocket(
      ids,
      {
        message: (message) => this.#take(message),
        frame: (...frame) => this.#frame(...frame),
        connected: (connected) => this.#connected(connected),
        unknown: () => this.#unknown(),
      },
      () => ({
        since: this.runs.map((run) => run.history.lastRow),
        event: this.runs.map((run) => run.lastEvent),
      }),
    );
  }

  destroy() {
    this.socket.close();
    cancelAnimationFrame(this.asked);
    clearTimeout(this.later);
    clearTimeout(this.gliding);
    this.sizes.disconnect();
    removeEventListener('resize', this.onResize);
    for (const part of [this.controls, this.board, this.timeline]) part.destroy();
    this.theory?.destroy();
    this.game?.destroy();
    this.root.remove();
    if (window.__ganscope === this.stats) delete window.__ganscope;
  }

  #build() {
    this.pictures = new Pictures(this.runs, () => this.#schedule('layout'));
    this.board = new ChartBoard(this.runs, this.declared, this.theme, this.stats, (step) =>
      this.#hover(step),
    );
    this.timeline = new Timeline(this.runs, this.theme, (step) => this.#rewind(step));
    this.knobs = new Knobs(this.runs, this.commands, this.mayChange);
    this.diagnoses = this.runs.map(
      (run) => new Diagnosis(run, this.commands, this.mayChange, this.runs.length > 1),
    );
    this.evaluations = new Evaluations(this.runs);
    if (this.runs.length === 1 && !this.lesson) this.#drawGame(this.runs[0]);
    this.controls = new Controls(
      {
        runs: this.runs,
        commands: this.commands,
        rewound: () => this.pictures.rewound,
        savePicture: () => this.pictures.save('ganscope'),
        notify: (text) => this.notice.show(text),
      },
      this.mayChange,
      this.game?.button,
    );
    this.past = el('div', { class: 'gv-past', hidden: true });
    this.pictures.element.append(this.past);
    this.root = el(
      'div',
      { class: 'gv-root gv-waiting', data: { runs: this.runs.length } },
      this.controls.element,
      this.game?.element,
      this.pictures.element,
      this.board.element,
      el(
        'div',
        { class: 'gv-diagnoses' },
        this.diagnoses.map((diagnosis) => diagnosis.element),
      ),
      this.timeline.element,
      this.evaluations.element,
      this.knobs.element,
      this.notice.element,
    );
    this.host.append(this.root);
    if (this.lesson) this.#teach();
    for (const panel of this.pictures.panels) panel.say('Connecting …');
  }

  #drawGame(run) {
    const follow = (sample) => this.socket?.send({ type: 'follow', sample });
    this.game = new GamePanel(run, follow);
  }

  // beside a lesson: the one chart that matters, with what theory says and what was guessed
  #teach() {
    this.root.classList.add('gv-lesson');
    this.root.dataset.chart = this.board.show(this.lesson.chart);
    this.theory = new Theory(this.runs[0], this.lesson, this.board, () => this.#schedule());
  }

  #observe() {
    this.onResize = () => this.#schedule('layout');
    addEventListener('resize', this.onResize);
    this.sizes = new ResizeObserver(this.onResize);
    this.sizes.observe(this.host);
    for (const part of [this.controls, this.timeline, this.evaluations, this.knobs])
      this.sizes.observe(part.element);
  }

  /** Reads Streamlit's colours again: its menu switches between light and dark without a reload. */
  setTheme() {
    this.theme = readTheme(this.host);
    applyTheme(this.root, this.theme);
    this.timeline.theme = this.theme;
    this.#schedule('config');
  }

  // messages

  /** @param {import('../base/records.js').Message} message */
  #take(message) {
    if (message.type === 'error') {
      this.notice.show([message.error, message.remedy].filter(Boolean).join(' '), 'error');
      return;
    }
    const run = this.runs.find((each) => each.id === message.run);
    if (!run) return;
    const changes = run.take(message);
    for (const change of changes) this.changed.add(change);
    if (changes.includes('refused')) this.notice.show(run.refused, 'error');
    this.stats.rows = this.runs[0].history.received;
    this.#schedule();
  }

  // a newer frame replaces one that waits to be painted; both are acknowledged when the newer one is on the
  // screen
  #frame(index, buffer, offset, painted) {
    const waiting = this.pending.get(index);
    this.pending.set(index, { buffer, offset, painted: [...(waiting?.painted ?? []), painted] });
    this.#schedule();
  }

  #connected(connected) {
    this.stats.connected = connected;
    this.controls.setConnected(connected);
    if (connected) this.game?.ask();
    this.root.classList.toggle('gv-offline', !connected);
  }

  #unknown() {
    this.stats.connected = false;
    this.controls.setConnected(true); // there is nothing to come back to
    for (const run of this.runs) run.gone = true;
    this.root.classList.remove('gv-waiting');
    this.root.classList.toggle('gv-empty', !this.runs.some((run) => run.config));
    this.changed.add('status');
    this.#schedule();
  }

  // painting

  #schedule(change) {
    if (change) this.changed.add(change);
    this.asked ||= requestAnimationFrame((time) => this.#paint(time));
  }

  #paint(time) {
    this.asked = 0;
    const { changed } = this;
    if (changed.has('config')) this.#configure();
    if (changed.has('rows')) {
      this.board.fitSlot();
      this.board.changed();
      this.board.coverage.update();
      this.timeline.dirty = true;
    }
    if (changed.has('status')) this.knobs.update();
    if (changed.has('marks')) this.board.redraw();
    if (changed.has('evaluation')) this.board.changed();
    if (['evaluation', 'status', 'config'].some((change) => changed.has(change)))
      this.evaluations.update(this.board.pin);
    if (changed.has('game') || changed.has('status')) this.game?.update();
    if (changed.size) this.timeline.dirty = true;
    const layout = changed.has('layout') || changed.has('config');
    if (changed.has('status') || changed.has('diagnosis') || changed.has('config')) this.#showWords();
    changed.clear();
    if (layout) this.#layout();
    if (layout && this.runs.every((run) => run.config)) this.root.classList.remove('gv-waiting');
    this.#paintFrames(time);
    const moving = this.pictures.paint(time);
    this.board.paint(time);
    this.timeline.paint(time);
    this.#showNumbers(time);
    this.stats.step = this.runs[0].step;
    const waiting =
      this.timeline.dirty ||
      this.board.charts.some((chart) => chart.dirty) ||
      this.runs.some((run) => run.state === 'running');
    if (this.pending.size) this.#schedule();
    else if (moving) this.gliding ??= setTimeout(() => this.#glide(), GLIDE_MS);
    else if (waiting) this.later ??= setTimeout(() => this.#wake(), IDLE_MS);
  }

  // between frames that come quickly there is nothing to add, and painting takes time from the training
  #glide() {
    this.gliding = null;
    this.#schedule();
  }

  // while nothing moves a look now and then will do: a phone that only watches stays cool
  #wake() {
    this.later = null;
    this.#schedule();
  }

  #paintFrames(time) {
    for (const [index, { buffer, offset, painted }] of this.pending) {
      const shown = this.runs[index]?.config
        ? this.pictures.show(index, unpack(buffer, offset), time)
        : false;
      const done = () => {
        if (shown !== false) this.stats.frames_painted += 1;
        for (const tell of painted) tell();
      };
      if (shown instanceof Promise) shown.then(done, done);
      else done();
    }
    this.pending.clear();
  }

  #configure() {
    if (!this.runs.every((run) => run.config)) return;
    this.controls.configure();
    this.pictures.configure(this.theme.dark);
    this.board.configure(this.theme);
    this.knobs.configure();
  }

  #showWords() {
    for (const diagnosis of this.diagnoses) diagnosis.update(this.board.pin);
    this.controls.update();
    for (const panel of this.pictures.panels) panel.sayState();
  }

  #showNumbers(time) {
    if (time - this.textAt < TEXT_MS) return;
    this.textAt = time;
    this.controls.update();
    this.pictures.update();
  }

  // looking back

  #hover(step) {
    this.timeline.setHover(step);
    this.#schedule();
  }

  #rewind(step) {
    this.past.hidden = step === null;
    if (step !== null) setText(this.past, `looking back: step ${thousands(step)}`);
    this.board.setPin(step);
    this.evaluations.update(step);
    for (const diagnosis of this.diagnoses) diagnosis.update(step);
    this.pictures.rewind(step, (problem) => this.notice.show(problem.text ?? String(problem), 'error'));
    this.controls.update();
    this.#schedule();
  }

  // size

  // the picture is as tall as the window leaves, measured from where the view starts on an unscrolled page
  #layout() {
    const width = this.host.clientWidth;
    if (!width) return;
    const narrow = width < (this.lesson ? NARROW_LESSON : NARROW);
    this.root.classList.toggle('gv-narrow', narrow);
    if (narrow) {
      this.pictures.resize(width, Math.max(220, innerHeight * 0.72));
      this.root.style.removeProperty('--gv-picture');
      this.pictures.redraw();
      return;
    }
    const heights = [
      this.controls.element,
      this.root.querySelector('.gv-diagnoses'),
      this.timeline.element,
      this.pictures.toggles,
    ].reduce((sum, part) => sum + part.offsetHeight, 0);
    const knobs = this.knobs.speed.element.offsetHeight; // one row of them: more may lie below the window
    const evaluations = this.evaluations.element.hidden ? 0 : this.evaluations.closedHeight + 8;
    const below = evaluations + knobs + 5 * 8 + 12;
    const room = (this.height ?? innerHeight - this.#top()) - heights - below;
    const most = Math.max(width * 0.36, width - SMALLEST_CHARTS - GAP);
    const several = this.runs.length > 1 || this.pictures.areImages;
    const cap = Math.min(most, width * (this.board.isSplit ? 0.5 : several ? 0.62 : 0.56));
    if (this.lesson) {
      const taken = this.pictures.resize(Math.min(width * 0.45, LESSON_PICTURE), LESSON_PICTURE);
      this.root.style.setProperty('--gv-picture', `${taken}px`);
      this.root.style.setProperty('--gv-main', `${LESSON_PICTURE}px`);
      this.pictures.redraw();
      this.timeline.dirty = true;
      return;
    }
    const taken = this.pictures.resize(cap, Math.max(280, room));
    this.root.style.setProperty('--gv-picture', `${taken}px`);
    this.root.style.setProperty('--gv-main', `${Math.max(280, room) + this.pictures.toggles.offsetHeight}px`);
    this.pictures.redraw();
    this.timeline.dirty = true;
  }

  #top() {
    let scrolled = 0;
    for (let at = this.host.parentElement; at; at = at.parentElement) scrolled += at.scrollTop;
    return this.host.getBoundingClientRect().top + scrolled;
  }
}
