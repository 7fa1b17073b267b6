// A turn in slow motion: forward, the loss, its gradient back along the arrows, the weights move.

/** @import { GamePhase, GameTurn } from '../base/records.js' */

import { reducedMotion } from '../base/theme.js';

const COLUMN_MS = 420; // from one column to the next
const LOSS_MS = 1400;
const WEIGHTS_MS = 1600;
const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {'forward' | 'loss' | 'backward' | 'weights'} Stage */

/**
 * The norm of the loss's gradient that comes back along an edge: by what a network gives at its end; into a network
 * or a loss by what it begins with.
 * @param {{ source: string, target: string }} edge
 * @param {GameTurn | undefined} turn
 * @returns {number | null}
 */
export function gradientOf({ source, target }, turn) {
  return turn?.gradients[turn.values[target] ? target : source] ?? null;
}

/**
 * The width of an arrow for a gradient of norm `norm`, CSS pixels: one for a millionth, eleven for one, as its
 * logarithm; 0 where none comes.
 * @param {number | null} norm
 */
export function widthOf(norm) {
  if (norm === null || norm <= 0 || Number.isNaN(norm)) return 0;
  return 1 + 10 * Math.min(1, Math.max(0, (Math.log10(norm) + 6) / 6));
}

export class Motion {
  /**
   * `say(stage, phase)`: a stage begins. `lit(column)`: the nodes up to it have their values; null: all.
   * `ended()`: the turn is over.
   * @param {{ say: (stage: Stage) => void, lit: (column: number | null) => void, ended: () => void }} told
   */
  constructor(told) {
    this.told = told;
    /** @type {{ line: SVGPathElement, length: number, from: number, to: number, norm: number | null, dot: SVGElement }[]} */
    this.flows = [];
    this.asked = 0;
    this.columns = 1;
    this.begun = 0;
    this.painted = 0; // pictures of the motion, for measuring
    /** @type {Stage | ''} */
    this.stage = '';
  }

  get isPlaying() {
    return this.asked !== 0;
  }

  /**
   * Plays `turn` of `phase` once. `lines`: path elements with the columns between which they lie.
   * @param {SVGElement} layer
   * @param {{ line: SVGPathElement, edge: { source: string, target: string }, from: number, to: number }[]} lines
   * @param {GameTurn} turn
   * @param {number} columns
   */
  play(layer, lines, turn, columns) {
    this.stop();
    this.columns = columns;
    this.flows = lines.map(({ line, edge, from, to }) => {
      const dot = document.createElementNS(SVG, 'circle');
      dot.setAttribute('r', '0');
      layer.append(dot);
      return { line, length: line.getTotalLength(), from, to, norm: gradientOf(edge, turn), dot };
    });
    this.begun = performance.now();
    this.still = reducedMotion();
    this.asked = requestAnimationFrame((now) => this.#paint(now));
  }

  stop() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    for (const { dot } of this.flows) dot.remove();
    this.flows = [];
    this.stage = '';
    this.told.lit(null);
  }

  #paint(now) {
    this.painted += 1;
    const way = (this.columns - 1) * COLUMN_MS;
    const at = now - this.begun;
    const ends = [way, way + LOSS_MS, 2 * way + LOSS_MS, 2 * way + LOSS_MS + WEIGHTS_MS];
    const number = ends.findIndex((end) => at < end);
    if (number < 0) {
      this.stop();
      this.told.ended();
      return;
    }
    const stage = /** @type {const} */ (['forward', 'loss', 'backward', 'weights'])[number];
    if (stage !== this.stage) {
      this.stage = stage;
      this.told.say(stage);
    }
    if (stage === 'forward') this.#move(at / COLUMN_MS, false);
    else if (stage === 'backward') this.#move((ends[2] - at) / COLUMN_MS, true);
    else this.#hide();
    this.told.lit(stage === 'forward' ? at / COLUMN_MS : null);
    this.asked = requestAnimationFrame((time) => this.#paint(time));
  }

  // dots at `column`, a number with a fraction; only where a gradient comes back, as large as it
  #move(column, back) {
    for (const { line, length, from, to, norm, dot } of this.flows) {
      const share = (column - from) / (to - from);
      const moves = share >= 0 && share <= 1 && (!back || norm !== null) && !this.still;
      dot.setAttribute('r', moves ? String(back ? 2 + widthOf(norm) / 2 : 4.5) : '0');
      if (!moves) continue;
      const { x, y } = line.getPointAtLength(share * length);
      dot.setAttribute('cx', String(x));
      dot.setAttribute('cy', String(y));
      dot.setAttribute('class', back ? 'gv-game-gradient' : 'gv-game-dot');
    }
  }

  #hide() {
    for (const { dot } of this.flows) dot.setAttribute('r', '0');
  }
}
