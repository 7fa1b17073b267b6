// One set of colours, light and dark, on top of Streamlit's own --st-* variables.

// what each colour means <- the name of Streamlit's variable that the theme gives it
const MEANING = {
  real: 'green-color',
  fake: 'violet-color',
  d: 'blue-color',
  g: 'orange-color',
  warn: 'yellow-color',
  broken: 'red-color',
  muted: 'gray-color',
};

// on the picture's paper, which is light in both themes: the heat map's white means "undecided" everywhere
export const PAPER = {
  real: '#1b7837',
  fake: '#762a83',
  ink: [36, 41, 47],
  manifold: [84, 39, 136],
  reconstructed: [180, 83, 9],
  // engine.latent.encoding.COLOURS
  categories: [
    '#1f77b4',
    '#ff7f0e',
    '#2ca02c',
    '#d62728',
    '#9467bd',
    '#8c564b',
    '#e377c2',
    '#666666',
    '#bcbd22',
    '#17becf',
  ],
};

/** Adds the style sheets, and `more`, to the page once; resolves when they apply. */
export function loadStyles(...more) {
  return Promise.all(
    ['vendor/uPlot.min.css', 'live.css', ...more].map((name) => {
      const href = new URL(`../${name}`, import.meta.url).href;
      const present = [...document.querySelectorAll('link')].find(
        (link) => link.rel === 'stylesheet' && link.href === href,
      );
      const link = present ?? Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
      if (link.sheet || link.dataset.failed) return undefined; // it says so only once
      return new Promise((resolve) => {
        link.addEventListener('load', resolve, { once: true });
        link.addEventListener('error', resolve, { once: true });
        if (present) return;
        link.addEventListener('error', () => (link.dataset.failed = 'yes'), { once: true });
        document.head.append(link);
      });
    }),
  );
}

/** The colours and fonts that hold at `element` now. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const background = read('background-color');
  const dark = luminance(background) < 0.4;
  return {
    dark,
    background,
    text: read('text-color'),
    grid: dark ? 'rgba(255,255,255,0.10)' : 'rgba(0,0,0,0.08)',
    font: read('font') || 'sans-serif',
    ...Object.fromEntries(Object.entries(MEANING).map(([name, variable]) => [name, read(variable)])),
  };
}

/** Puts the theme on `root` for the style sheet. */
export function applyTheme(root, theme) {
  root.dataset.theme = theme.dark ? 'dark' : 'light';
  for (const name of [...Object.keys(MEANING), 'grid']) root.style.setProperty(`--gv-${name}`, theme[name]);
}

function luminance(color) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

/** Whether the reader asked for less motion. */
export function reducedMotion() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
