// The pictures of the runs on show, side by side, with the toggles for their layers; the toggles are the
// legend too.

/** @import { FrameHeader } from '../base/records.js' */
/** @import { Frame } from '../base/frames.js' */
/** @import { RunState } from './run.js' */
/** @typedef {Record<string, any>} Layers */

import { el, remember, remembered, setText } from '../base/dom.js';
import { unpack } from '../base/frames.js';
import { fixed, lowered, thousands } from '../base/format.js';
import { judged } from './chart_specs.js';
import { ImagesPicture } from './images_picture.js';
import { PointsPicture } from './points_picture.js';
import { getBytes, runPath } from '../base/request.js';

const LAYERS = [
  ['real', 'real', 'points of the data; a dashed ring: a mode that hardly any of the points on show reach'],
  ['fake', 'generated', 'G of the same 512 z in every frame, so each dot keeps its identity'],
  ['d', 'D', 'what D thinks of each place: green real, white undecided, purple generated'],
  [
    'optimal',
    'D*',
    'the best possible D: p / (p + q), q the density of generated points, estimated with a Gaussian kernel; over D: its ¼, ½ and ¾ lines',
  ],
  ['manifold', 'manifold', 'where G maps a square grid of z; of codes, a curve for each category'],
  ['arrows', 'gradient', "where G's loss wants to move the points"],
];
// offered where a frame has them
const SPECIAL = [
  ['category', 'categories', 'each generated point in the colour of the category in its latent'],
  ['reconstructed', 'reconstructions', 'a line from each real x to G(E(x)): what the encoder has kept'],
];
const DEFAULTS = {
  real: true,
  fake: true,
  d: true,
  optimal: false,
  manifold: false,
  arrows: true,
  category: true,
  reconstructed: true,
};
const KEPT_FRAMES = 80;
const LEAST = 320; // CSS pixels across: the toggles below want room too
const LEAST_PANEL = 220; // CSS pixels across, of one of several side by side
const [GAP, CAPTION, FIGURE_CAPTION] = [14, 28, 26]; // CSS pixels, as in the style sheet

/** One run's picture with its caption and whatever has to be said over it. */
class Panel {
  /**
   * @param {RunState} run
   * @param {Layers} layers
   * @param {boolean} several
   */
  constructor(run, layers, several) {
    this.run = run;
    this.layers = layers;
    /** @type {PointsPicture | ImagesPicture | null} */
    this.picture = null;
    /** @type {Map<number, Frame>} */
    this.frames = new Map(); // step -> snapshot, the newest used last
    this.caption = el('figcaption', { class: 'gv-caption', hidden: !several });
    this.place = el('div', { class: 'gv-place' });
    this.note = el('div', { class: 'gv-note', hidden: true });
    this.element = el(
      'figure',
      { class: 'gv-panel' },
      this.caption,
      el('div', { class: 'gv-frame' }, this.place, this.note),
    );
  }

  get kind() {
    return this.run.config?.kind ?? 'points';
  }

  /**
   * After a hello: a picture of the right kind, and the real data beside it.
   * @param {number} order
   * @param {boolean} dark
   * @param {() => void} reshaped
   */
  configure(order, dark, reshaped) {
    const Kind = this.kind === 'points' ? PointsPicture : ImagesPicture;
    if (this.picture instanceof Kind) this.picture.configure(this.run.meta, dark);
    else this.picture = new Kind(this.run.meta, this.layers, dark, reshaped);
    this.place.replaceChildren(this.picture.element);
    this.caption.replaceChildren(
      el('i', { class: `gv-dash ${order ? 'gv-dash-second' : ''}` }),
      el('strong', { text: this.run.config?.name || this.run.id }),
      el('span', { class: 'gv-number' }),
    );
    this.#fetchReal();
  }

  async #fetchReal() {
    if (this.hasReal || this.asking || !this.picture) return;
    this.asking = true;
    try {
      await this.picture.setReal(unpack(await getBytes(runPath(this.run.id, '/real'))));
      this.hasReal = true;
    } catch {
      // not written yet: asked again with the next frame that comes
    }
    this.asking = false;
  }

  /**
   * @param {Frame} frame
   * @param {number} time
   * @param {boolean} [jump]
   */
  show(frame, time, jump) {
    if (!this.hasReal) this.#fetchReal();
    return this.picture ? this.picture.show(frame, time, jump) : false;
  }

  /**
   * The kept frame of `step`, from the server or from memory.
   * @param {number} step
   * @param {AbortSignal} signal
   */
  async snapshot(step, signal) {
    let frame = this.frames.get(step);
    frame ??= unpack(await getBytes(runPath(this.run.id, `/snapshots/${step}`), signal));
    this.frames.delete(step);
    this.frames.set(step, frame);
    const [oldest] = this.frames.keys();
    if (this.frames.size > KEPT_FRAMES) this.frames.delete(oldest);
    return frame;
  }

  /** Says what keeps the picture away, if something does. */
  sayState() {
    const { state, status, history, frameStep, ended } = this.run;
    if (state === 'queued') this.say(status.queue ? `Queued: place ${status.queue} in line` : 'Queued');
    else if (frameStep || ended) this.say(null);
    else if (!history.length) this.say({ starting: 'Starting …', running: 'First steps …' }[state]);
  }

  /** @param {string | null | undefined} text */
  say(text) {
    this.note.hidden = !text;
    setText(this.note, text ?? '');
  }

  /** @param {number} [shownStep] */
  update(shownStep) {
    if (!this.caption.hidden && this.picture)
      setText(this.caption.lastChild, `step ${thousands(shownStep ?? this.run.step)}`);
  }
}

export class Pictures {
  /**
   * `changed()` is called when something must be painted or laid out again.
   * @param {RunState[]} runs
   * @param {() => void} changed
   */
  constructor(runs, changed) {
    this.runs = runs;
    this.changed = changed;
    /** @type {number | null} */
    this.rewound = null;
    /** @type {Layers} */
    this.layers = remembered('layers', DEFAULTS);
    this.layers.beside = runs.length === 1 && innerWidth > 820 ? null : ''; // null: not chosen yet
    this.bandwidth = el('div', {
      class: 'gv-chip gv-number',
      hidden: true,
      title: 'bandwidth of the Gaussian kernel that estimates q, the density of the generated points',
    });
    this.panels = runs.map((run) => new Panel(run, this.layers, runs.length > 1));
    this.row = el(
      'div',
      { class: 'gv-panels' },
      this.panels.map((panel) => panel.element),
    );
    this.toggles = el('div', { class: 'gv-toggles', role: 'group', 'aria-label': 'layers of the picture' });
    this.panels[0].place.after(this.bandwidth);
    this.element = el('section', { class: 'gv-pictures', 'aria-label': 'picture' }, this.row, this.toggles);
  }

  get areImages() {
    return this.panels.some((panel) => panel.kind !== 'points');
  }

  /** @param {boolean} dark */
  configure(dark) {
    this.panels.forEach((panel, order) => panel.run.config && panel.configure(order, dark, this.changed));
    this.offered = null;
    this.#offer();
  }

  #offer() {
    if (this.areImages) this.#offerBeside();
    else this.#offerLayers();
  }

  // what is special about a GAN is known with its first frame
  #offerLayers() {
    const special = SPECIAL.filter(([name]) =>
      this.panels.some(({ picture }) => picture instanceof PointsPicture && picture.has(name)),
    );
    const names = String(special.map(([name]) => name));
    if (names === this.offered) return;
    this.offered = names;
    this.toggles.replaceChildren(
      ...[...LAYERS, ...special].map(([name, label, title]) =>
        this.#toggle(name, label, title + this.#remark(name), () => (this.layers[name] = !this.layers[name])),
      ),
    );
    this.changed();
  }

  // a D of pairs is asked about a place together with the code that the encoder gives it
  #remark(layer) {
    const { real, alone } = judged(this.runs[0].meta);
    if (real === 'D(x)' || !['d', 'arrows', 'optimal'].includes(layer)) return '';
    return layer === 'optimal' ? `; of points alone: this D answers ${real}` : `; by ${alone || real}`;
  }

  // what can stand beside the samples is known with the first frame: exhibits are the GAN's own
  #offerBeside() {
    const offered = this.panels.flatMap(({ picture }) =>
      picture instanceof ImagesPicture ? picture.offered : [],
    );
    const names = String(offered.map(({ name }) => name));
    if (names === this.offered) return;
    this.offered = names;
    if (this.layers.beside === null && offered.length > 1) this.layers.beside = offered.at(1).name;
    const shown = new Map(offered.map((choice) => [choice.name, choice]));
    this.toggles.replaceChildren(
      ...[...shown.values()].map(({ name, title, sentence }) =>
        this.#toggle(name, lowered(title), sentence, () => {
          this.layers.beside = this.layers.beside === name ? '' : name;
          return this.layers.beside === name;
        }),
      ),
    );
    this.#press();
    this.changed();
  }

  #press() {
    for (const button of this.toggles.children) {
      const { layer } = button.dataset;
      const on = this.areImages ? (this.layers.beside ?? 'real') === layer : Boolean(this.layers[layer]);
      button.setAttribute('aria-pressed', String(on));
    }
  }

  #toggle(name, label, title, flip) {
    return el(
      'button',
      {
        type: 'button',
        class: 'gv-toggle',
        title,
        data: { layer: name },
        'aria-pressed': String(Boolean(this.layers[name])),
        on: {
          click: () => {
            flip();
            this.#press();
            const { beside, ...kept } = this.layers;
            remember('layers', kept);
            this.redraw();
            this.changed();
          },
        },
      },
      el('span', { class: `gv-key gv-key-${name}` }),
      label,
    );
  }

  /**
   * A live frame. Returns a promise where decoding takes time, `false` if it is not shown because the view
   * looks back.
   * @param {number} index
   * @param {Frame} frame
   * @param {number} time
   */
  show(index, frame, time) {
    const panel = this.panels[index];
    panel.run.frameStep = frame.header.step ?? 0;
    if (this.rewound !== null || !panel.picture) return false;
    panel.say(null);
    this.#noteBandwidth(frame.header);
    const shown = panel.show(frame, time);
    this.#offer();
    return shown;
  }

  /** @param {FrameHeader} header */
  #noteBandwidth({ bandwidth }) {
    const shown = Boolean(bandwidth && this.layers.optimal);
    this.bandwidth.hidden = !shown;
    if (shown) setText(this.bandwidth, `kernel bandwidth of q: ${fixed(bandwidth)}`);
  }

  /**
   * Shows the kept frames nearest to `step`; null goes back to live frames. A later call overtakes an
   * earlier one.
   * @param {number | null} step
   * @param {(problem: Error & { text?: string }) => void} failed
   */
  async rewind(step, failed) {
    this.rewound = step;
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    if (step === null) return;
    await Promise.all(
      this.panels.map(async (panel) => {
        const steps = panel.run.snapshots;
        if (!steps.length || !panel.picture) return;
        const nearest = steps.reduce((best, at) => (Math.abs(at - step) < Math.abs(best - step) ? at : best));
        try {
          const frame = await panel.snapshot(nearest, signal);
          if (signal.aborted) return;
          await panel.show(frame, performance.now());
          panel.update(nearest);
          this.#noteBandwidth(frame.header);
          this.changed();
        } catch (problem) {
          if (problem.name !== 'AbortError') failed(problem);
        }
      }),
    );
  }

  /** @param {number} time */
  paint(time) {
    let moving = false;
    for (const { picture } of this.panels) if (picture?.paint(time)) moving = true;
    return moving;
  }

  redraw() {
    for (const { picture } of this.panels) picture?.redraw();
  }

  update() {
    if (this.rewound !== null) return; // each panel says which of its kept frames it shows
    for (const panel of this.panels) panel.update();
  }

  /**
   * Makes all panels fit `width` x `height` (CSS pixels); returns the width that they take.
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const several = this.runs.length;
    const head = (several > 1 ? CAPTION : 0) + (this.areImages ? FIGURE_CAPTION : 0);
    const beside = this.layers.beside ?? 'real';
    const wide = this.areImages && beside && several === 1 && width > 460; // two large grids
    const stacked = several > 1 && width < 2 * LEAST_PANEL + GAP; // a phone: one below the other
    const columns = wide ? 2 : stacked ? 1 : several;
    const share = stacked ? height / several : height;
    const size = Math.floor(Math.max(160, Math.min(share - head, (width - GAP * (columns - 1)) / columns)));
    this.row.classList.toggle('gv-stacked', stacked);
    let panel = wide ? 2 * size + GAP : size;
    for (const { picture, element } of this.panels) {
      const each = this.areImages && beside && !wide ? Math.floor((size - GAP) / 2) : size;
      picture?.resize(each, columns === 1 ? share - head : each); // alone it may be taller than wide
      const taken = wide && picture instanceof ImagesPicture && picture.taken(GAP);
      if (taken) panel = Math.max(LEAST, Math.min(panel, taken));
      element.style.width = stacked ? '100%' : `${panel}px`; // the caption has the width of the screen
      element.lastChild.style.width = `${panel}px`;
    }
    return stacked ? panel : panel * several + GAP * (several - 1);
  }

  /**
   * The pictures (of images: the generated ones) as PNG files.
   * @param {string} name
   */
  save(name) {
    for (const { picture, run } of this.panels) {
      const canvas = picture?.element.querySelector('canvas');
      if (canvas)
        el('a', {
          href: canvas.toDataURL('image/png'),
          download: `${name}-${run.id}-${run.step}.png`,
        }).click();
    }
  }
}
