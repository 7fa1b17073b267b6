// The board of charts: one x axis in steps, one cursor, one zoom, one set of marks for all of them.

import { Chart } from './chart.js';
import { chartsOf } from './chart_specs.js';
import { Coverage } from './coverage.js';
import { el, remember, remembered } from '../base/dom.js';

const BETWEEN_DRAWS_MS = 180; // a chart that moves five times a second reads as live

let boards = 0;

export class ChartBoard {
  /** @type {HTMLElement[]} */
  scaleButtons;

  /**
   * `runs`: RunState of each run. `declared`: `charts` of the catalogue. `stats`: counters; gets `redraw_ms` and `redraw_max_ms`.
   * `onHover(step|null)`.
   */
  constructor(runs, declared, theme, stats, onHover) {
    this.runs = runs;
    this.theme = theme;
    this.stats = stats;
    this.onHover = onHover;
    this.hover = null;
    this.pin = null;
    this.zoom = null;
    this.specs = chartsOf(declared);
    this.key = `ganscope-${(boards += 1)}`;
    /** @type {Chart[]} */
    this.tenants = []; // of the fourth place
    /** @type {import('./theory.js').Curve[]} */
    this.curves = []; // what theory says and what was guessed
    this.choices = remembered('charts', { log: false, smoothing: 0.5, slot: null });
    this.places = ['losses', 'scores', 'norms'].map((name) => ({
      name,
      element: el('div', { class: `gv-place-of-charts gv-chart-${name}` }),
      /** @type {Chart[]} */
      charts: [],
    }));
    for (const place of this.places) this.#occupy(place);
    this.coverage = new Coverage(this);
    this.slotMenu = el('select', {
      class: 'gv-select',
      'aria-label': 'what this chart shows',
      on: { change: () => this.#choose() },
    });
    this.slot = el('div', { class: 'gv-slot' });
    this.reset = el('button', {
      class: 'gv-pill gv-zoom',
      type: 'button',
      hidden: true,
      text: 'show all steps',
      on: { click: () => this.zoomTo(null) },
    });
    this.lossTools = this.#makeLossTools();
    this.#placeLossTools();
    this.element = el(
      'div',
      { class: 'gv-charts' },
      this.places.map(({ element }) => element),
      this.slot,
    );
  }

  /** Has the chart called `name` on show, in the fourth place where it has none of its own. Returns its place. */
  show(name) {
    if (this.places.some((place) => place.name === name)) return name;
    this.choices.slot = name;
    return 'slot';
  }

  /** All charts on show. */
  get charts() {
    return [...this.places.flatMap(({ charts }) => charts), ...this.tenants];
  }

  /** Whether the runs' values are counted in different units: then each has charts of its own. */
  get isSplit() {
    return this.places.some(({ charts }) => charts.length > 1);
  }

  destroy() {
    for (const chart of this.charts) chart.destroy();
  }

  get meta() {
    return this.runs[0].meta;
  }

  /** Commands that are worth a line, of all runs. */
  get marks() {
    const kinds = new Set(['set', 'limit', 'step', 'resumed']);
    return this.runs
      .flatMap((run) => run.marks)
      .filter((mark) => kinds.has(mark.kind))
      .sort((a, b) => a.step - b.step);
  }

  /** The steps in view. */
  window() {
    const first = Math.min(...this.runs.map((run) => run.start));
    const last = Math.max(first + 1, ...this.runs.map((run) => run.history.steps.at(-1) ?? 0));
    return this.zoom ?? [first, last];
  }

  /** Charts of what `place` is for: one for each unit that its values are counted in. */
  #occupy(place) {
    const spec = this.specs.charts[place.name];
    for (const chart of place.charts) chart.destroy();
    place.charts = inUnits(this.runs, spec).map((runs) => new Chart(spec, this, runs));
    place.element.replaceChildren(...place.charts.map(({ element }) => element));
    place.element.classList.toggle('gv-split', place.charts.length > 1);
  }

  // above the losses where there are several charts of them: beside the title of one they would leave it no room
  #placeLossTools() {
    const [{ element, charts }] = this.places;
    const [first] = charts;
    if (charts.length > 1) element.prepend(this.lossTools);
    else first.tools.append(this.lossTools);
    first.element.append(this.reset);
  }

  #makeLossTools() {
    this.scaleButtons = ['lin', 'log'].map((name) =>
      el('button', {
        type: 'button',
        text: name,
        on: { click: () => this.#setChoice('log', name === 'log') },
      }),
    );
    const slider = el('input', {
      type: 'range',
      min: 0,
      max: 1,
      step: 0.02,
      value: this.choices.smoothing,
      class: 'gv-range gv-smooth',
      'aria-label': 'smoothing',
      title: 'smoothing: average over the past; the raw values stay visible behind it',
      on: { input: () => this.#setChoice('smoothing', Number(slider.value)) },
    });
    return el(
      'div',
      { class: 'gv-tools' },
      el('label', { class: 'gv-smooth-label' }, el('span', { text: 'smooth' }), slider),
      el(
        'div',
        { class: 'gv-segments', role: 'group', 'aria-label': 'scale of the losses' },
        this.scaleButtons,
      ),
    );
  }

  #setChoice(name, value) {
    this.choices[name] = value;
    remember('charts', this.choices);
    if (name === 'log') for (const chart of this.places[0].charts) chart.rebuild();
    this.#showScale();
    this.changed();
  }

  #showScale() {
    const [lin, log] = this.scaleButtons;
    lin.setAttribute('aria-pressed', String(!this.choices.log));
    log.setAttribute('aria-pressed', String(this.choices.log));
    log.title = this.places[0].charts.some(({ asinh }) => asinh)
      ? 'logarithmic away from zero: these losses can be negative'
      : 'logarithmic scale';
  }

  /** After a hello: the runs' configuration is known, everything is built anew. */
  configure(theme) {
    this.theme = theme;
    this.zoom = null;
    for (const place of this.places) this.#occupy(place);
    this.#placeLossTools();
    this.fitSlot();
    for (const chart of this.charts) chart.rebuild();
    this.coverage.rebuild();
    this.#showScale();
    this.changed();
  }

  /** Offers what the data can show in the fourth place. */
  fitSlot() {
    const { charts, choices } = this.specs;
    const first = (name) => charts[name].lines(this.meta, this.runs)[0].key;
    const has = (name) => this.runs.some((run) => run.history.has(first(name)));
    const offered = choices.filter((name) => (name === 'coverage' ? this.coverage.available : has(name)));
    if (!offered.length) offered.push('coverage');
    if (String(offered) === String(this.offered)) return;
    this.offered = offered;
    const named = (name) => charts[name]?.menu ?? charts[name]?.title(this.meta) ?? this.coverage.title;
    const wanted = offered.includes(this.choices.slot) ? this.choices.slot : offered[0];
    this.slotMenu.replaceChildren(...offered.map((name) => el('option', { value: name, text: named(name) })));
    this.slotMenu.value = wanted;
    this.#fill(wanted);
  }

  #choose() {
    this.choices.slot = this.slotMenu.value;
    remember('charts', this.choices);
    this.#fill(this.slotMenu.value);
  }

  #fill(name) {
    if (this.filled === name) return;
    this.filled = name;
    for (const chart of this.tenants) chart.destroy();
    this.tenants = [];
    const tenant = name === 'coverage' ? this.coverage : new Chart(this.specs.charts[name], this);
    tenant.tools.append(this.slotMenu);
    this.slot.replaceChildren(tenant.element);
    if (tenant instanceof Chart) {
      this.tenants = [tenant];
      tenant.rebuild();
    } else tenant.update();
    this.changed();
  }

  /** Something to draw: all charts, or one. */
  changed(chart) {
    for (const each of chart ? [chart] : this.charts) each.dirty = true;
  }

  /** Draws the one chart that has waited longest, if any is due: no single frame pays for all of them. */
  paint(time) {
    const due = this.charts.filter(
      (chart) => chart.chart && chart.dirty && time - chart.drawnAt >= BETWEEN_DRAWS_MS,
    );
    if (!due.length) return;
    due.sort((a, b) => a.drawnAt - b.drawnAt)[0].update(time);
  }

  measured(milliseconds) {
    this.stats.redraw_ms = 0.95 * (this.stats.redraw_ms || milliseconds) + 0.05 * milliseconds;
    this.stats.redraw_max_ms = Math.max(this.stats.redraw_max_ms ?? 0, milliseconds);
  }

  setHover(step) {
    if (step === this.hover) return;
    this.hover = step;
    this.coverage.update();
    this.onHover(step);
  }

  /** The step that the picture shows while it is set back, or null. */
  setPin(step) {
    if (step === this.pin) return;
    this.pin = step;
    this.coverage.update();
    this.redraw();
  }

  redraw() {
    for (const chart of this.charts) chart.redraw();
  }

  zoomTo(range) {
    this.zoom = range;
    this.reset.hidden = !range;
    for (const chart of this.charts) chart.bounds = null;
    this.changed();
  }
}

/** `runs` in groups that count what `spec` draws in one unit, in their order. */
export function inUnits(runs, spec) {
  const groups = new Map();
  for (const run of runs) {
    const unit = spec.unit?.(run.meta) ?? '';
    groups.set(unit, [...(groups.get(unit) ?? []), run]);
  }
  return [...groups.values()];
}
