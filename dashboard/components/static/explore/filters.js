// The Filters tab: the first layer's filters, and what each layer makes of the selected picture, trained
// beside untrained.

import { el, setText } from '../base/dom.js';
import { imagesOf } from './client.js';
import { asked } from './place.js';
import { Picture } from './sheet.js';

const NETWORKS = { discriminator: 'Discriminator', generator: 'Generator' };

export class FiltersTab {
  static title = 'Filters';
  static help = 'What the layers of D and G look for, trained beside untrained.';
  static images = true;

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    const kept = Object.entries(NETWORKS).filter(([name]) => hub.model.networks?.[name]); // some come without D
    this.network = kept[0][0];
    this.buttons = kept.map(([value, text]) =>
      el('button', {
        type: 'button',
        value,
        text,
        'aria-pressed': String(value === this.network),
        on: { click: () => this.#choose(value) },
      }),
    );
    this.facts = el('span', { class: 'gv-muted gx-hint' });
    this.list = el('div', { class: 'gx-layers' });
    this.element = el(
      'div',
      { class: 'gx-tab' },
      el(
        'div',
        { class: 'gx-row' },
        el('div', { class: 'gv-segments', role: 'group' }, this.buttons),
        this.facts,
      ),
      el(
        'div',
        { class: 'gx-layer gx-layer-head' },
        el('span'),
        el('span', { text: 'trained' }),
        el('span', { text: 'untrained' }),
      ),
      this.list,
    );
  }

  #choose(network) {
    this.network = network;
    for (const button of this.buttons) button.setAttribute('aria-pressed', String(button.value === network));
    this.hub.refreshSoon();
  }

  async rest() {
    const { hub, network } = this;
    const shows = JSON.stringify([network, asked(hub.place), hub.step]);
    if (shows === this.shows) return;
    const answer = await hub.client.postJson('/features', { place: asked(hub.place), network }, 'features');
    this.shows = shows;
    const count = hub.model.networks?.[network];
    setText(this.facts, count ? `${count.toLocaleString('en-US')} parameters` : '');
    const rows = answer.layers.map((layer, number) => ({
      title: `${NETWORKS[network].toLowerCase()} layer ${number + 1}`,
      hint: layer.shape.join(' × '),
      images: [layer.maps, layer.untrained],
    }));
    if (answer.filters)
      rows.unshift({
        title: network === 'generator' ? 'output filters' : 'input filters',
        hint: `weights of the ${network === 'generator' ? 'last' : 'first'} layer`,
        images: [answer.filters.trained, answer.filters.untrained],
      });
    this.list.replaceChildren(...(await Promise.all(rows.map(showRow))));
  }
}

async function showRow({ title, hint, images }) {
  const given = images.filter(Boolean);
  const bitmaps = await imagesOf(given);
  const pictures = bitmaps.map((bitmap, k) => {
    const picture = new Picture(`${title}, ${k ? 'untrained' : 'trained'}`);
    picture.show(bitmap);
    return picture.canvas;
  });
  return el(
    'div',
    { class: 'gx-layer' },
    el('div', {}, el('strong', { text: title }), el('span', { class: 'gv-muted', text: hint })),
    pictures,
  );
}
