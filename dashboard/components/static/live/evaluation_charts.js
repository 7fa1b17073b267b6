// The charts of what an evaluation measures: few points each, and dotted the floor, where it has one.

const FLOOR = 'Dotted: the floor of the last evaluation';

/** The newest floor of `key` that one of `runs` knows, as a list of one; empty if none does. */
function floorLine(runs, key, color) {
  const value = runs.map((run) => run.floor(key)).find((each) => typeof each === 'number');
  return value === undefined ? [] : [{ value, color, who: 'floor' }];
}

/**
 * A chart of figures: `lines` are [key, label, color, tag at the line's end]. `floor` says in words what the
 * floor is, `tone` its colour where there is one line; with several each has its line's. `from`: where the
 * axis begins.
 */
function chart(title, help, lines, { floor = 'real data', tone = 'real', from, ...more } = {}) {
  const drawn = lines.map(([key, label, color, tag = '']) => ({ key, label, tag, color }));
  const references = (_, runs) => {
    const found = drawn.flatMap(({ key, color }) => floorLine(runs, key, drawn.length > 1 ? color : tone));
    const same = found.length > 1 && found.every(({ value }) => value === found[0].value);
    return same ? [{ ...found[0], color: 'muted' }] : found;
  };
  return {
    title: () => title,
    help: floor ? `${help} ${FLOOR}, ${floor}.` : help,
    lines: () => drawn,
    ...(floor && { references }),
    ...(from !== undefined && { floor: from }), // of the axis
    ...more,
  };
}

const one = (title, help, key, label, more) => chart(title, help, [[key, label, 'fake']], more);

/** A figure of translations, for one way or for both. */
function ways(title, help, key, more) {
  const lines = [
    [key, 'A to B', 'g', 'A→B'],
    [`${key}_back`, 'B to A', 'fake', 'B→A'],
  ];
  return chart(title, help, lines, more);
}

const INPUT = 'the input left as it is';
const WINDOWS = 'windows of training targets';

/** name -> chart, as in CHARTS. */
export const EVALUATION_CHARTS = {
  fid: one(
    'FID',
    'Distance of samples from data in the features of a network; compare only equal N and network.',
    'fid',
    'FID',
    { floor: 'as many other real images', from: 0 },
  ),
  kid: one(
    'KID',
    'Like FID, without a bias for few samples; 0 is equal, and chance takes it a little below.',
    'kid',
    'KID',
  ),
  inception_score: one(
    'inception-style score',
    'Whether a classifier is sure of each sample and finds all classes: from 1 to their number.',
    'inception_score',
    'score',
  ),
  precision: chart(
    'precision and recall',
    'Precision: samples that look like data. Recall: data that samples look like. From 0 to 1.',
    [
      ['precision', 'precision', 'g', 'prec'],
      ['recall', 'recall', 'd', 'rec'],
    ],
    { range: () => [0, 1] },
  ),
  density: chart(
    'density and coverage',
    'Density: real neighbours around samples, about 1 for real. Coverage: real items with a sample near.',
    [
      ['density', 'density', 'g', 'dens'],
      ['coverage', 'coverage', 'd', 'cov'],
    ],
    { from: 0 },
  ),
  memorised: one(
    'memorised',
    'Share of samples as near to a training image as only 1 % of unseen real images are.',
    'memorised',
    'memorised',
    { floor: 'unseen real images', from: 0 },
  ),
  class_agreement: one(
    'class agreement',
    'Share of samples in which an independent classifier sees the class that G was told to draw.',
    'class_agreement',
    'agreement',
    { floor: 'the classifier on real test images', range: () => [0, 1] },
  ),
  modes_kl: one(
    'KL to uniform',
    'How unevenly the 1,000 modes are hit, in nats: 0 is even, 6.9 a single mode.',
    'modes_kl',
    'KL',
    { from: 0 },
  ),
  neighbours: chart(
    '1-NN accuracy',
    'How often the nearest training image, by what the encoder makes of it, has the class of a test image.',
    [
      ['encoder_1nn', 'codes', 'g', 'code'],
      ['encoder_hidden_1nn', 'last hidden layer', 'd', 'last'],
    ],
    { floor: 'raw pixels in place of the encoder' },
  ),
  classifier_error: one(
    'test error of the classifier',
    "How often the GAN's own classifier names the wrong class of a test image.",
    'classifier_error',
    'test error',
    { floor: null, from: 0 },
  ),
  prior_distance: one(
    "codes' distance from the prior",
    "Energy distance of test images' codes from the prior, in the latent's units; 0 is equal.",
    'prior_distance',
    'distance',
    { floor: 'draws of the prior', tone: 'muted', from: 0 },
  ),
  psnr: ways('PSNR', 'Peak signal over noise of translations of held-out pictures, in dB.', 'psnr', {
    floor: INPUT,
  }),
  ssim: ways('SSIM', 'Likeness of structure of translations and the truth, up to 1.', 'ssim', {
    floor: INPUT,
  }),
  feature_distance: ways(
    'feature distance',
    'How different translation and truth look to a network: blur counts, shifts hardly do.',
    'feature_distance',
    { floor: INPUT, from: 0 },
  ),
  window_fid: ways(
    'FID of windows',
    'FID of 64 px windows of translations and of true pictures.',
    'window_fid',
    { floor: WINDOWS, from: 0 },
  ),
  window_kid: ways(
    'KID of windows',
    'KID of 64 px windows of translations and of true pictures.',
    'window_kid',
    { floor: WINDOWS },
  ),
};

/** Their names in the menu, in its order. */
export const EVALUATION_NAMES = {
  fid: 'FID',
  kid: 'KID',
  inception_score: 'inception score',
  precision: 'precision, recall',
  density: 'density, coverage',
  memorised: 'memorised',
  class_agreement: 'class agreement',
  modes_kl: 'KL to uniform',
  neighbours: '1-NN accuracy',
  classifier_error: 'classifier error',
  prior_distance: 'prior distance',
  psnr: 'PSNR',
  ssim: 'SSIM',
  feature_distance: 'feature distance',
  window_fid: 'FID of windows',
  window_kid: 'KID of windows',
};
