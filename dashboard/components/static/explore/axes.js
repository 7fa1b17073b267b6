// What can be moved at a place: the model's codes, the directions found in it, and truncation, all alike.

import { codeValue, withCode, withDirection } from './place.js';

const REACH = { uniform: 2, gaussian: 3, direction: 3 };
const STEP = 0.01;

/**
 * An axis: {key, title, help, min, max, count (of a choice: its number of values, else 0), labels,
 * value(place, z), at(place, value, z), isSet(place), released(place)}. All axes of `model` in order: codes,
 * then directions.
 */
export function axesOf(model) {
  return [...model.codes.flatMap(codeAxes), ...model.directions.map(directionAxis)];
}

function codeAxes(code) {
  if (code.kind === 'categorical') return [choiceAxis(code)];
  return Array.from({ length: code.size }, (_, part) => numberAxis(code, part));
}

function choiceAxis(code) {
  return {
    key: code.name,
    title: plain(code.name),
    help: code.given
      ? 'The class that G is asked for.'
      : 'A categorical code: what each category means, the GAN has found by itself.',
    isCode: true,
    count: code.size,
    labels: code.labels.length ? code.labels : Array.from({ length: code.size }, (_, k) => String(k)),
    value: (place, z) => codeValue(code, place, z),
    at: (place, value) => withCode(place, code.name, value),
    isSet: (place) => place.codes?.[code.name] !== undefined,
    released: (place) => withCode(place, code.name, null),
  };
}

function numberAxis(code, part) {
  const reach = REACH[code.kind];
  return {
    key: code.size > 1 ? `${code.name}.${part}` : code.name,
    title: code.size > 1 ? `${plain(code.name)} ${part + 1}` : plain(code.name),
    help: `A continuous code; trained ${code.kind === 'uniform' ? 'from -1 to 1' : 'as N(0, 1)'}.`,
    isCode: true,
    count: 0,
    min: -reach,
    max: reach,
    step: STEP,
    value: (place, z) => codeValue(code, place, z)[part] ?? 0,
    at: (place, value, z) => {
      if (code.size === 1) return withCode(place, code.name, value);
      const values = [...codeValue(code, place, z)];
      values[part] = value;
      return withCode(place, code.name, values);
    },
    isSet: (place) => place.codes?.[code.name] !== undefined,
    released: (place) => withCode(place, code.name, null),
  };
}

function directionAxis({ name, title }) {
  return {
    key: name,
    title: title || name.replace(/^d(?=\d)/, 'direction '),
    help: 'A direction in which the generator changes most, in standard deviations (GANSpace).',
    isCode: false,
    count: 0,
    min: -REACH.direction,
    max: REACH.direction,
    step: STEP,
    value: (place) => place.directions?.[name] ?? 0,
    at: (place, value) => withDirection(place, name, value),
    isSet: (place) => place.directions?.[name] !== undefined,
    released: (place) => withDirection(place, name, null),
  };
}

/** Truncation: how far the noise strays from its middle. */
export const TRUNCATION = {
  key: 'truncation',
  title: 'truncation',
  help: 'Scales z: 1 as trained; less is more typical and less varied.',
  count: 0,
  min: 0,
  max: 1.5,
  step: STEP,
  value: (place) => place.truncation ?? 1,
  at: (place, value) => ({ ...place, truncation: value }),
  isSet: (place) => (place.truncation ?? 1) !== 1,
  released: (place) => ({ ...place, truncation: 1 }),
};

/** `n` values of an axis from one end to the other, or all of a choice's (`n` at most). */
export function valuesAlong(axis, n) {
  if (axis.count) return Array.from({ length: Math.min(axis.count, n) }, (_, k) => k);
  return Array.from({ length: n }, (_, k) =>
    Number((axis.min + ((axis.max - axis.min) * k) / (n - 1)).toFixed(4)),
  );
}

function plain(name) {
  return name.replaceAll('_', ' ');
}
