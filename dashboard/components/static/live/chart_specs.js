// Which lines each chart draws, and its reference lines. What the losses report is charted here; the charts of
// measures are declared with them (engine/metrics) and come with the catalogue.

import { measureCharts } from './measure_charts.js';

const D = { label: 'D', tag: 'D', color: 'd' };
const G = { label: 'G', tag: 'G', color: 'g' };
const LEARNERS = { encoder: 'E', recogniser: 'Q', reconstruction: 'rec.' }; // beside D and G, at a line's end

/**
 * Lines at the equilibrium of the losses that the runs play by, under the options that hold now; two nets with the
 * same value share one.
 */
function equilibrium(meta, runs, pairs) {
  const lines = [];
  for (const at of runs?.length ? runs.map(restOf) : [meta.objective?.equilibrium ?? {}]) {
    for (const [key, color, who] of pairs) {
      const value = at[key];
      if (typeof value !== 'number') continue;
      const same = lines.find((line) => Math.abs(line.value - value) < 1e-6);
      if (!same) lines.push({ value, color, who });
      else if (same.who !== who) Object.assign(same, { color: 'muted', who: `${same.who}, ${who}` });
    }
  }
  return lines;
}

const restOf = (run) => run.status?.equilibrium ?? run.meta?.objective?.equilibrium ?? {};

const USUAL = {
  real: 'D(x)',
  fake: 'D(G(z))',
  real_kind: 'real data',
  fake_kind: 'generated data',
  tags: ['real', 'gen.'],
  player: 'G',
};

/** What the run's D tells apart, in words and formulas. */
export const judged = (meta) => meta.gan?.judged ?? USUAL;

/** In what the run's losses are counted: runs that differ in it share no axis. */
function lossUnit(meta) {
  const { unit, range: bounds, name } = meta.objective ?? {};
  return `${unit || (bounds ? 'nats' : (name ?? ''))} of ${judged(meta).player}`;
}

function scoreUnit(meta) {
  return `${range(meta) ? 'probability' : (meta.objective?.name ?? '')} ${judged(meta).real}`;
}

const CODES = ['d', 'g', 'real', 'warn', 'broken', 'muted']; // colours of InfoGAN's continuous codes

/** The numbers of categories, each once, and the most continuous codes, of those `runs` that have codes. */
function codes(runs = []) {
  const all = runs.map((run) => run.config?.options ?? {}).filter((options) => 'continuous_codes' in options);
  if (!all.length) return { categories: [10], continuous: 2 };
  const categories = [...new Set(all.map((options) => options.categories))].filter((count) => count > 0);
  return { categories, continuous: Math.max(...all.map((options) => options.continuous_codes)) };
}

/** The gradient norms that the runs record, in the order in which their networks learn. */
function gradients(runs = []) {
  const found = runs.flatMap((run) => run.config?.meta?.gan?.gradients ?? ['d_grad', 'g_grad']);
  return found.length ? [...new Set(found)] : ['d_grad', 'g_grad'];
}

/** Whose a gradient norm is: D's, G's, or that of another network or turn, by its own name. */
function learner(key, k, player) {
  if (key === 'd_grad') return { key, ...D };
  if (key === 'g_grad') return { key, ...G };
  const label = key.replace(/_grad$/, '');
  const tag = LEARNERS[label] ?? label;
  // who deceives D has the colour that it has among the losses
  return { key, label, tag, color: tag === player ? 'g' : ['fake', 'real', 'muted'][k % 3] };
}

function range(meta) {
  return meta.objective?.range ?? null;
}

/**
 * title, help (meta), menu (its name where it is chosen, if not the title): words. unit(meta): what the values
 * are counted in, where it is not the same for all runs. brief: a shorter title. lines: [{key, label, tag (at the
 * line's end), color}]. scale: 'linear' | 'log' | 'choice'. range(meta): fixed y range or null.
 * references(meta, runs, step): [{value, color, who, spread}]. smooth: whether smoothing applies.
 */
const STATISTICS = {
  losses: {
    title: () => 'losses',
    help: (meta) =>
      `What D and ${judged(meta).player} play for, without penalties. Dotted: at equilibrium under this run's ` +
      `options, where D cannot tell ${judged(meta).real_kind} from ${judged(meta).fake_kind}; none where it is not known. ${meta.gan?.at_rest ?? ''}`,
    unit: lossUnit,
    lines: (meta) => {
      const { player } = judged(meta);
      return [
        { key: 'd_loss', ...D },
        { key: 'g_loss', ...G, label: player, tag: player },
      ];
    },
    references: (meta, runs) =>
      equilibrium(meta, runs, [
        ['d_loss', 'd', 'D'],
        ['g_loss', 'g', 'G'],
      ]),
    scale: 'choice',
    labelled: true,
    smooth: true,
  },
  scores: {
    title: (meta) => {
      const { real, fake } = judged(meta);
      return range(meta) ? `${real}, ${fake}` : (meta.objective?.score_label ?? 'score').replace('D(x)', 'D');
    },
    help: (meta) =>
      `What D says of ${judged(meta).real_kind} and of ${judged(meta).fake_kind}, on average. ` +
      'Together at the dotted line: undecided.',
    unit: scoreUnit,
    brief: 'scores',
    lines: (meta) => {
      const { real, fake, tags } = judged(meta);
      return [
        { key: 'd_real', label: real, tag: tags[0], color: 'real' },
        { key: 'd_fake', label: fake, tag: tags[1], color: 'fake' },
      ];
    },
    references: (meta, runs) => {
      const known = equilibrium(meta, runs, [
        ['d_real', 'muted', 'undecided'],
        ['d_fake', 'muted', 'undecided'],
      ]);
      const midpoint = meta.objective?.midpoint;
      return known.length || typeof midpoint !== 'number'
        ? known
        : [{ value: midpoint, color: 'muted', who: 'undecided' }];
    },
    range,
    smooth: true,
  },
  norms: {
    title: () => 'gradient norms',
    help: 'How strong the learning signal is. If G falls by orders of magnitude, it no longer learns.',
    unit: lossUnit,
    lines: (meta, runs) => gradients(runs).map((key, k) => learner(key, k, judged(meta).player)),
    scale: 'log',
    smooth: true,
  },
  information: {
    title: () => 'mutual information',
    help: 'How much of each code Q reads back from a picture, in nats: a lower bound of I(c; G(z, c)).',
    // beyond the colours' number they begin anew: the names at the lines' ends tell them apart
    lines: (_, runs) => {
      const { categories, continuous } = codes(runs);
      const named = (name, color) => ({ key: `mi_${name}`, label: name, tag: name, color });
      const rest = Array.from({ length: continuous }, (_, k) => named(`c${k + 1}`, CODES[k % CODES.length]));
      return categories.length ? [{ ...named('category', 'fake'), tag: 'cat.' }, ...rest] : rest;
    },
    references: (_, runs) =>
      codes(runs).categories.map((count) => ({
        value: Math.log(count),
        color: 'muted',
        who: `all of ${count} categories`,
      })),
    smooth: true,
  },
  class_accuracy: {
    title: () => "D's classes",
    help: 'Share of real and of generated pictures whose class D names correctly.',
    lines: () => [
      { key: 'class_accuracy_real', label: 'real', tag: 'real', color: 'real' },
      { key: 'class_accuracy_fake', label: 'generated', tag: 'gen.', color: 'fake' },
    ],
    range: () => [0, 1],
    smooth: true,
  },
  features: {
    title: () => "D's features",
    help: 'Mean difference of outputs from targets as D sees them, summed over its layers.',
    lines: () => [{ key: 'features', label: "D's features", tag: 'features', color: 'g' }],
    floor: 0,
    smooth: true,
  },
  accuracy: {
    title: () => "D's accuracy",
    help: (meta) =>
      `Share of ${judged(meta).real_kind} and of ${judged(meta).fake_kind} that D gets right. One half: it guesses.`,
    lines: () => [{ key: 'd_accuracy', ...D, tag: '' }],
    references: () => [{ value: 0.5, color: 'muted', who: 'guessing' }],
    range: () => [0, 1],
    smooth: true,
  },
  rate: {
    title: () => 'speed',
    help: 'Training steps a second.',
    lines: () => [{ key: 'rate', label: 'steps/s', tag: '', color: 'muted' }],
    floor: 0,
  },
};

// what the fourth place offers before the other measures; `coverage` is drawn as bars
const FIRST = [
  'information',
  'distance',
  'code_error',
  'errors',
  'class_accuracy',
  'reconstruction',
  'l1',
  'features',
  'cycles',
  'held_out',
  'coverage',
  'modes',
  'share',
  'modes_kl',
  'jsd',
  'diversity',
  'class_kl',
];
const LAST = ['accuracy', 'rate'];

/**
 * Every chart by name, and the `choices` of the fourth place in the order of the menu. `declared`: `charts` of
 * the catalogue.
 */
export function chartsOf(declared) {
  const measures = measureCharts(declared);
  const charts = { ...STATISTICS, ...measures };
  const first = FIRST.filter((name) => name === 'coverage' || name in charts);
  const others = Object.keys(measures).filter((name) => !first.includes(name));
  return { charts, choices: [...first, ...others, ...LAST] };
}
