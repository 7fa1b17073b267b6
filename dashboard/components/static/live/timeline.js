// The run's past on one line: drag to look back, marks where something was changed, shading where something
// was wrong.

import { el, icon, setText } from '../base/dom.js';
import { thousands } from '../base/format.js';
import { RunState } from './run.js';

const REPLAY_MS = 90;
const HEIGHT = 34;
const BETWEEN_MS = 120;

export class Timeline {
  /** @type {number | undefined} */
  replaying;

  /** `onRewind(step | null)`: null is live. */
  constructor(runs, theme, onRewind) {
    this.runs = runs;
    this.theme = theme;
    this.onRewind = onRewind;
    this.at = null;
    this.hover = null;
    this.dirty = true;
    this.canvas = el('canvas', { class: 'gv-track-canvas' });
    this.thumb = el('i', { class: 'gv-thumb' });
    this.tip = el('div', { class: 'gv-tip', hidden: true });
    this.track = el(
      'div',
      {
        class: 'gv-track',
        role: 'slider',
        tabindex: 0,
        'aria-label': 'look back in the run',
        title: '',
        on: { keydown: (event) => this.#key(event) },
      },
      this.canvas,
      this.thumb,
      this.tip,
    );
    this.replay = el(
      'button',
      {
        type: 'button',
        class: 'gv-button gv-small gv-bare',
        'aria-label': 'replay from the start',
        title: 'Replay from the start',
        on: { click: () => this.#toggleReplay() },
      },
      icon('first'),
    );
    this.live = el(
      'button',
      {
        type: 'button',
        class: 'gv-button gv-small gv-live-button',
        title: 'Back to what happens now',
        on: { click: () => this.set(null) },
      },
      el('i', { class: 'gv-dot' }),
      el('span', { text: 'live' }),
    );
    this.element = el(
      'section',
      { class: 'gv-timeline', 'aria-label': 'timeline' },
      this.replay,
      this.track,
      this.live,
    );
    this.#drag();
    this.observer = new ResizeObserver(() => {
      this.dirty = true;
    });
    this.observer.observe(this.track);
  }

  destroy() {
    this.observer.disconnect();
    clearInterval(this.replaying);
  }

  get steps() {
    return this.runs.length === 1
      ? this.runs[0].snapshots
      : [...new Set(this.runs.flatMap((run) => run.snapshots))].sort((a, b) => a - b);
  }

  get first() {
    return Math.min(...this.runs.map((run) => run.start));
  }

  get last() {
    return Math.max(this.first + 1, ...this.runs.map((run) => Math.max(run.step, run.snapshots.at(-1) ?? 0)));
  }

  /** Look at `step` (the nearest kept one), or at what happens now. */
  set(step) {
    if (!this.replayStep) this.#stopReplay();
    const nearest = step === null ? null : RunState.nearest(this.steps, step);
    if (nearest === this.at) return;
    this.at = nearest;
    this.dirty = true;
    this.paintedAt = -Infinity; // a hand that drags wants an answer at once
    this.onRewind(nearest);
  }

  /** The step under the pointer on the charts, or null. */
  setHover(step) {
    this.hover = step;
    this.dirty = true;
  }

  #drag() {
    const step = (event) => {
      const box = this.track.getBoundingClientRect();
      return (
        this.first +
        Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (this.last - this.first)
      );
    };
    this.track.addEventListener('pointerdown', (event) => {
      if (!this.steps.length) return;
      this.track.setPointerCapture(event.pointerId);
      this.dragging = true;
      this.set(step(event));
    });
    this.track.addEventListener('pointermove', (event) => {
      if (this.dragging) this.set(step(event));
      this.#showTip(event, step(event));
    });
    for (const end of ['pointerup', 'pointercancel'])
      this.track.addEventListener(end, () => {
        this.dragging = false;
      });
    this.track.addEventListener('pointerleave', () => {
      this.tip.hidden = true;
    });
  }

  #key(event) {
    const { steps } = this;
    if (!steps.length) return;
    const now = this.at === null ? steps.length : steps.indexOf(this.at);
    const to = {
      ArrowLeft: now - 1,
      ArrowRight: now + 1,
      PageUp: now - 10,
      PageDown: now + 10,
      Home: 0,
      End: steps.length,
    }[event.key];
    if (to === undefined && event.key !== 'Escape') return;
    event.preventDefault();
    this.set(to === undefined || to >= steps.length ? null : steps[Math.max(0, to)]);
  }

  #showTip(event, step) {
    const box = this.track.getBoundingClientRect();
    const near = (8 / box.width) * (this.last - this.first);
    const marks = this.runs
      .flatMap((run) => run.marks)
      .filter((mark) => Math.abs(mark.step - step) < near)
      .slice(-3);
    const texts = marks.length
      ? marks.map((mark) => `step ${thousands(mark.step)}: ${mark.text}`)
      : [`step ${thousands(step)}`];
    setText(this.tip, texts.join('\n'));
    this.tip.hidden = false;
    const width = this.tip.offsetWidth;
    const left = Math.min(box.width - width, event.clientX - box.left - width / 2);
    this.tip.style.left = `${Math.max(0, left)}px`;
  }

  #toggleReplay() {
    if (this.replaying) {
      this.#stopReplay();
      return;
    }
    const from = this.steps;
    let next = 0;
    this.replaying = setInterval(() => {
      this.replayStep = true;
      if (next >= from.length) this.#stopReplay();
      this.set(next < from.length ? from[next] : null);
      this.replayStep = false;
      next += 1;
    }, REPLAY_MS);
    this.replay.setAttribute('aria-pressed', 'true');
  }

  #stopReplay() {
    clearInterval(this.replaying);
    this.replaying = undefined;
    this.replay.setAttribute('aria-pressed', 'false');
  }

  /** Draws what changed; cheap enough to be called in every frame. */
  paint(time) {
    if (!this.dirty || time - (this.paintedAt ?? -Infinity) < BETWEEN_MS) return;
    this.paintedAt = time;
    this.dirty = false;
    const { clientWidth: width } = this.track;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio))
      Object.assign(this.canvas, { width: Math.round(width * ratio), height: HEIGHT * ratio });
    const context = this.canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const { first, last } = this;
    const x = (step) => ((step - first) / (last - first)) * width;
    this.#drawTroubles(context, x);
    this.#drawTicks(context, x);
    this.#drawMarks(context, x);
    const at = this.at ?? last;
    this.thumb.style.transform = `translateX(${x(at)}px)`;
    this.element.classList.toggle('gv-rewound', this.at !== null);
    this.live.setAttribute('aria-pressed', String(this.at === null));
    this.track.setAttribute('aria-valuemin', first);
    this.track.setAttribute('aria-valuemax', last);
    this.track.setAttribute('aria-valuenow', at);
    this.track.setAttribute(
      'aria-valuetext',
      this.at === null ? `live, step ${thousands(at)}` : `step ${thousands(at)}`,
    );
  }

  // hatched, so that trouble is not told by colour alone
  #drawTroubles(context, x) {
    context.fillStyle = this.theme.warn;
    context.strokeStyle = this.theme.warn;
    for (const run of this.runs) {
      run.diagnoses.forEach(({ step, active }, k) => {
        if (!active.some((item) => item.name !== 'healthy' && item.name !== 'learning')) return;
        const [from, to] = [x(step), x(run.diagnoses[k + 1]?.step ?? run.step)];
        context.globalAlpha = 0.18;
        context.fillRect(from, 13, to - from, 8);
        context.globalAlpha = 0.7;
        context.lineWidth = 1;
        context.beginPath();
        for (let at = Math.ceil(from / 7) * 7; at < to; at += 7) {
          context.moveTo(at, 21);
          context.lineTo(Math.min(to, at + 6), 13);
        }
        context.stroke();
      });
    }
    context.globalAlpha = 1;
  }

  #drawTicks(context, x) {
    context.fillStyle = this.theme.muted;
    for (const step of this.steps) context.fillRect(x(step) - 0.5, 15, 1, 4);
    if (this.hover === null) return;
    context.fillRect(x(this.hover) - 0.75, 6, 1.5, 22);
  }

  #drawMarks(context, x) {
    context.fillStyle = this.theme.text;
    for (const { step } of this.runs.flatMap((run) => run.marks)) {
      context.beginPath();
      context.moveTo(x(step), 12);
      context.lineTo(x(step) - 5, 3);
      context.lineTo(x(step) + 5, 3);
      context.fill();
    }
  }
}
