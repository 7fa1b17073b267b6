// The selected sample, large: the picture that follows the finger. What D says of it, and ways to take it
// along.

import { el, popup, setText } from '../base/dom.js';
import { save } from './client.js';
import { Latest } from './latest.js';
import { asked, inWords } from './place.js';
import { histogram } from './plot.js';
import { Picture } from './sheet.js';
import { PointsMap } from './points.js';
import { copyText } from './share.js';
import { fixed } from '../base/format.js';
import { address } from '../base/request.js';

const SMALL = 210; // CSS pixels of the large picture on a phone, where it stays in sight

export class Selected {
  /** `hub`: {model, client, place, step, theme, stats, isPoints, drawn(z, place), failed(problem), ...}. */
  constructor(hub) {
    this.hub = hub;
    this.latest = new Latest(
      (place) => this.#draw(place),
      (problem) => hub.failed(problem),
    );
    this.picture = hub.isPoints
      ? new PointsMap(hub, 'the selected sample')
      : new Picture('the selected sample');
    this.where = el('p', { class: 'gx-where', 'aria-live': 'polite' });
    this.by = el('p', { class: 'gx-by', tabindex: 0, hidden: hub.isPoints });
    this.#tellBy(false);
    this.said = el('p', { class: 'gx-says' });
    this.chart = el('canvas', { class: 'gx-histogram', role: 'img', 'aria-label': 'scores of D' });
    this.verdict = el(
      'button',
      {
        type: 'button',
        class: 'gx-verdict',
        title: 'More in Ask D',
        hidden: true,
        on: { click: () => hub.openTab('ask') },
      },
      this.said,
      this.chart,
    );
    this.large = el('div', { class: 'gx-large' }, this.picture.canvas);
    this.element = el(
      'section',
      { class: 'gx-selected', 'aria-label': 'the selected sample' },
      this.large,
      this.where,
      this.by,
      this.#makeButtons(),
      this.verdict,
    );
  }

  #makeButtons() {
    const button = (text, title, click) =>
      el('button', { type: 'button', class: 'gv-button gv-small', text, title, on: { click } });
    const { hub } = this;
    this.code = button(
      'Code',
      'Code that makes the same picture, in Python, with curl or on the command line',
      () => this.#showCode(),
    );
    return el(
      'div',
      { class: 'gx-takes' },
      button('PNG', 'Download this picture', () => this.#savePng()),
      button('z', 'Download the latent and where it is, as JSON', () => this.#saveLatent()),
      this.code,
      button('Link', 'Copy the address of exactly this', (event) => hub.share(event.target)),
      hub.mayDrawHere &&
        button('Page', 'Download a page with this model inside: it needs no server', () => this.#savePage()),
      button('Keep', 'Put it aside as a key sample for Interpolate', () => hub.keep(hub.place)),
    );
  }

  /** Sizes the large picture: whole multiples of its pixels where there is room. */
  fit() {
    const { hub, large } = this;
    const room = hub.isNarrow ? SMALL : large.clientWidth;
    if (!room || hub.isPoints) return;
    const times = Math.floor(room / hub.native);
    this.picture.canvas.style.width = times ? `${times * hub.native}px` : '100%';
  }

  /** Whether a picture is on its way. */
  get isBusy() {
    return this.latest.busy;
  }

  /** Asks for the picture of `place`; whoever asks later wins. */
  ask(place) {
    this.latest.ask(place);
  }

  async #draw(place) {
    const { hub } = this;
    hub.stats.asked += 1;
    const { z, step, point, picture, isHere = false } = await hub.client.draw(place);
    if (this.picture instanceof PointsMap) hub.point = point;
    else this.picture.show(picture);
    this.shown = { place, z, step };
    hub.stats.shown += 1;
    hub.stats.here += Number(isHere);
    this.#tellBy(isHere);
    hub.stats.place = place;
    setText(this.where, inWords(place));
    if (this.picture instanceof PointsMap) this.picture.follow();
    hub.drawn(z, place);
  }

  #tellBy(isHere) {
    const { refused } = this.hub.client.local;
    setText(this.by, isHere ? 'drawn by this browser' : 'drawn by the server');
    this.by.title = isHere
      ? 'This browser runs the generator itself (ONNX, weights in half precision): the picture is the ' +
        "server's within one grey level of 255."
      : refused
        ? `The server draws, because here it is not possible: ${refused}`
        : 'Once a slider moves, this browser fetches the generator and draws by itself, if it can.';
  }

  /** What D says of it, once the finger rests. */
  async rest() {
    const { hub } = this;
    const shows = JSON.stringify([asked(hub.place), hub.step]);
    if (this.picture instanceof PointsMap) await this.picture.rest();
    if (this.judged === shows) return;
    const answer = await hub.client.postJson('/score', { places: [asked(hub.place)] }, 'score');
    this.judged = shows;
    this.verdict.hidden = false;
    setText(
      this.said,
      `D says ${answer.label === 'D(x)' ? '' : `${answer.label} `}${fixed(answer.scores[0])}`,
    );
    this.chart.hidden = !answer.real && !answer.fake;
    histogram(this.chart, { real: answer.real, fake: answer.fake, scores: answer.scores, theme: hub.theme });
  }

  // --- to take along

  async #savePng() {
    if (!this.shown) return;
    const name = `${this.#name(this.shown.place)}.png`;
    try {
      save(await this.hub.client.png([this.shown.place], 1), name);
    } catch (problem) {
      this.hub.failed(problem);
    }
  }

  #savePage() {
    const { client, model } = this.hub;
    this.hub.notify('The page is being written: some seconds.');
    const link = el('a', {
      href: address(client.path('/export?to=html')).href,
      download: `${model.id}.html`,
    });
    link.click();
  }

  #saveLatent() {
    if (!this.shown) return;
    const { place, z, step } = this.shown;
    const said = { model: this.hub.model.id, step, place: asked(place), z };
    save(
      new Blob([JSON.stringify(said, null, 1)], { type: 'application/json' }),
      `${this.#name(place)}.json`,
    );
  }

  #name(place) {
    return `${this.hub.model.id}-${inWords(place)}`.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80);
  }

  async #showCode() {
    const { hub } = this;
    const text = el('pre', { class: 'gx-code', tabindex: 0 });
    const kinds = { python: 'Python', curl: 'curl', cli: 'Command line' };
    const show = async (kind) => {
      for (const button of choices.children)
        button.setAttribute('aria-pressed', String(button.value === kind));
      try {
        const query = new URLSearchParams({ place: JSON.stringify(asked(hub.place)), as: kind });
        text.textContent = await hub.client.text(`/snippet?${query}`);
      } catch (problem) {
        text.textContent = problem.text ?? String(problem);
      }
    };
    const choices = el(
      'div',
      { class: 'gv-segments' },
      Object.entries(kinds).map(([value, label]) =>
        el('button', { type: 'button', value, text: label, on: { click: () => show(value) } }),
      ),
    );
    const copy = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Copy',
      on: {
        click: async () => {
          if (await copyText(text.textContent, copy, 'code')) setText(copy, 'Copied');
        },
      },
    });
    popup(
      this.code,
      el(
        'div',
        { class: 'gx-snippet' },
        el('div', { class: 'gx-row' }, choices, navigator.clipboard && copy),
        text,
      ),
      {
        label: 'code that makes this picture',
      },
    );
    await show('python');
  }
}
