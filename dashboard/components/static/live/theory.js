// What theory says of a run, and what the reader has guessed: curves over steps for the run's own charts.

import { getJson, runPath } from '../base/request.js';

const EVERY_MS = 2000; // between two questions while the run goes on

/**
 * @typedef {{ key: string, steps: number[], values: number[], kind: 'theory' | 'guess' }} Curve
 * @typedef {{ chart: string, compare: string[], guess: { key: string, points: number[][] } | null }} Lesson
 */

export class Theory {
  asked = ''; // of the run, when it was last asked about

  /** `run`: its RunState. `lesson`: what a lesson wants to be seen. `board`: draws it. `changed()`: there are other curves. */
  constructor(run, /** @type {Lesson} */ lesson, board, changed) {
    this.run = run;
    this.lesson = lesson;
    this.board = board;
    this.changed = changed;
    this.#draw([]);
    if (lesson.compare.length) this.#ask();
  }

  destroy() {
    clearTimeout(this.timer);
    this.ended = true;
  }

  async #ask() {
    const { run, lesson } = this;
    const now = `${run.state} ${run.history.lastRow}`;
    if (now !== this.asked) {
      this.asked = now;
      const found = await Promise.all(
        lesson.compare.map((name) =>
          getJson(runPath(run.id, `/theory/${encodeURIComponent(name)}`)).catch(() => null),
        ),
      );
      if (this.ended) return;
      const curves = found
        .filter(Boolean)
        .map(({ key, steps, values }) => /** @type {Curve} */ ({ key, steps, values, kind: 'theory' }));
      this.#draw(curves);
    }
    this.timer = setTimeout(() => this.#ask(), EVERY_MS);
  }

  /** @param {Curve[]} curves */
  #draw(curves) {
    const { guess } = this.lesson;
    if (guess) {
      const [steps, values] = [0, 1].map((at) => guess.points.map((point) => point[at]));
      curves.push({ key: guess.key, steps, values, kind: 'guess' });
    }
    this.board.curves = curves;
    this.board.changed();
    this.changed();
  }
}
