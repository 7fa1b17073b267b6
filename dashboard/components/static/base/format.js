// Numbers as people read them.

const GROUPED = new Intl.NumberFormat('en-US'); // made once: making one costs more than a chart

/** 4210 -> "4,210". */
export function thousands(value) {
  return GROUPED.format(Math.round(value ?? 0));
}

/** Three significant digits without noise: 0.0003 -> "3e-4", 1.386 -> "1.39", 12345 -> "12,345". */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1000) return minus(thousands(value));
  if (size < 0.01) return minus(value.toExponential(2).replace(/\.?0+e/, 'e'));
  return minus(String(Number(value.toPrecision(3))));
}

/** A fixed number of decimals, so that a changing number does not wobble. */
export function fixed(value, digits = 2) {
  if (value === null || value === undefined || !Number.isFinite(value)) return short(value);
  const size = Math.abs(value);
  if (size >= 1000 || (size > 0 && size < 10 ** -digits / 2)) return short(value);
  return minus(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : digits));
}

function minus(text) {
  return text.replace(/^-/, '−');
}

/** 0.914 -> "91 %". */
export function percent(share) {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : '–';
}

/** A title within a sentence: "Class rows" -> "class rows", but "D's patches" and "ALI codes" stay. */
export function lowered(title) {
  return /^[A-Z][a-z]/.test(title) ? title[0].toLowerCase() + title.slice(1) : title;
}

/** Seconds as "00:07", "1:02:03". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds ?? 0));
  const pad = (part) => String(part).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const rest = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

const LOG2 = Math.log(2);
/** @type {[number, string][]} */
const CONSTANTS = [
  [2 * LOG2, '2 log 2'],
  [LOG2, 'log 2'],
  [-LOG2, '−log 2'],
  [-2 * LOG2, '−2 log 2'],
  [0.5, '½'],
  [0.375, '⅜'],
  [0.25, '¼'],
  [0.125, '⅛'],
];

/** A value at equilibrium by its name where it has one: 1.3863 -> "2 log 2". */
export function constant(value) {
  const known = CONSTANTS.find(([number]) => Math.abs(number - value) < 5e-4);
  return known ? known[1] : short(value);
}

/** The text of an option's value. */
export function optionText(value) {
  if (typeof value === 'number') return short(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === null || value === undefined ? 'off' : String(value).replaceAll('_', ' ');
}

/** "discriminator_lr" -> "D lr": the short form used for marks when a field has no label. */
export function optionName(name, fields = []) {
  const label = fields.find((field) => field.name === name)?.label;
  return label ?? name.replace('discriminator', 'D').replace('generator', 'G').replaceAll('_', ' ');
}

/** A command of the run in a few words, for a mark on the charts. */
export function commandText(command, fields) {
  const what = { discriminator: 'D', generator: 'G', both: 'both' }[command.what];
  switch (command.command) {
    case 'set':
      return Object.entries(command.options ?? {})
        .map(([name, value]) => `${optionName(name, fields)} ${optionText(value)}`)
        .join(', ');
    case 'limit':
      return command.steps_per_s ? `${short(command.steps_per_s)} steps/s` : 'full speed';
    case 'step':
      return `step ${what}${command.count > 1 ? ` × ${command.count}` : ''}`;
    default:
      return String(command.command ?? '');
  }
}
