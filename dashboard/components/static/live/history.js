// The metric rows of one run, as columns that rise in step.

/** @import { Row } from '../base/records.js' */

const MOST_ROWS = 8000; // beyond it the older half is thinned: a chart is at most ~1,500 pixels wide
const KEEP_NEWEST = 3000;
const RARE = 10; // one value in more rows than these is kept
const NOT_PLOTTED = new Set(['row', 'attempt', 'step']);

export class History {
  constructor() {
    this.lastRow = -1;
    this.received = 0; // rows ever taken in, thinned or not
    this.attempt = 0;
    /** @type {Row | null} */
    this.newest = null; // the last row as it came
    this.steps = [];
    this.columns = new Map(); // name -> values, null where a row has none
    /** @type {Row[]} */
    this.measured = []; // rows with a histogram, in order
  }

  get length() {
    return this.steps.length;
  }

  column(name) {
    return this.columns.get(name) ?? [];
  }

  has(name) {
    return this.columns.has(name);
  }

  /**
   * Takes rows in order; rows seen before (a reconnect) are passed over. Returns how many were new.
   * @param {Row[]} rows
   */
  add(rows) {
    let added = 0;
    for (const row of rows) {
      if (row.row <= this.lastRow) continue;
      this.lastRow = row.row;
      this.#append(row);
      added += 1;
    }
    this.received += added;
    if (this.length > MOST_ROWS) this.#thin();
    return added;
  }

  // after a resume or a single phase a step comes again: what was there from that step on gives way to the
  // new
  /** @param {Row} row */
  #append(row) {
    this.#dropFrom(row.step);
    this.attempt = row.attempt ?? this.attempt;
    this.newest = row;
    this.steps.push(row.step);
    for (const [name, value] of Object.entries(row)) {
      if (NOT_PLOTTED.has(name) || (typeof value !== 'number' && value !== null)) continue;
      let column = this.columns.get(name);
      if (!column) this.columns.set(name, (column = new Array(this.length - 1).fill(null)));
      column[this.length - 1] = value;
    }
    for (const column of this.columns.values()) if (column.length < this.length) column.push(null);
    if (row.histogram || row.class_histogram) this.measured.push(row);
  }

  #dropFrom(step) {
    let keep = this.length;
    while (keep > 0 && this.steps[keep - 1] >= step) keep -= 1;
    if (keep === this.length) return;
    this.steps.length = keep;
    for (const column of this.columns.values()) column.length = keep;
    while ((this.measured.at(-1)?.step ?? -1) >= step) this.measured.pop();
  }

  // every second of the older rows goes, but never one that was measured or evaluated: those are rare
  #thin() {
    const old = this.length - KEEP_NEWEST;
    const rare = [...this.columns.values()].filter(isRare);
    const keep = this.steps.map(
      (_, i) => i >= old || i % 2 === 0 || rare.some((column) => column[i] !== null),
    );
    this.steps = this.steps.filter((_, i) => keep[i]);
    for (const [name, column] of this.columns)
      this.columns.set(
        name,
        column.filter((_, i) => keep[i]),
      );
    if (this.measured.length > KEEP_NEWEST) this.measured = this.measured.filter((_, i) => i % 2 === 0);
  }

  /** The index of the last row at or before `step`, -1 if there is none. */
  indexAt(step) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.steps[middle] <= step) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The newest measured row at or before `step`; without a step the newest. */
  measuredAt(step = Infinity) {
    for (let i = this.measured.length - 1; i >= 0; i -= 1)
      if (this.measured[i].step <= step) return this.measured[i];
    return null;
  }

  /** The newest value of a column that is a number, at or before `step`. */
  value(name, step = Infinity) {
    const column = this.columns.get(name);
    if (!column) return null;
    for (let i = step === Infinity ? this.length - 1 : this.indexAt(step); i >= 0; i -= 1) {
      if (column[i] !== null) return column[i];
    }
    return null;
  }
}

function isRare(column) {
  return RARE * column.filter((value) => value !== null).length < column.length;
}

/**
 * Exponential moving average of `values` over `steps` with a memory of `memory` steps, without the start's
 * bias. Nulls stay null. The memory counts steps, not rows: thinned rows are smoothed like the others.
 */
export function smooth(values, steps, memory) {
  if (!(memory > 0)) return values;
  const smoothed = new Array(values.length);
  const first = steps.length > 1 ? steps[1] - steps[0] : 1;
  let [sum, weight, last, gap, keep] = [0, 0, steps[0] - first, 0, 1];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (value === null || value === undefined) {
      smoothed[i] = null;
      continue;
    }
    if (steps[i] - last !== gap) {
      gap = steps[i] - last;
      keep = Math.exp(-gap / memory);
    }
    last = steps[i];
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    smoothed[i] = sum / weight;
  }
  return smoothed;
}

/**
 * One x for several runs: their steps merged, and each run's columns spread over it with nulls in between.
 * `parts`: [{steps, columns: [values]}]. Returns [x, ...all columns].
 */
export function align(parts) {
  if (parts.length === 1) return [parts[0].steps, ...parts[0].columns];
  const x = parts.slice(1).reduce((all, part) => merge(all, part.steps), parts[0].steps);
  const spread = parts.flatMap(({ steps, columns }) => {
    const all = columns.map(() => new Array(x.length).fill(null));
    let i = 0;
    for (let at = 0; at < x.length && i < steps.length; at += 1) {
      if (x[at] !== steps[i]) continue;
      for (let c = 0; c < columns.length; c += 1) all[c][at] = columns[c][i] ?? null;
      i += 1;
    }
    return all;
  });
  return [x, ...spread];
}

// two rising lists as one, without repeats
function merge(a, b) {
  const all = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const next = j >= b.length || a[i] <= b[j] ? a[i] : b[j];
    if (a[i] === next) i += 1;
    if (b[j] === next) j += 1;
    all.push(next);
  }
  return all;
}

/**
 * At most about `most` points: each of equally wide stretches of steps keeps its smallest and largest value
 * in the order they came, so that no spike is lost. `data` is [x, ...columns].
 */
export function thin(data, most) {
  const [x, ...columns] = data;
  if (x.length <= most) return data;
  const width = (2 * (x.at(-1) - x[0])) / most || 1;
  const thinned = data.map(() => []);
  for (let start = 0; start < x.length;) {
    const edge = (Math.floor((x[start] - x[0]) / width) + 1) * width + x[0];
    let end = start + 1;
    while (end < x.length && x[end] < edge) end += 1;
    if (end - start === 1) thinned.forEach((column, c) => column.push(data[c][start]));
    else {
      thinned[0].push(x[start], x[end - 1]);
      columns.forEach((column, c) => thinned[c + 1].push(...extremes(column, start, end)));
    }
    start = end;
  }
  return thinned;
}

function extremes(column, start, end) {
  let low = -1;
  let high = -1;
  for (let i = start; i < end; i += 1) {
    const value = column[i];
    if (value === null || value === undefined) continue;
    if (low < 0 || value < column[low]) low = i;
    if (high < 0 || value > column[high]) high = i;
  }
  if (low < 0) return [null, null];
  return low <= high ? [column[low], column[high]] : [column[high], column[low]];
}
