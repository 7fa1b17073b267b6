// The studio's sketch pad: pens, eraser, undo, clear, examples to begin with or to trace. Runs inside
// Gradio's page (gr.HTML); after each stroke, and now and then while one is drawn, what is on it is uploaded.

const SIDE = 512; // of the canvas, in pixels
const PENS = { fine: 8, medium: 14, broad: 30 };
const COLOURS = 6;
const SEND_EVERY_MS = 400; // while the pen is down
const UNDOS = 40;

/** `props`: `examples` (data URLs), `ink` (black on white or the examples' colours), `start` (number or null). */
export default function pad({ element, props, upload, watch }) {
  const view = new Pad(element.querySelector('.gs-pad'), props, upload);
  watch(['examples', 'start'], () => view.renew());
}

class Pad {
  /** @type {HTMLElement[]} */
  pens;
  /** @type {HTMLImageElement[]} */
  pictures;

  constructor(host, props, upload) {
    this.props = props;
    this.upload = upload;
    this.pen = 'medium';
    this.colour = '#000000';
    this.paper = '#ffffff';
    this.steps = [];
    this.canvas = make('canvas', { width: SIDE, height: SIDE, tabIndex: 0 });
    this.canvas.setAttribute('aria-label', 'drawing');
    this.context = this.canvas.getContext('2d', { willReadFrequently: true });
    this.faint = make('img', { className: 'gs-pad-faint', alt: '', hidden: true });
    this.bar = make('div', { className: 'gs-pad-bar' });
    this.colours = make('div', { className: 'gs-pad-colours', role: 'group' });
    this.colours.setAttribute('aria-label', 'colours');
    this.samples = make('div', { className: 'gs-examples' });
    this.note = make('p', { className: 'gs-pad-note' });
    this.note.setAttribute('role', 'status');
    const sheet = make('div', { className: 'gs-pad-sheet' }, this.canvas, this.faint);
    host.replaceChildren(sheet, this.bar, this.colours, this.samples, this.note);
    this.#makeBar();
    this.#listen();
    this.#fill();
    this.renew();
  }

  // other examples: another model
  async renew() {
    const shown = JSON.stringify([this.props.examples, this.props.start]);
    if (shown === this.shown) return;
    this.shown = shown;
    const pictures = await Promise.all((this.props.examples ?? []).map(load));
    if (shown !== this.shown) return;
    this.pictures = pictures;
    this.paper = '#ffffff';
    const found = this.props.ink || !pictures.length ? [] : palette(pictures);
    if (found.length) this.paper = found[0];
    this.#offerColours(found);
    this.samples.replaceChildren(
      ...pictures.map((picture, number) => {
        const copy = make('img', { src: picture.src, alt: `example ${number + 1}` });
        const button = make(
          'button',
          { type: 'button', className: 'gs-example', title: 'Begin with this one' },
          copy,
        );
        button.addEventListener('click', () => this.#begin(number));
        return button;
      }),
    );
    this.steps = [];
    this.#fill();
    this.#trace(null);
    const start = this.props.start;
    if (start !== null && start !== undefined && pictures[start]) this.#draw(pictures[start]);
    else if (pictures.length === 0) this.#fill();
    this.#mayUndo();
  }

  #begin(number) {
    this.#keep();
    this.#fill();
    this.#trace(this.tracing.checked ? this.pictures[number] : null);
    if (this.tracing.checked) this.#takePen();
    else this.#draw(this.pictures[number]);
    this.#send();
  }

  #draw(picture) {
    this.context.imageSmoothingEnabled = true;
    this.context.imageSmoothingQuality = 'high';
    this.context.drawImage(picture, 0, 0, SIDE, SIDE);
  }

  #trace(picture) {
    this.faint.hidden = !picture;
    if (picture) this.faint.src = picture.src;
  }

  #fill() {
    this.context.fillStyle = this.paper;
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  #makeBar() {
    const button = (label, title, act) => {
      const made = make('button', { type: 'button', textContent: label, title });
      made.addEventListener('click', act);
      return made;
    };
    this.pens = Object.entries(PENS).map(([name, size]) => {
      const made = button('', `${name} pen`, () => this.#choose(name));
      made.dataset.pen = name;
      made.setAttribute('aria-label', `${name} pen`);
      const dot = make('i', {});
      dot.style.width = dot.style.height = `${Math.round(4 + size / 2.2)}px`;
      made.append(dot);
      return made;
    });
    const eraser = button('Eraser', 'Rub out', () => this.#choose('eraser'));
    eraser.dataset.pen = 'eraser';
    this.pens.push(eraser);
    this.undo = button('Undo', 'Take the last stroke back (Ctrl+Z)', () => this.#undo());
    const clear = button('Clear', 'An empty sheet', () => {
      this.#keep();
      this.#fill();
      this.#trace(null);
      this.#takePen();
      this.#send();
    });
    this.tracing = make('input', { type: 'checkbox' });
    this.tracing.addEventListener('change', () => {
      if (!this.tracing.checked) this.#trace(null);
    });
    const trace = make(
      'label',
      { title: 'Examples lie under the sheet, to be traced' },
      this.tracing,
      'Trace',
    );
    const group = make('div', { className: 'gs-pad-pens', role: 'group' }, ...this.pens);
    group.setAttribute('aria-label', 'pens');
    this.bar.replaceChildren(group, this.undo, clear, trace);
    this.#choose(this.pen);
    this.#mayUndo();
  }

  #choose(pen) {
    this.pen = pen;
    for (const one of this.pens) one.setAttribute('aria-pressed', String(one.dataset.pen === pen));
  }

  // on an empty sheet there is nothing to rub out
  #takePen() {
    if (this.pen === 'eraser') this.#choose(this.colours.hidden ? 'medium' : 'broad');
  }

  #offerColours(found) {
    this.colour = found[1] ?? '#000000';
    this.colours.hidden = found.length === 0;
    const buttons = found.map((colour) => {
      const made = make('button', { type: 'button', title: colour });
      made.style.background = colour;
      made.setAttribute('aria-label', `colour ${colour}`);
      made.addEventListener('click', () => {
        this.colour = colour;
        this.#takePen();
        press();
      });
      made.dataset.colour = colour;
      return made;
    });
    const press = () => {
      for (const one of buttons) one.setAttribute('aria-pressed', String(one.dataset.colour === this.colour));
    };
    this.colours.replaceChildren(...buttons);
    if (found.length) this.#choose('broad');
    press();
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  #listen() {
    const { canvas, context } = this;
    /** @type {number[] | null} */
    let last = null;
    let sent = 0;
    const line = (from, to) => {
      context.strokeStyle = this.pen === 'eraser' ? this.paper : this.colour;
      context.lineWidth = this.pen === 'eraser' ? 44 : PENS[this.pen];
      context.lineCap = context.lineJoin = 'round';
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    };
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      this.#keep();
      last = this.#at(event);
      sent = performance.now();
      line(last, [last[0] + 0.01, last[1]]);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!last) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const here = this.#at(one);
        line(last, here);
        last = here;
      }
      if (performance.now() - sent > SEND_EVERY_MS && !this.sending) {
        sent = performance.now();
        this.#send();
      }
    });
    const end = () => {
      if (!last) return;
      last = null;
      this.#send();
    };
    canvas.addEventListener('pointerup', end);
    canvas.addEventListener('pointercancel', end);
    canvas.addEventListener('keydown', (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return;
      event.preventDefault();
      this.#undo();
    });
  }

  #keep() {
    this.steps.push({
      pixels: this.context.getImageData(0, 0, SIDE, SIDE),
      faint: this.faint.hidden ? '' : this.faint.src,
    });
    if (this.steps.length > UNDOS) this.steps.shift();
    this.#mayUndo();
  }

  #undo() {
    const step = this.steps.pop();
    if (!step) return;
    this.context.putImageData(step.pixels, 0, 0);
    this.faint.hidden = !step.faint;
    if (step.faint) this.faint.src = step.faint;
    this.#mayUndo();
    this.#send();
  }

  #mayUndo() {
    this.undo.disabled = this.steps.length === 0;
  }

  // one upload at a time; what was drawn meanwhile follows in one
  async #send() {
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    try {
      do {
        this.again = false;
        const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, 'image/png'));
        const { path, url } = await this.upload(new File([blob], 'drawing.png', { type: 'image/png' }));
        this.props.value = { path, url, orig_name: 'drawing.png', meta: { _type: 'gradio.FileData' } };
      } while (this.again);
      this.note.textContent = '';
    } catch {
      this.note.textContent = 'The drawing could not be sent. Is the server still there?';
    } finally {
      this.sending = false;
    }
  }
}

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  if (properties.role) element.setAttribute('role', properties.role);
  element.append(...children);
  return element;
}

async function load(url) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

// The colours that cover most of the pictures, each unlike those before it: the first is the paper.
function palette(pictures) {
  const small = make('canvas', { width: 32, height: 32 });
  const context = small.getContext('2d', { willReadFrequently: true });
  const counts = new Map();
  for (const picture of pictures) {
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, 0, 0, 32, 32);
    const { data } = context.getImageData(0, 0, 32, 32);
    for (let k = 0; k < data.length; k += 4) {
      const key = ((data[k] >> 4) << 8) | ((data[k + 1] >> 4) << 4) | (data[k + 2] >> 4);
      const sum = counts.get(key) ?? [0, 0, 0, 0];
      counts.set(key, [sum[0] + 1, sum[1] + data[k], sum[2] + data[k + 1], sum[3] + data[k + 2]]);
    }
  }
  const means = [...counts.values()]
    .sort((a, b) => b[0] - a[0])
    .map(([n, ...sums]) => sums.map((sum) => sum / n));
  const chosen = [];
  for (const distance of [70, 35]) {
    for (const mean of means) {
      if (chosen.length === COLOURS) break;
      if (chosen.every((other) => Math.hypot(...other.map((value, k) => value - mean[k])) > distance))
        chosen.push(mean);
    }
  }
  return chosen.map(
    (mean) => `#${mean.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`,
  );
}
