// A walk as a film: a strip of all its pictures, one of them large, how far each step goes, and playback.

import { el, setText } from '../base/dom.js';
import { imagesOf } from './client.js';
import { distances, jumps } from './plot.js';
import { cutOut, filling, joined, Picture, Sheet } from './sheet.js';

const FRAMES_PER_S = 24;
const STRIP = 38; // CSS pixels of a picture in the strip; less before it takes more rows than this
const MOST_ROWS = 3;
const SMALLEST = 16;
const WIDEST = 400; // pictures side by side on the canvas that they are kept on

export class Film {
  moving = 0; // the browser's number of the next call, 0: none
  /** @type {number} */
  way;

  /** `hub`: {theme}. `playing(bool)`: told when it starts and stops. */
  constructor(hub, playing) {
    this.hub = hub;
    this.playing = playing;
    this.at = 0;
    this.count = 0;
    this.frames = null;
    this.loop = true;
    this.picture = new Picture('the film');
    this.strip = new Sheet('film strip', { gap: 1, pick: (index) => this.#seek(index) });
    this.chart = el('canvas', { class: 'gx-chart', role: 'img', 'aria-label': 'how far each step goes' });
    this.facts = el('p', { class: 'gx-hint', 'aria-live': 'polite' });
    this.reel = el('div', { class: 'gx-reel' }, this.strip.canvas);
    this.element = el(
      'div',
      { class: 'gx-film-all', hidden: true },
      el(
        'div',
        { class: 'gx-stage' },
        el('div', { class: 'gx-film' }, this.picture.canvas),
        el('div', { class: 'gx-beside' }, this.chart, this.facts),
      ),
      this.reel,
    );
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.reel);
  }

  destroy() {
    this.pause();
    this.sizes.disconnect();
  }

  /** Shows what `/walk` answered. `loop`: after the last picture comes the first. */
  async load({ images, distances: far }, loop) {
    const pictures = await imagesOf(images);
    this.count = pictures.length;
    this.side = pictures[0].width;
    this.frames = joined(pictures, Math.min(WIDEST, this.count));
    this.columns = Math.min(WIDEST, this.count);
    this.far = far;
    this.loop = loop;
    this.at = Math.min(this.at, this.count - 1);
    this.draw();
    this.#sayJumps();
  }

  // the strip wraps to the width; pictures get smaller rather than more than a few rows
  draw() {
    const width = this.reel.clientWidth;
    if (!this.frames || !width) return;
    const rows = (cell) => Math.ceil(this.count / filling(width, cell, 1).columns);
    let wanted = STRIP;
    while (wanted > SMALLEST && rows(wanted) > MOST_ROWS) wanted -= 2;
    this.strip.set(this.frames, {
      count: this.count,
      sourceColumns: this.columns,
      ...filling(width, wanted, 1),
    });
    this.#showFrame();
  }

  #showFrame() {
    const at = Math.floor(this.at);
    const { theme } = this.hub;
    this.picture.show(cutOut(this.frames, at, this.columns));
    this.strip.choose(at);
    const lines = [{ values: this.far.pixel, color: theme.fake }];
    if (this.far.feature) lines.push({ values: this.far.feature, color: theme.d, dash: [6, 4] });
    distances(this.chart, { lines, count: this.count, at, theme });
  }

  #sayJumps() {
    const found = jumps(this.far.pixel).length;
    const second = this.far.feature ? ', dashed: as features of a classifier' : '';
    const said = found ? `${found} jump${found > 1 ? 's' : ''}, marked by triangles` : 'no jumps';
    setText(this.facts, `How far each step goes, in pixels${second}: ${said}.`);
  }

  #seek(index) {
    this.pause();
    this.at = index;
    this.#showFrame();
  }

  // --- playback

  toggle() {
    if (this.moving) this.pause();
    else if (this.frames) this.#play();
  }

  pause() {
    cancelAnimationFrame(this.moving);
    this.moving = 0;
    this.playing(false);
  }

  #play() {
    this.playing(true);
    this.way = 1;
    let before = null;
    const step = (time) => {
      if (!this.element.offsetParent) {
        this.pause(); // out of sight
        return;
      }
      this.#move(before === null ? 0 : ((time - before) / 1000) * FRAMES_PER_S);
      before = time;
      this.moving = requestAnimationFrame(step);
    };
    this.moving = requestAnimationFrame(step);
  }

  // without a loop it goes there and back
  #move(by) {
    const last = this.count - 1;
    let next = this.at + this.way * by;
    if (this.loop) next %= this.count;
    else if (next > last || next < 0) {
      this.way = -this.way;
      next = Math.min(last, Math.max(0, next));
    }
    const isNew = Math.floor(next) !== Math.floor(this.at);
    this.at = next;
    if (isNew) this.#showFrame();
  }
}
