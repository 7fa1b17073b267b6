// Places in a latent space: as the server takes them, as the address keeps them, and as people read them.
//
// A place is {seed}, {z} or {plane, plane_seed}, and beside it what is laid over it: codes {name: value},
// directions {name: standard deviations}, truncation. Places are never changed, only made anew.

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,39}$/;
const MOST = 2 ** 53; // seeds: what JavaScript counts exactly
const FARTHEST = 100; // of codes and directions
const LISTS = ['key', 'a', 'b', 'c']; // samples put aside: for a walk, and the terms of a sum

/** `place` with a code set, or (null) left to what the seed has drawn. */
export function withCode(place, name, value) {
  return { ...place, codes: changed(place.codes, name, value) };
}

/** `place` with steps along a direction, in standard deviations; null or 0 takes it back. */
export function withDirection(place, name, value) {
  return { ...place, directions: changed(place.directions, name, value || null) };
}

function changed(values, name, value) {
  const { [name]: _, ...others } = values ?? {};
  return value === null ? others : { ...others, [name]: value };
}

/** What is laid over `place`, over another base: {seed}, {z} or {plane, plane_seed}. */
export function moved(place, base) {
  const { codes, directions, truncation } = place;
  return { ...base, codes, directions, truncation };
}

/** `place` without its base: what a whole wall of samples has in common. */
export function overlay(place) {
  return asked(moved(place, {}));
}

/** `place` as the server takes it: nothing empty, nothing that says no more than the default. */
export function asked(place) {
  const { codes, directions, truncation, ...base } = place;
  const body = { ...base };
  if (Object.keys(codes ?? {}).length) body.codes = codes;
  if (Object.keys(directions ?? {}).length) body.directions = directions;
  if (!body.z && (truncation ?? 1) !== 1) body.truncation = truncation;
  return body;
}

/** What `code` is at `place`, whose latent is `z` (or null): a category's number, or numbers. */
export function codeValue(code, place, z) {
  const set = place.codes?.[code.name];
  if (set !== undefined) return code.kind === 'categorical' ? set : [set].flat();
  const columns = z?.slice(code.start, code.start + code.size) ?? new Array(code.size).fill(0);
  return code.kind === 'categorical' ? columns.indexOf(Math.max(...columns)) : columns;
}

/** `place` without what `model` does not have: an address may come from another one. */
export function fitted(place, model) {
  const codes = Object.fromEntries(
    Object.entries(place.codes ?? {}).filter(([name, value]) => {
      const code = model.codes.find((each) => each.name === name);
      if (code?.kind !== 'categorical') return code && [code.size, 1].includes([value].flat().length);
      return Number.isInteger(value) && value >= 0 && value < code.size;
    }),
  );
  const known = model.directions.map(({ name }) => name);
  const directions = Object.fromEntries(
    Object.entries(place.directions ?? {}).filter(([name]) => known.includes(name)),
  );
  const base = place.z && place.z.length !== model.latent_dim ? { seed: 0 } : baseOf(place);
  return { ...base, codes, directions, truncation: place.truncation ?? 1 };
}

function baseOf({ seed, z, plane, plane_seed }) {
  if (z) return { z };
  if (plane) return { plane, plane_seed: plane_seed ?? 0 };
  return { seed: seed ?? 0 };
}

/** A place in a few words: "seed 7, c1 0.5". */
export function inWords(place) {
  const { seed, z, plane, codes = {}, directions = {} } = place;
  const base = z ? 'own z' : plane ? `plane ${plane.map((x) => x.toFixed(2)).join(', ')}` : `seed ${seed}`;
  const more = Object.entries({ ...codes, ...directions }).map(
    ([name, value]) => `${name} ${[value].flat().map(round).join(' ')}`,
  );
  if (!z && (place.truncation ?? 1) !== 1) more.push(`truncation ${round(place.truncation)}`);
  return [base, ...more].join(', ');
}

// --- as text

/** `place` as [name, text] pairs. */
export function toPairs(place) {
  const { seed, z, plane, plane_seed, codes, directions, truncation } = place;
  const pairs = [];
  if (z) pairs.push(['z', encode(z)]);
  else if (plane) pairs.push(['plane', plane.map(round).join(',')], ['plane_seed', String(plane_seed ?? 0)]);
  else pairs.push(['seed', String(seed ?? 0)]);
  for (const [name, value] of Object.entries(codes ?? {}))
    pairs.push([`code.${name}`, [value].flat().map(round).join(',')]);
  for (const [name, value] of Object.entries(directions ?? {}))
    pairs.push([`direction.${name}`, String(round(value))]);
  if (!z && (truncation ?? 1) !== 1) pairs.push(['truncation', String(round(truncation))]);
  return pairs;
}

/** The place that `pairs` tell of. What makes no sense is left out: addresses are written by anyone. */
export function fromPairs(pairs) {
  const given = new Map(pairs);
  const codes = {};
  const directions = {};
  for (const [key, text] of given) {
    const [kind, name] = [key.slice(0, key.indexOf('.')), key.slice(key.indexOf('.') + 1)];
    const values = numbers(text, FARTHEST);
    if (!values || !NAME.test(name)) continue;
    if (kind === 'code') codes[name] = values.length === 1 ? values[0] : values;
    if (kind === 'direction' && values.length === 1) [directions[name]] = values;
  }
  const truncation = numbers(given.get('truncation'), 10)?.[0] ?? 1;
  return { ...base(given), codes, directions, truncation: Math.max(0, truncation) };
}

function base(given) {
  const z = decode(given.get('z'));
  const plane = numbers(given.get('plane'), 1e9);
  if (z) return { z };
  if (plane?.length === 2) return { plane, plane_seed: seed(given.get('plane_seed')) };
  return { seed: seed(given.get('seed')) };
}

function seed(text) {
  const value = Number(text);
  return /^\d{1,16}$/.test(text ?? '') && value <= MOST && String(value) === text ? value : 0;
}

function numbers(text, most) {
  if (!text) return null;
  const values = text.split(',').map((part) => (part.trim() ? Number(part) : NaN));
  return values.every((value) => Math.abs(value) <= most) ? values : null;
}

function round(value) {
  return Number(value.toFixed(4));
}

// float32, as the server computes: nothing is lost
function encode(z) {
  const bytes = new Uint8Array(Float32Array.from(z).buffer);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function decode(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    const z = [...new Float32Array(bytes.buffer)];
    return z.length && z.every((value) => Math.abs(value) <= 1000) ? z : null;
  } catch {
    return null; // no text, not base64, or cut short
  }
}

/** A place as one word for a list in the address. */
export function toWord(place) {
  return toPairs(place)
    .map((pair) => pair.join('~'))
    .join('*');
}

export function fromWord(word) {
  return fromPairs(word.split('*').map((part) => part.split('~')));
}

// --- the address

/**
 * What an address's query says: {model, place, tab, view, first, lists}. `view`: "wall" or "plane"; `first`:
 * the wall's first seed; `lists`: the samples put aside.
 */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  return {
    model: query.get('model'),
    place: fromPairs([...query]),
    tab: query.get('tab') ?? 'walk',
    view: query.get('view') === 'plane' ? 'plane' : 'wall',
    first: seed(query.get('first')),
    lists: Object.fromEntries(LISTS.map((name) => [name, query.getAll(name).slice(0, 12).map(fromWord)])),
  };
}

/** The query for that state. Parameters that are not ours stay. */
export function writeAddress(search, { model, place, tab, view, first, lists }) {
  const query = new URLSearchParams(search);
  for (const name of [...query.keys()]) if (isOurs(name)) query.delete(name);
  query.set('model', model);
  for (const [name, text] of toPairs(place)) query.set(name, text);
  if (tab !== 'walk') query.set('tab', tab);
  if (view !== 'wall') query.set('view', view);
  if (first) query.set('first', first);
  for (const name of LISTS) for (const each of lists[name]) query.append(name, toWord(each));
  return `?${query}`;
}

function isOurs(name) {
  const plain = ['model', 'seed', 'z', 'plane', 'plane_seed', 'truncation', 'tab', 'view', 'first', ...LISTS];
  return plain.includes(name) || name.startsWith('code.') || name.startsWith('direction.');
}
