// A generator that was taken home: the page that `export --to html` writes (engine/weights/handout.py) puts
// this module, its neighbours and the model into one file. Nothing here imports: parts come as arguments.

const REACH = { uniform: 2, gaussian: 3, direction: 3 };
const WALK_MS = 2400; // from one seed to the next
const MOST_COLUMNS = 12;

/** @param {any} parts what page.html has loaded */
export async function show({ ort, open, lay, toSheet, unpack, about, wasm, model }) {
  const byId = (id) => /** @type {any} */ (document.getElementById(id));
  byId('sentence').textContent = about.sentence;
  byId('card').textContent = about.card;
  byId('foot').textContent =
    `Everything is inside this file: it needs no network. Licence: ${about.licence}.`;
  const { header, arrays } = unpack(bytesOf(model).buffer);
  const layout = { ...header, directions: arrays.directions };
  const generator = await open(ort, await unzipped(bytesOf(wasm)), arrays.onnx.slice());
  const seeds = arrays.latents.length / layout.latent_dim;
  const base = (seed) => arrays.latents.subarray(seed * layout.latent_dim, (seed + 1) * layout.latent_dim);
  const state = { seed: 0, codes: {}, directions: {}, from: null };
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;

  const drawn = async (latents, count, columns, canvas) => {
    const sheet = toSheet(await generator.run(latents, count), layout.shape, columns);
    Object.assign(canvas, { width: sheet.width, height: sheet.height });
    canvas.getContext('2d').putImageData(new ImageData(sheet.data, sheet.width, sheet.height), 0, 0);
  };

  let waiting = false;
  let busy = false;
  const follow = async () => {
    waiting = true;
    if (busy) return; // the newest place wins
    busy = true;
    while (waiting) {
      waiting = false;
      const z = new Float32Array(layout.latent_dim);
      lay(state, state.from ?? base(state.seed), layout, z);
      await drawn(z, 1, 1, byId('large'));
    }
    busy = false;
    byId('large').setAttribute('aria-label', `sample of seed ${state.seed}${inWords(state)}`);
  };

  const wall = async () => {
    const columns = Math.max(4, Math.min(MOST_COLUMNS, Math.floor(byId('samples').clientWidth / 60)));
    byId('wall').dataset.columns = columns;
    const latents = new Float32Array(seeds * layout.latent_dim);
    for (let k = 0; k < seeds; k += 1)
      lay(state, base(k), layout, latents.subarray(k * layout.latent_dim, (k + 1) * layout.latent_dim));
    await drawn(latents, seeds, columns, byId('wall'));
    byId('wall').setAttribute('aria-label', `samples of ${seeds} seeds${inWords(state)}; a click shows one`);
  };

  let resting;
  const moved = () => {
    follow();
    clearTimeout(resting);
    resting = setTimeout(wall, 250);
  };

  for (const code of layout.codes) byId('axes').append(codeControl(code, state, moved));
  for (let k = 0; k < layout.directions.length / layout.latent_dim; k += 1)
    byId('axes').append(
      slider(`direction ${k + 1}`, REACH.direction, 0, (value) => {
        state.directions[`d${k + 1}`] = value;
        moved();
      }),
    );

  const go = (seed) => {
    state.from = null;
    state.seed = (seed + seeds) % seeds;
    moved();
  };
  let walking = false;
  const walk = button('Walk', 'From seed to seed, on a great circle', () => {
    walking = !walking;
    walk.setAttribute('aria-pressed', String(walking));
    let started = performance.now();
    const step = (now) => {
      if (!walking) return;
      const t = Math.min(1, (now - started) / WALK_MS);
      state.from = between(base(state.seed), base((state.seed + 1) % seeds), t);
      if (t === 1) {
        started = now;
        state.seed = (state.seed + 1) % seeds;
      }
      follow();
      requestAnimationFrame(step);
    };
    if (walking) requestAnimationFrame(step);
  });
  walk.setAttribute('aria-pressed', 'false');
  byId('seeds').append(
    button('Previous', 'The seed before', () => go(state.seed - 1)),
    button('Next', 'The next seed', () => go(state.seed + 1)),
    ...(calm ? [] : [walk]),
  );
  byId('wall').addEventListener('click', (event) => {
    const box = byId('wall').getBoundingClientRect();
    const columns = Number(byId('wall').dataset.columns);
    const side = box.width / columns;
    const seed =
      Math.floor((event.clientY - box.top) / side) * columns + Math.floor((event.clientX - box.left) / side);
    if (seed < seeds) go(seed);
  });

  byId('main').hidden = byId('samples').hidden = false;
  await follow();
  await wall();
  byId('state').textContent = '';
  Object.assign(window, { ganscope: { state, follow } });
}

function codeControl(code, state, moved) {
  const set = (value) => {
    state.codes[code.name] = value;
    moved();
  };
  if (code.kind !== 'categorical') {
    if (code.size === 1) return slider(code.name, REACH[code.kind], 0, set);
    const values = new Array(code.size).fill(0);
    const group = named('fieldset', '');
    group.append(
      ...values.map((_, k) =>
        slider(`${code.name} ${k + 1}`, REACH[code.kind], 0, (value) => {
          values[k] = value;
          set([...values]);
        }),
      ),
    );
    return group;
  }
  const group = named('fieldset', '');
  const buttons = Array.from({ length: code.size }, (_, k) =>
    button(code.labels[k] ?? String(k), `${code.name} ${k}`, () => {
      for (const each of buttons) each.setAttribute('aria-pressed', String(each === buttons[k]));
      set(k);
    }),
  );
  group.append(named('legend', code.name), ...buttons);
  return group;
}

function slider(title, reach, at, set) {
  const label = named('label', title);
  const output = named('output', at.toFixed(2));
  const range = Object.assign(document.createElement('input'), {
    type: 'range',
    min: -reach,
    max: reach,
    step: 0.01,
    value: at,
  });
  range.setAttribute('aria-label', title);
  range.addEventListener('input', () => {
    output.textContent = Number(range.value).toFixed(2);
    set(Number(range.value));
  });
  label.append(output);
  const group = document.createElement('div');
  group.append(label, range);
  return group;
}

function button(text, title, click) {
  const made = Object.assign(named('button', text), { type: 'button', title });
  made.addEventListener('click', click);
  return made;
}

function named(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

// the great circle between two latents, as engine/latent/moving.py has it for the whole latent
function between(a, b, t) {
  const norm = (v) => Math.hypot(...v) || 1;
  const [p, q] = [norm(a), norm(b)];
  const cosine = a.reduce((sum, x, k) => sum + x * b[k], 0) / (p * q);
  const angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
  const sine = Math.sin(angle);
  if (sine < 1e-4) return a.map((x, k) => x + (b[k] - x) * t);
  const scale = p + (q - p) * t;
  const [u, v] = [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return a.map((x, k) => ((x / p) * u + (b[k] / q) * v) * scale);
}

function inWords({ codes, directions }) {
  const moved = Object.entries({ ...codes, ...directions }).map(([name, value]) => `${name} ${value}`);
  return moved.length ? `, ${moved.join(', ')}` : '';
}

function bytesOf(base64) {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let k = 0; k < bytes.length; k += 1) bytes[k] = letters.charCodeAt(k);
  return bytes;
}

function unzipped(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
