// The Ask D tab: what the discriminator thinks of a picture, among what it thinks of real and generated ones,
// and which pixels its answer hangs on.

import { el, setText } from '../base/dom.js';
import { imagesOf } from './client.js';
import { PictureInput } from './input.js';
import { asked } from './place.js';
import { histogram } from './plot.js';
import { Picture } from './sheet.js';
import { fixed, percent } from '../base/format.js';

const CLASSES = 5; // of the likeliest, shown

export class AskTab {
  static title = 'Ask D';
  static help = 'How real does the discriminator find a picture, and why?';
  static images = true;

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    this.image = null;
    this.back = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'The selected sample',
      'aria-pressed': 'true',
      on: { click: () => this.#use(null) },
    });
    this.input = new PictureInput(hub, (blob, name) => this.#use(blob, name), [this.back]);
    this.seen = new Picture('the picture as D sees it');
    this.why = new Picture('what the answer depends on');
    this.verdict = el('p', { class: 'gx-verdict-large', 'aria-live': 'polite' });
    this.meaning = el('p', { class: 'gx-hint' });
    this.classes = el('p', { class: 'gx-hint' });
    this.note = el('p', { class: 'gx-hint', hidden: true });
    this.chart = el('canvas', {
      class: 'gx-scores',
      role: 'img',
      'aria-label': 'scores of real and generated data',
    });
    this.overlay = el('div', { class: 'gx-overlay' }, this.why.canvas);
    this.element = el(
      'div',
      { class: 'gx-tab' },
      this.input.element,
      this.note,
      el(
        'div',
        { class: 'gx-figures' },
        figure(this.seen.canvas, 'as D sees it', ''),
        figure(
          this.overlay,
          'green: brighter is more real',
          'Saliency, the gradient of the score. Green: more light here would raise it; purple: lower it.',
        ),
        el('div', { class: 'gx-answer' }, this.verdict, this.classes, this.meaning),
      ),
      this.chart,
      el(
        'p',
        { class: 'gx-legend' },
        el('span', { class: 'gv-key gv-key-real' }),
        ' real data (filled) ',
        el('span', { class: 'gv-key gv-key-fake' }),
        ' generated (dashed) ',
        el('span', { text: '▼ this picture' }),
      ),
    );
  }

  #use(blob, name) {
    this.image = blob;
    this.name = name;
    this.asked_for = null;
    this.back.setAttribute('aria-pressed', String(!blob));
    this.hub.refreshSoon();
  }

  async rest() {
    const { hub, image } = this;
    const shows = image ?? JSON.stringify([asked(hub.place), hub.step]);
    if (shows === this.asked_for) return;
    this.note.hidden = true;
    let answer;
    try {
      answer = image
        ? await hub.client.postForm('/score', { file: image })
        : await hub.client.postJson('/score', { places: [asked(hub.place)] }, 'ask');
    } catch (problem) {
      if (!image) throw problem;
      this.asked_for = shows;
      this.#say(problem.text ?? String(problem));
      return;
    }
    this.asked_for = shows;
    if (answer.note) this.#say(answer.note);
    await this.#show(answer);
  }

  #say(text) {
    this.note.hidden = false;
    setText(this.note, text);
  }

  async #show(answer) {
    const { hub } = this;
    const [score] = answer.scores;
    setText(this.verdict, `${answer.label} = ${fixed(score, 3)}`);
    const undecided = answer.midpoint === null ? '' : ` ${fixed(answer.midpoint, 3)}: undecided.`;
    setText(
      this.meaning,
      answer.probability
        ? `The probability, by D, of ${answer.real_kind}.${undecided}`
        : `It has no scale of its own: compare with the real and generated data below.${undecided}`,
    );
    this.#showClasses(answer.classes?.[0]);
    this.chart.hidden = !answer.real && !answer.fake;
    histogram(this.chart, { real: answer.real, fake: answer.fake, scores: answer.scores, theme: hub.theme });
    const [seen] = await imagesOf([answer.images[0]]);
    this.seen.show(seen);
    if (!answer.saliency?.[0]) return;
    const [map] = await imagesOf([answer.saliency[0]]);
    this.why.show(seen);
    this.why.canvas.getContext('2d').drawImage(map, 0, 0, seen.width, seen.height);
  }

  #showClasses(shares) {
    this.classes.hidden = !shares;
    if (!shares) return;
    const labels = this.hub.model.codes.find((code) => code.labels.length)?.labels ?? [];
    const sorted = shares.map((share, k) => [share, labels[k] ?? k]).sort((a, b) => b[0] - a[0]);
    const said = sorted.slice(0, CLASSES).map(([share, label]) => `${label} ${percent(share)}`);
    setText(this.classes, `As a classifier it sees: ${said.join(', ')}.`);
  }

  destroy() {
    this.input.destroy();
  }
}

function figure(content, title, hint) {
  return el('figure', { class: 'gx-figure' }, content, el('figcaption', { text: title, title: hint }));
}
