// The charts of measures, as the catalogue declares them: words, lines, axis and reference lines.

function haveCritics(runs = []) {
  return runs.some((run) => run.config?.options.objective === 'wasserstein');
}

/** Whether a penalty pulls the slope of a critic to 1; clipping and spectral norm leave it below, anywhere. */
function holdsSlope(runs = []) {
  return haveCritics(runs) && runs.some((run) => run.config?.options?.gradient_penalty > 0);
}

const WHEN = { critic: haveCritics, slope: holdsSlope };

/** name -> chart, as those of chart_specs.js. `declared`: `charts` of the catalogue. */
export function measureCharts(declared) {
  return Object.fromEntries(Object.entries(declared).map(([name, one]) => [name, measureChart(one)]));
}

function measureChart({ title, sentence, menu, lines, axis, references, smooth }) {
  const [least, most] = axis;
  return {
    title: () => title,
    help: sentence,
    menu,
    lines: (_, runs) =>
      lines
        .filter(({ when }) => !when || WHEN[when](runs))
        .map(({ key, label, tag = '', colour }) => ({ key, label, tag, color: colour })),
    ...(references.length && { references: (_, runs, step) => drawn(references, runs, step) }),
    ...(most !== null ? { range: () => axis } : least !== null && { floor: least }), // of the axis
    smooth,
  };
}

/**
 * The reference lines that are known at `step`, as {value, color, who, spread}; several with one value are drawn
 * once.
 */
function drawn(references, runs, step) {
  const noted = (row) =>
    row && runs.map(({ history }) => history.value(row, step) ?? history.value(row)).find(isNumber);
  const found = references
    .map(({ who, colour, value, row, floor, spread }) => {
      const band = noted(spread) ?? runs.map((run) => run.floor(floor, step, 'spreads')).find(isNumber);
      return {
        value: value ?? noted(row) ?? runs.map((run) => run.floor(floor, step)).find(isNumber),
        color: colour,
        who,
        ...(isNumber(band) && { spread: band }),
      };
    })
    .filter(({ value }) => isNumber(value));
  const same = found.length > 1 && found.every(({ value }) => value === found[0].value);
  return same ? [{ ...found[0], color: 'muted' }] : found;
}

const isNumber = (value) => typeof value === 'number';
