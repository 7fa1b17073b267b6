// The charts of measures, as the catalogue declares them: words, lines, axis and reference lines.

function haveCritics(runs = []) {
  return runs.some((run) => run.config?.options.objective === 'wasserstein');
}

/** Whether a penalty or a norm holds the slope of a critic at 1; clipping leaves it open. */
function holdsSlope(runs = []) {
  const bounds = ({ gradient_penalty: penalty, spectral_norm: norm }) => penalty > 0 || norm;
  return haveCritics(runs) && runs.some((run) => bounds(run.config?.options ?? {}));
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
    ...(references.length && { references: (_, runs) => drawn(references, runs) }),
    ...(most !== null ? { range: () => axis } : least !== null && { floor: least }), // of the axis
    smooth,
  };
}

/** The reference lines that are known, as {value, color, who}; several with one value are drawn once. */
function drawn(references, runs) {
  const found = references
    .map(({ who, colour, value, row, floor }) => ({
      value:
        value ?? (row && runs[0]?.history.value(row)) ?? runs.map((run) => run.floor(floor)).find(isNumber),
      color: colour,
      who,
    }))
    .filter(({ value }) => isNumber(value));
  const same = found.length > 1 && found.every(({ value }) => value === found[0].value);
  return same ? [{ ...found[0], color: 'muted' }] : found;
}

const isNumber = (value) => typeof value === 'number';
