// Which lines each chart draws, and its reference lines. A new chart is one entry here.

import { EVALUATION_CHARTS, EVALUATION_NAMES } from './evaluation_charts.js';

const D = { label: 'D', tag: 'D', color: 'd' };
const G = { label: 'G', tag: 'G', color: 'g' };

/** Lines at the objective's equilibrium; two nets with the same value share one. */
function equilibrium(meta, pairs) {
  const at = meta.objective?.equilibrium ?? {};
  const lines = [];
  for (const [key, color, who] of pairs) {
    const value = at[key];
    if (typeof value !== 'number') continue;
    const same = lines.find((line) => Math.abs(line.value - value) < 1e-6);
    if (same) Object.assign(same, { color: 'muted', who: `${same.who}, ${who}` });
    else lines.push({ value, color, who });
  }
  return lines;
}

const CODES = ['d', 'g', 'real', 'warn', 'broken', 'muted']; // colours of InfoGAN's continuous codes

/** The numbers of categories, each once, and the most continuous codes, of those `runs` that have codes. */
function codes(runs = []) {
  const all = runs.map((run) => run.config?.options ?? {}).filter((options) => 'continuous_codes' in options);
  if (!all.length) return { categories: [10], continuous: 2 };
  const categories = [...new Set(all.map((options) => options.categories))].filter((count) => count > 0);
  return { categories, continuous: Math.max(...all.map((options) => options.continuous_codes)) };
}

function haveCritics(runs = []) {
  return runs.some((run) => run.config?.options.objective === 'wasserstein');
}

/** Whether a penalty or a norm holds the slope of a critic at 1; clipping leaves it open. */
function holdsSlope(runs = []) {
  const bounds = ({ gradient_penalty: penalty, spectral_norm: norm }) => penalty > 0 || norm;
  return haveCritics(runs) && runs.some((run) => bounds(run.config?.options ?? {}));
}

function range(meta) {
  return meta.objective?.range ?? null;
}

/**
 * title, help: words. lines: [{key, label, tag (at the line's end), color}]. scale: 'linear' | 'log' |
 * 'choice'. range(meta): fixed y range or null. references(meta): [{value, color, who}]. smooth: whether
 * smoothing applies.
 */
export const CHARTS = {
  losses: {
    title: () => 'losses',
    help: 'What D and G minimise. Dotted: at equilibrium, where D cannot tell real from generated.',
    lines: () => [
      { key: 'd_loss', ...D },
      { key: 'g_loss', ...G },
    ],
    references: (meta) =>
      equilibrium(meta, [
        ['d_loss', 'd', 'D'],
        ['g_loss', 'g', 'G'],
      ]),
    scale: 'choice',
    labelled: true,
    smooth: true,
  },
  scores: {
    title: (meta) =>
      range(meta) ? 'D(x), D(G(z))' : `${meta.objective?.score_label ?? 'score'} of real and generated`,
    help: 'What D says of real and of generated data, on average. Together at the dotted line: undecided.',
    lines: (meta) => {
      const [real, fake] = range(meta) ? ['D(x)', 'D(G(z))'] : ['real', 'generated'];
      return [
        { key: 'd_real', label: real, tag: 'real', color: 'real' },
        { key: 'd_fake', label: fake, tag: 'fake', color: 'fake' },
      ];
    },
    references: (meta) => {
      const known = equilibrium(meta, [
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
    lines: () => [
      { key: 'd_grad', ...D },
      { key: 'g_grad', ...G },
    ],
    scale: 'log',
    smooth: true,
  },
  modes: {
    title: () => 'modes hit over time',
    help: 'How many modes of the data got at least one good sample.',
    lines: () => [{ key: 'modes_hit', label: 'modes', tag: '', color: 'fake' }],
    references: (_, runs) =>
      [runs[0]?.history.value('modes_total') ?? runs[0]?.floor('modes_hit')]
        .filter((total) => total !== null && total !== undefined)
        .map((value) => ({ value, color: 'muted', who: 'all' })),
    floor: 0,
  },
  share: {
    title: () => 'share of good samples',
    help: 'Share of samples within 3 standard deviations of a mode.',
    lines: () => [{ key: 'share', label: 'share', tag: '', color: 'fake' }],
    range: () => [0, 1],
  },
  jsd: {
    title: () => 'JS divergence',
    help: 'Jensen-Shannon divergence of data and samples, in nats: 0 is perfect, log 2 nothing in common.',
    lines: () => [{ key: 'jsd', label: 'JSD', tag: '', color: 'fake' }],
    references: () => [{ value: Math.log(2), color: 'muted', who: 'disjoint' }],
    floor: 0,
  },
  distance: {
    title: () => 'distance',
    help:
      'How far samples lie from the data: W carries as many generated points to real ones by the shortest ways. ' +
      "The critic's value says the same where its slope is 1; over its slope, also where it is not, as far as " +
      'D has learned. Dotted: W of two samples of real points.',
    lines: (_, runs) => [
      { key: 'transport', label: 'W', tag: 'W', color: 'fake' },
      ...(holdsSlope(runs) ? [{ key: 'critic_value', label: 'D', tag: 'D', color: 'd' }] : []),
      ...(haveCritics(runs) ? [{ key: 'critic_distance', label: 'D ÷ slope', tag: '÷', color: 'g' }] : []),
    ],
    references: (_, runs) =>
      [runs[0]?.history.value('transport_floor') ?? runs[0]?.floor('transport')]
        .filter((floor) => typeof floor === 'number')
        .map((value) => ({ value, color: 'real', who: 'real against real' })),
    floor: 0,
  },
  diversity: {
    title: () => 'diversity',
    help: 'Mean distance of two samples over that of two real ones. Near 0: all samples look alike.',
    lines: () => [{ key: 'diversity', label: 'diversity', tag: '', color: 'fake' }],
    references: () => [{ value: 1, color: 'real', who: 'as real' }],
    floor: 0,
    smooth: true,
  },
  class_kl: {
    title: () => 'class balance (KL)',
    help: 'Divergence of the classes of the samples from those of the data, in nats: 0 is perfect balance.',
    lines: () => [{ key: 'class_kl', label: 'KL', tag: '', color: 'fake' }],
    floor: 0,
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
  code_error: {
    title: () => 'code error',
    help: 'Share of test images whose category is that of another class, each value named after one class.',
    lines: () => [{ key: 'code_error', label: 'code error', tag: '', color: 'fake' }],
    floor: 0,
  },
  errors: {
    title: () => 'errors on test data',
    help: 'Share of labelled training images, and of test images, that the classifier gets wrong.',
    lines: () => [
      { key: 'test_error', label: 'test', tag: 'test', color: 'fake' },
      { key: 'labelled_error', label: 'labelled', tag: 'labelled', color: 'real' },
    ],
    floor: 0,
  },
  class_accuracy: {
    title: () => "D's classes",
    help: 'Share of real and of generated images whose class D names as it should be.',
    lines: () => [
      { key: 'class_accuracy_real', label: 'real', tag: 'real', color: 'real' },
      { key: 'class_accuracy_fake', label: 'generated', tag: 'fake', color: 'fake' },
    ],
    range: () => [0, 1],
    smooth: true,
  },
  reconstruction: {
    title: () => 'reconstruction error',
    help: 'Mean squared difference between test images and their reconstruction, on -1 to 1.',
    lines: () => [{ key: 'reconstruction_error', label: 'reconstruction', tag: '', color: 'g' }],
    floor: 0,
  },
  l1: {
    title: () => 'L1',
    help: 'Mean difference of outputs from targets, on -1 to 1.',
    lines: () => [{ key: 'l1', label: 'L1', tag: 'L1', color: 'g' }],
    floor: 0,
    smooth: true,
  },
  features: {
    title: () => "D's features",
    help: 'Mean difference of outputs from targets as D sees them, summed over its layers.',
    lines: () => [{ key: 'features', label: "D's features", tag: 'features', color: 'g' }],
    floor: 0,
    smooth: true,
  },
  cycles: {
    title: () => 'cycles, identity',
    help: 'Mean difference, on -1 to 1, of A and B from themselves: after both ways, or left as they are.',
    lines: () => [
      { key: 'cycle_a', label: 'A after both ways', tag: 'cycle A', color: 'real' },
      { key: 'cycle_b', label: 'B after both ways', tag: 'cycle B', color: 'fake' },
      { key: 'identity_a', label: 'A left as it is', tag: 'identity A', color: 'muted' },
      { key: 'identity_b', label: 'B left as it is', tag: 'identity B', color: 'd' },
    ],
    floor: 0,
    smooth: true,
  },
  held_out: {
    title: () => 'L1 on held-out pictures',
    help: 'Mean difference of outputs from the truth, on -1 to 1, on pictures that are never trained on.',
    lines: () => [
      { key: 'test_l1', label: 'A to B', tag: 'A to B', color: 'g' },
      { key: 'test_l1_back', label: 'B to A', tag: 'B to A', color: 'fake' },
    ],
    floor: 0,
  },
  ...EVALUATION_CHARTS,
  accuracy: {
    title: () => "D's accuracy",
    help: 'Share of real and generated samples that D gets right. One half: it guesses.',
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

/** What the fourth place can show, in the order of the menu; `coverage` is drawn as bars. */
export const CHOICES = [
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
  'jsd',
  'diversity',
  'class_kl',
  ...Object.keys(EVALUATION_NAMES),
  'accuracy',
  'rate',
];
export const CHOICE_NAMES = {
  information: 'mutual information',
  distance: 'distance',
  code_error: 'code error',
  errors: 'test errors',
  class_accuracy: "D's classes",
  reconstruction: 'reconstruction',
  l1: 'L1',
  features: "D's features",
  cycles: 'cycles, identity',
  held_out: 'held-out L1',
  ...EVALUATION_NAMES,
  modes: 'modes over time',
  share: 'good samples',
  jsd: 'JS divergence',
  diversity: 'diversity',
  class_kl: 'class balance',
  accuracy: "D's accuracy",
  rate: 'speed',
};
