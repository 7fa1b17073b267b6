// The Project tab: the latent that makes a picture, found by the encoder or by search; and pictures changed
// by paint, back on the manifold of what G can make.

import { el, setText } from '../base/dom.js';
import { base64Of, imageOf, imagesOf } from './client.js';
import { PictureInput } from './input.js';
import { Paint } from './paint.js';
import { asked } from './place.js';
import { Picture } from './sheet.js';
import { clock, fixed, percent, short } from '../base/format.js';

const LOOK_MS = 300; // between looks at how far it is
const NEAREST = 3;
const [RESTARTS, STEPS] = [4, 400]; // of a search, unless something else is chosen

export class ProjectTab {
  /** @type {Record<string, { name: string, picture: Picture, caption: HTMLElement, element: HTMLElement }>} */
  figures;
  /** @type {Paint} */
  paint;
  /** @type {HTMLInputElement} */
  restarts;
  /** @type {HTMLInputElement} */
  steps;

  static title = 'Project';
  static help = 'Find the z that makes a picture of yours, then use it as a key sample.';
  static images = true;

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    this.job = null;
    const edit = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Edit the selected',
      title: 'Paint on the selected sample, or leave a part of it free, and find the nearest that G can make',
      on: { click: () => this.#edit() },
    });
    this.input = new PictureInput(hub, (blob) => this.#start({ image: blob }), [edit]);
    this.bar = el('progress', { class: 'gx-progress', max: 1, value: 0 });
    this.facts = el('span', { class: 'gv-number gx-hint', role: 'status' });
    this.cancel = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Cancel',
      on: { click: () => this.#cancel() },
    });
    this.progress = el('div', { class: 'gx-row', hidden: true }, this.bar, this.facts, this.cancel);
    this.note = el('p', { class: 'gx-hint', hidden: true });
    this.editor = el('div', { class: 'gx-editor', hidden: true });
    this.results = this.#makeResults();
    const by = hub.model.has_encoder ? 'the encoder and a search' : 'a search';
    this.empty = el('p', {
      class: 'gx-empty',
      text: `Give a picture, and ${by} will find the sample nearest to it.`,
    });
    this.element = el(
      'div',
      { class: 'gx-tab' },
      this.input.element,
      this.#makeOptions(),
      this.editor,
      this.progress,
      this.note,
      this.results,
      this.empty,
    );
  }

  #makeOptions() {
    const { hub } = this;
    const field = (label, name, value, min, max, title) => {
      this[name] = el('input', { class: 'gv-field gx-number', type: 'number', min, max, value, title });
      return el('label', { class: 'gx-label', title }, label, this[name]);
    };
    const methods = hub.model.has_encoder
      ? { both: 'both', encoder: 'encoder', optimise: 'search' }
      : { optimise: 'search' };
    this.method = el(
      'select',
      { class: 'gv-select', 'aria-label': 'method' },
      Object.entries(methods).map(([value, text]) => el('option', { value, text })),
    );
    return el(
      'div',
      { class: 'gx-row' },
      hub.model.has_encoder && el('label', { class: 'gx-label' }, 'by', this.method),
      field('restarts', 'restarts', RESTARTS, 1, 16, 'Searches from so many starts; the best counts'),
      field('steps', 'steps', STEPS, 10, 1000, 'Of each search'),
    );
  }

  #makeResults() {
    const figure = (name, title, hint) => {
      const picture = new Picture(title);
      const caption = el('figcaption', { text: title, title: hint });
      const element = el('figure', { class: 'gx-figure' }, picture.canvas, caption);
      return { name, picture, caption, element };
    };
    this.figures = {
      original: figure('original', 'yours', 'As the model sees it'),
      encoder: figure('encoder', 'by the encoder', 'G(E(x))'),
      best: figure('best', 'nearest sample', 'What G makes of the z that was found'),
      map: figure('map', 'difference', 'Where the two differ: dark is equal'),
    };
    this.neighbours = el('div', { class: 'gx-neighbours' });
    const act = (text, title, click) =>
      el('button', { type: 'button', class: 'gv-button gv-small', text, title, on: { click } });
    return el(
      'div',
      { class: 'gx-results', hidden: true },
      el(
        'div',
        { class: 'gx-figures' },
        Object.values(this.figures).map(({ element }) => element),
      ),
      el(
        'div',
        { class: 'gx-row' },
        act('Select it', 'Show it large, and change its codes', () => this.hub.go(this.place)),
        act('Use as key sample', 'Put it aside for Interpolate', () => this.hub.keep(this.place)),
      ),
      this.neighbours,
    );
  }

  // --- editing: the picture is painted on, and the nearest sample that agrees is looked for

  #edit() {
    const { hub } = this;
    const { shown, picture } = hub.selected;
    if (!shown) return;
    this.paint = new Paint({ side: hub.native, colour: hub.isColour, canFree: true });
    this.paint.load(picture.canvas);
    const only = el('input', { type: 'checkbox', class: 'gv-check' });
    const find = el('button', {
      type: 'button',
      class: 'gv-button gv-primary',
      text: 'Find the nearest',
      on: { click: () => this.#startEdit(only.checked, shown.place) },
    });
    const close = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Close',
      on: { click: () => this.#closeEditor() },
    });
    this.editor.replaceChildren(
      this.paint.element,
      el(
        'div',
        { class: 'gx-row' },
        find,
        el(
          'label',
          { class: 'gx-label', title: 'What you did not paint may change freely' },
          only,
          'only what I paint counts',
        ),
        close,
      ),
    );
    this.editor.hidden = false;
    this.empty.hidden = true;
  }

  #closeEditor() {
    this.editor.hidden = true;
    this.editor.replaceChildren();
  }

  async #startEdit(onlyPainted, place) {
    if (!this.paint.isTouched) {
      this.hub.notify('Paint something, or leave a part free, first.');
      return;
    }
    const mask = await base64Of(await this.paint.mask(onlyPainted));
    await this.#start({ image: await this.paint.blob(), mask, start: JSON.stringify(asked(place)) });
  }

  // --- the job

  /** @param {{ image: Blob, mask?: string | null, start?: string | null }} given */
  async #start({ image, mask = null, start = null }) {
    await this.#cancel();
    this.empty.hidden = true;
    this.note.hidden = true;
    const whole = (field, fallback) => String(Math.round(Number(field.value)) || fallback);
    const fields = {
      file: image,
      method: mask ? 'optimise' : this.method.value,
      restarts: whole(this.restarts, RESTARTS),
      steps: whole(this.steps, STEPS),
      seed: '0',
      mask,
      start,
    };
    try {
      const { job } = await this.hub.client.postForm('/project', fields);
      this.job = job;
    } catch (problem) {
      this.#refuse(problem);
      return;
    }
    this.progress.hidden = false;
    this.#look(this.job);
  }

  #refuse(problem) {
    this.progress.hidden = true;
    this.note.hidden = false;
    setText(this.note, problem.text ?? String(problem));
  }

  async #look(job) {
    if (job !== this.job) return;
    let answer;
    try {
      answer = await this.hub.client.get(`/project/${encodeURIComponent(job)}`);
    } catch (problem) {
      if (job !== this.job) return;
      this.job = null;
      this.#refuse(problem);
      return;
    }
    if (job !== this.job) return;
    const running = ['queued', 'waiting', 'starting', 'running'].includes(answer.state);
    this.bar.value = answer.progress ?? 0;
    const parts = [percent(answer.progress)];
    if (answer.rate) parts.push(`${short(answer.rate)} steps/s`);
    if (running && answer.eta_s > 0) parts.push(`done in ${clock(answer.eta_s + 0.9)}`);
    setText(this.facts, parts.join(' · '));
    if (running) this.timer = setTimeout(() => this.#look(job), LOOK_MS);
    else {
      this.job = null;
      this.progress.hidden = true;
    }
    if (answer.state === 'failed') this.#refuse({ text: answer.note || 'The search failed.' });
    await this.#show(answer);
  }

  async #show(answer) {
    const { best, encoder, original, nearest = [], note } = answer;
    const found = best ?? encoder;
    if (note) {
      this.note.hidden = false;
      setText(this.note, note);
    }
    if (!found) return;
    this.place = found.place;
    this.results.hidden = false;
    const images = { original, encoder: encoder?.image, best: best?.image, map: found.map };
    for (const { name, picture, element, caption } of Object.values(this.figures)) {
      element.hidden = !images[name];
      if (!images[name]) continue;
      picture.show(await imageOf(images[name]));
      const error = { encoder: encoder?.error, best: best?.error }[name];
      const title = caption.textContent.split(', ')[0];
      setText(caption, error === undefined ? title : `${title}, error ${fixed(error, 3)}`);
    }
    await this.#showNearest(nearest.slice(0, NEAREST));
  }

  async #showNearest(nearest) {
    const bitmaps = await imagesOf(nearest.map(({ image }) => image));
    const figures = bitmaps.map((bitmap, k) => {
      const { distance, label } = nearest[k];
      const said = [label ?? null, short(distance)].filter((part) => part !== null && part !== '');
      const picture = new Picture('a training picture');
      picture.show(bitmap);
      return el(
        'figure',
        { class: 'gx-figure' },
        picture.canvas,
        el('figcaption', { text: said.join(' · ') }),
      );
    });
    const heading = el('p', {
      class: 'gx-hint',
      text: 'Nearest training pictures: has it memorised them?',
    });
    this.neighbours.replaceChildren(
      ...(figures.length ? [heading, el('div', { class: 'gx-figures' }, figures)] : []),
    );
  }

  async #cancel() {
    clearTimeout(this.timer);
    const { job } = this;
    this.job = null;
    this.progress.hidden = true;
    if (!job) return;
    await this.hub.client.delete(`/project/${encodeURIComponent(job)}`).catch(() => {}); // it may be over
  }

  destroy() {
    this.#cancel();
    this.input.destroy();
  }
}
