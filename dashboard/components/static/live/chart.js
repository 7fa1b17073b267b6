// One line chart over training steps: uPlot, with reference lines, marks, names at the lines' ends and a
// pinned step.

import uPlot from '../vendor/uPlot.esm.js';
import { el, setText } from '../base/dom.js';
import { decorate, FONT_SIZE, GUTTER, NARROW_GUTTER } from './decoration.js';
import { fixed, short, thousands } from '../base/format.js';
import { align, smooth, thin } from './history.js';

const MOST_DOTS = 30; // beyond them a line says enough; thinning may have doubled them
const SAID_MS = 2000; // between two summaries in words
const LONGEST_MEMORY = 0.1; // of the steps in view: what full smoothing averages over

export class Chart {
  /**
   * `spec`: an entry of CHARTS. `board`: what all charts share (theme, zoom, marks, pin, smoothing ...). `runs`:
   * those of the board's whose values are counted in one unit.
   */
  constructor(spec, board, runs = board.runs) {
    this.spec = spec;
    this.board = board;
    this.runs = runs;
    this.hidden = new Set();
    this.bounds = null;
    this.drawnAt = 0;
    this.saidAt = -Infinity;
    this.dirty = true;
    this.title = el('h3');
    this.legend = el('div', { class: 'gv-legend' });
    this.tools = el('div', { class: 'gv-tools' });
    this.plot = el('div', { class: 'gv-plot', role: 'img' });
    this.element = el(
      'section',
      { class: 'gv-chart' },
      el('header', {}, this.title, this.legend, this.tools),
      this.plot,
    );
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this.plot);
  }

  destroy() {
    this.observer.disconnect();
    this.chart?.destroy();
  }

  get meta() {
    return this.runs[0].meta;
  }

  // dashes tell the second run from the first, also where it stands alone
  #dash(run) {
    return this.board.runs.indexOf(run) ? [7, 5] : undefined;
  }

  get isLog() {
    return this.spec.scale === 'log' || (this.spec.scale === 'choice' && this.board.choices.log);
  }

  /** Starts over: other runs, another theme, another scale. */
  rebuild() {
    this.chart?.destroy();
    this.chart = null;
    this.bounds = null;
    this.lines = this.spec.lines(this.meta, this.runs);
    this.references = this.#references();
    const { title, help } = this.spec;
    const alone = this.runs.length === 1 && this.board.runs.length > 1;
    const second = this.#dash(this.runs[0]) ? 'gv-dash-second' : '';
    const said = (alone && this.spec.brief) || title(this.meta); // beside a dash there is less room
    this.title.replaceChildren(alone ? el('i', { class: `gv-dash ${second}` }) : '', said);
    this.title.title = typeof help === 'function' ? help(this.meta) : help;
    this.title.tabIndex = 0; // its help: see help.js
    this.plot.setAttribute('aria-label', this.title.textContent);
    this.saidAt = -Infinity;
    this.#buildLegend();
    this.#fit();
  }

  // what is only known after a while, as the floor of an evaluation, comes with the data
  #references() {
    return this.spec.references?.(this.meta, this.runs, this.board.pin ?? Infinity) ?? [];
  }

  /** What theory says and what was guessed of this chart's lines. */
  get curves() {
    return this.board.curves.filter(({ key }) => this.lines.some((line) => line.key === key));
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (width < 40 || height < 30 || !this.lines) return;
    if (this.chart) this.chart.setSize({ width, height });
    else this.#create(width, height);
    this.dirty = true;
    this.board.changed();
  }

  #create(width, height) {
    const { theme } = this.board;
    const font = `${FONT_SIZE}px ${theme.font}`;
    this.gutter = this.references.length || this.lines.length > 1 ? GUTTER : NARROW_GUTTER;
    if (width < 420) this.gutter = Math.min(this.gutter, 62);
    const data = this.#data();
    this.asinh = this.isLog && this.#hasNegative(data);
    const axis = {
      stroke: theme.muted,
      font,
      grid: { stroke: theme.grid, width: 1 },
      ticks: { show: false },
      gap: 4,
    };
    this.chart = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        padding: [8, this.gutter, 0, 0],
        cursor: {
          y: false,
          points: { size: 9 },
          drag: { x: true, y: false, setScale: false },
          sync: { key: this.board.key, scales: ['x', null] },
          bind: { dblclick: () => () => this.board.zoomTo(null) },
        },
        scales: {
          x: { time: false, range: () => this.board.window() },
          y: { distr: this.isLog ? (this.asinh ? 4 : 3) : 1, asinh: 0.1, range: () => this.#range() },
        },
        axes: [
          {
            ...axis,
            size: 24,
            space: 70,
            values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? thousands(tick) : '')),
          },
          {
            ...axis,
            size: 54,
            space: 26,
            values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : short(tick))),
          },
        ],
        series: [{}, ...this.#series(true), ...this.#series(false)],
        hooks: {
          draw: [(chart) => this.#drawn(chart)],
          setCursor: [(chart) => this.#hover(chart)],
          setSelect: [(chart) => this.#zoom(chart)],
        },
      },
      data,
      this.plot,
    );
  }

  // first the raw values, faint, then the smoothed ones; dashes tell runs apart, colours and names tell
  // networks apart
  #series(faint) {
    return this.runs.flatMap((run) =>
      this.lines.map((line) => ({
        stroke: this.board.theme[line.color],
        width: faint ? 1 : 2.4,
        alpha: faint ? 0.3 : 1,
        dash: this.#dash(run),
        spanGaps: true,
        points: { show: (chart, k) => !faint && isSparse(chart.data[k]), size: 7 }, // few make no line yet
        show: !this.hidden.has(line.key),
      })),
    );
  }

  #data() {
    const { choices } = this.board;
    const { runs } = this;
    const [from, to] = this.board.window();
    const memory = this.spec.smooth ? (to - from) * choices.smoothing ** 3 * LONGEST_MEMORY : 0;
    const shown = (run, change) => ({
      steps: run.history.steps,
      columns: this.lines.map((line) =>
        this.hidden.has(line.key) ? [] : change(run.history.column(line.key), run.history.steps),
      ),
    });
    const smoothed = align(runs.map((run) => shown(run, (column, steps) => smooth(column, steps, memory))));
    const faint =
      memory > 0 && runs.length === 1
        ? align(runs.map((run) => shown(run, (column) => column))).slice(1)
        : [];
    const none = smoothed.slice(1).map(() => []);
    const data = [smoothed[0], ...(faint.length ? faint : none), ...smoothed.slice(1)];
    return thin(data, Math.max(300, this.plot.clientWidth));
  }

  #hasNegative(data) {
    return data.slice(1).some((column) => column.some((value) => value !== null && value < 0));
  }

  /** Draws the newest data. */
  update(time) {
    if (!this.chart) return;
    const references = this.#references();
    if (references.length !== this.references.length) {
      this.rebuild(); // they take room beside the plot
      return;
    }
    this.references = references;
    this.dirty = false;
    this.drawnAt = time;
    this.startedAt = performance.now();
    const data = this.#data();
    if (this.isLog && !this.asinh && this.#hasNegative(data)) {
      this.rebuild(); // the values turned negative: a logarithm no longer serves
      return;
    }
    this.data = data;
    this.chart.setData(data);
    this.#updateLegend();
    if (time - this.saidAt < SAID_MS) return;
    this.saidAt = time;
    this.#summarise();
  }

  /** What the chart shows, in words: each line's newest value, and where it came from. */
  #summarise() {
    const { runs } = this;
    const lines = runs.flatMap((run, k) =>
      this.lines.map((line) => {
        const known = run.history.column(line.key).filter((value) => typeof value === 'number');
        const name = runs.length > 1 ? `${line.label} of run ${k + 1}` : line.label;
        return known.length ? `${name} ${short(known.at(-1))}, at first ${short(known[0])}` : '';
      }),
    );
    const said = lines.filter(Boolean).join('; ') || 'nothing yet';
    const step = Math.max(...runs.map((run) => run.step));
    this.plot.setAttribute('aria-label', `${this.spec.title(this.meta)} to step ${thousands(step)}: ${said}`);
  }

  /** Draws again what has not changed: a new mark, a moved pin. */
  redraw() {
    this.#updateLegend();
    this.chart?.redraw(false);
  }

  /** @returns {[number, number]} */
  #range() {
    const fixedRange = this.spec.range?.(this.meta);
    if (fixedRange) return [fixedRange[0] - 0.02, fixedRange[1] + 0.02];
    const wanted = this.#wanted();
    const kept = this.bounds;
    // the axis only moves when it must: values that leave it, or that fill less than half of it
    const size = (bounds) =>
      this.isLog && !this.asinh ? Math.log(bounds[1] / bounds[0]) : bounds[1] - bounds[0];
    const fits = kept && wanted[0] >= kept[0] && wanted[1] <= kept[1] && size(wanted) > 0.55 * size(kept);
    return (this.bounds = fits ? kept : this.#padded(wanted));
  }

  /**
   * @param {number[]} bounds
   * @returns {[number, number]}
   */
  #padded([low, high]) {
    if (this.isLog && !this.asinh) return [roundLog(low / 1.2, Math.floor), roundLog(high * 1.2, Math.ceil)];
    const pad = (high - low) * 0.1 || 0.5;
    return [this.spec.floor === undefined ? low - pad : Math.max(this.spec.floor, low - pad), high + pad];
  }

  // the range of the values in view, without the rarest 2 % at either end once there are many
  #wanted() {
    const data = this.data ?? this.#data();
    const values = this.#inView(data).sort((a, b) => a - b);
    if (!values.length) values.push(...(this.isLog && !this.asinh ? [0.1, 10] : [0, 1]));
    const cut = values.length > 100 ? Math.floor(values.length * 0.02) : 0;
    const shown = data
      .slice(1 + (data.length - 1) / 2)
      .map((column) => column.at(-1))
      .concat(this.references.flatMap(({ value, spread = 0 }) => [value - spread, value + spread]));
    const [from, to] = this.board.window();
    for (const { steps, values } of this.curves)
      shown.push(...values.filter((_, k) => steps[k] >= from && steps[k] <= to));
    const also = shown.filter((value) => typeof value === 'number' && this.#drawable(value));
    if (this.spec.floor !== undefined) also.push(this.spec.floor);
    return [Math.min(values[cut], ...also), Math.max(values.at(-1 - cut), ...also)];
  }

  #drawable(value) {
    return !this.isLog || this.asinh || value > 0;
  }

  #inView(data) {
    const [from, to] = this.board.window();
    const stride = Math.max(1, Math.floor(data[0].length / 600));
    const values = [];
    for (const column of data.slice(1)) {
      for (let i = 0; i < column.length; i += stride) {
        const value = column[i];
        if (typeof value === 'number' && data[0][i] >= from && data[0][i] <= to && this.#drawable(value))
          values.push(value);
      }
    }
    return values;
  }

  #buildLegend() {
    this.keys = this.lines.map((line) => {
      const value = el('span', { class: 'gv-number' });
      const toggle = () => {
        if (!this.hidden.delete(line.key)) this.hidden.add(line.key);
        button.setAttribute('aria-pressed', String(!this.hidden.has(line.key)));
        this.board.changed(this);
      };
      const button = el(
        'button',
        {
          class: 'gv-legend-item',
          type: 'button',
          'aria-pressed': 'true',
          title: `show or hide ${line.label}`,
          style: `--line: ${this.board.theme[line.color]}`,
          on: { click: toggle },
        },
        el('i', { class: 'gv-swatch' }),
        el('b', { text: line.label }),
        value,
      );
      return { line, button, value };
    });
    this.legend.replaceChildren(...this.keys.map(({ button }) => button));
    this.#updateLegend();
  }

  #updateLegend() {
    const { hover, pin } = this.board;
    const { runs } = this;
    const step = hover ?? pin ?? Infinity;
    for (const { line, value } of this.keys ?? []) {
      setText(value, runs.map((run) => fixed(run.history.value(line.key, step))).join(' | '));
    }
  }

  #drawn(chart) {
    decorate(this, chart);
    if (this.startedAt) this.board.measured(performance.now() - this.startedAt);
    this.startedAt = 0;
  }

  #hover(chart) {
    const { left } = chart.cursor;
    const step =
      left === undefined || left < 0 || !chart.data[0].length ? null : Math.round(chart.posToVal(left, 'x'));
    this.board.setHover(step);
    this.#updateLegend();
  }

  #zoom(chart) {
    if (chart.select.width < 8) return;
    const { left, width } = chart.select;
    const range = [chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x')];
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.board.zoomTo(range);
  }
}

// one row, or a few values far apart
function isSparse(column) {
  const count = column.filter((value) => typeof value === 'number').length;
  return column.length < 3 || (count <= MOST_DOTS && 4 * count < column.length);
}

// the nearest 1, 2 or 5 times a power of ten below or above
function roundLog(value, toward) {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = toward === Math.floor ? [5, 2, 1] : [1, 2, 5, 10];
  const step = steps.find((each) => (toward === Math.floor ? each * power <= value : each * power >= value));
  return (step ?? 1) * power;
}
