// Which modes (or classes) the samples reach: one small bar each, against the share that it should have.

import { el, setText } from '../base/dom.js';
import { fixed, percent, thousands } from '../base/format.js';

const HIT_ABOVE = 0.004;
const HELP = 'Which modes or classes of the data the samples reach. The dotted line is the even share.';

export class Coverage {
  /** @type {HTMLElement[]} */
  lines;

  constructor(board) {
    this.board = board;
    this.facts = el('div', { class: 'gv-legend' });
    this.tools = el('div', { class: 'gv-tools' });
    this.rows = el('div', { class: 'gv-bars-rows' });
    this.element = el(
      'section',
      { class: 'gv-chart gv-chart-coverage' },
      el('header', { title: HELP }, this.facts, this.tools),
      this.rows,
    );
    this.bars = [];
  }

  /** Whether there is anything to count: modes, or classes. */
  get available() {
    const { data } = this.board.meta;
    return Boolean(data?.modes?.length || data?.classes?.length);
  }

  /** What is counted. */
  get title() {
    return this.board.meta.data?.classes?.length ? 'classes' : 'modes';
  }

  get names() {
    const { data } = this.board.meta;
    return data?.classes?.length ? data.classes : (data?.modes ?? []).map((_, k) => String(k + 1));
  }

  rebuild() {
    const names = this.names;
    const crowded = names.length > 12 || this.board.runs.length > 1;
    this.bars = this.board.runs.map((_, run) =>
      names.map((name, k) => {
        const fill = el('i', { class: 'gv-bar-fill' });
        const label = !crowded && el('span', { class: 'gv-bar-name', text: name });
        return {
          fill,
          bar: el(
            'div',
            { class: 'gv-bar', title: name, data: { run, k } },
            el('div', { class: 'gv-bar-track' }, fill),
            label || null,
          ),
        };
      }),
    );
    const several = this.bars.length > 1;
    this.lines = this.bars.map(() => (several ? el('p', { class: 'gv-bars-facts' }) : this.facts));
    this.rows.replaceChildren(
      ...this.bars.flatMap((bars, run) =>
        [
          several && this.lines[run],
          el(
            'div',
            {
              class: `gv-bars${run ? ' gv-bars-second' : ''}`,
              role: 'img',
              style: `--bars: ${names.length}`,
            },
            bars.map(({ bar }) => bar),
          ),
        ].filter(Boolean),
      ),
    );
    this.update();
  }

  update() {
    const { runs, hover, pin } = this.board;
    const measured = runs.map((run) => run.history.measuredAt(hover ?? pin ?? Infinity));
    measured.forEach((row, run) => {
      if (!this.lines?.[run]) return;
      setText(this.lines[run], this.#facts(row));
      this.#draw(this.bars[run], row);
    });
  }

  #facts(row) {
    if (!row) return this.available ? 'not measured yet' : '';
    const samples = row.samples ? `, ${thousands(row.samples)} samples` : '';
    this.facts.title = `step ${thousands(row.step)}${samples}`;
    const { class_histogram: classes } = row;
    const { modes_kl: kl } = row;
    const even = typeof kl === 'number' ? `, KL to uniform ${kl < 0.005 ? '0.00' : fixed(kl)}` : '';
    if (!classes) return `${row.modes_hit} of ${row.modes_total}, share ${percent(row.share)}${even}`;
    const hit = row.classes_hit ?? classes.filter((share) => share > HIT_ABOVE).length;
    return `${hit} of ${classes.length}, KL ${row.class_kl < 0.005 ? '0.00' : fixed(row.class_kl)}`;
  }

  #draw(bars, row) {
    const shares = row?.histogram ?? row?.class_histogram ?? [];
    const even = 1 / Math.max(1, bars.length);
    const top = Math.max(2 * even, ...shares);
    bars.forEach(({ bar, fill }, k) => {
      const share = shares[k] ?? 0;
      fill.style.transform = `scaleY(${share / top})`;
      bar.classList.toggle('gv-missed', Boolean(row) && share <= HIT_ABOVE);
      bar.style.setProperty('--even', `${(100 * even) / top}%`);
      bar.title = `${this.names[k]}: ${fixed(share * 100, 1)} % (even share ${fixed(even * 100, 1)} %)`;
    });
    const missed = bars.length - shares.filter((share) => share > HIT_ABOVE).length;
    bars[0]?.bar.parentElement?.setAttribute(
      'aria-label',
      row ? `${bars.length - missed} of ${bars.length} reached` : 'not measured yet',
    );
  }
}
