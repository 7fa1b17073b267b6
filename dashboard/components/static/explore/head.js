// The head of the Explore view: which model, what it is, how far it is; and the way to others.

import { el, icon, popup, setText } from '../base/dom.js';
import { short, thousands } from '../base/format.js';
import { markdown } from '../base/markdown.js';
import { address, getJson } from '../base/request.js';

const EXPLORED = ['points', 'images']; // kinds of models with a latent; the others translate

export class ExploreHead {
  /** `hub`: {model, step, id, open(id), notify, failed}. */
  constructor(hub) {
    this.hub = hub;
    const { model } = hub;
    this.choose = el(
      'button',
      {
        type: 'button',
        class: 'gx-model',
        title: 'Choose another model',
        'aria-haspopup': 'dialog',
        on: { click: () => this.#list() },
      },
      el('h2', { class: 'gv-name', text: model.title }),
      icon('down'),
    );
    this.kind = el('span', { class: 'gv-kind', title: model.sentence });
    this.facts = el('span', { class: 'gv-facts gv-number' });
    this.state = el('span', { class: 'gv-state', role: 'status', hidden: true });
    this.about = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'About',
      title: 'Data, licence, size and figures of this model',
      on: { click: () => this.#about() },
    });
    this.element = el(
      'header',
      { class: 'gx-head' },
      this.choose,
      this.kind,
      this.facts,
      this.state,
      el('span', { class: 'gx-push' }),
      this.about,
    );
    const [c, h, w] = model.shape;
    const size = model.kind === 'points' ? 'points' : `${w} × ${h}${c === 1 ? ', grey' : ''}`;
    setText(this.kind, `${model.gan} · ${model.data} · ${size}`);
    this.update();
  }

  /** The step, and whether it trains. */
  update() {
    const { model, step } = this.hub;
    setText(this.facts, `step ${thousands(step)}`);
    this.state.hidden = model.source !== 'run';
    const said = model.live ? 'training now' : 'not training';
    if (this.state.dataset.said === said) return;
    this.state.dataset.said = said;
    this.state.title = model.live ? 'The pictures follow its newest checkpoint' : 'At its newest checkpoint';
    this.state.replaceChildren(icon(model.live ? 'play' : 'stop'), said);
  }

  // --- other models

  async #list() {
    const list = el('div', { class: 'gx-models' }, el('p', { class: 'gv-muted', text: 'Looking …' }));
    const close = popup(this.choose, list, { label: 'models' });
    try {
      const models = (await getJson('/api/models')).filter(({ kind }) => EXPLORED.includes(kind));
      list.replaceChildren(...models.map((model) => this.#card(model, close)), this.#all(close));
    } catch (problem) {
      list.replaceChildren(el('p', { text: problem.text ?? String(problem) }));
    }
  }

  #card(model, close) {
    const strip = address(`/api/models/${encodeURIComponent(model.id)}/strip.png?step=${model.step}`).href;
    const isOpen = model.id === this.hub.id;
    return el(
      'button',
      {
        type: 'button',
        class: 'gx-card',
        'aria-current': isOpen ? 'true' : null,
        on: {
          click: () => {
            close();
            if (!isOpen) this.hub.open(model.id);
          },
        },
      },
      el('img', { src: strip, alt: '', loading: 'lazy', class: model.kind === 'points' ? 'gx-dots' : null }),
      el('strong', { text: model.title }),
      el('span', {
        class: 'gv-muted',
        text: [model.gan, model.data, model.live ? 'training now' : `step ${thousands(model.step)}`].join(
          ' · ',
        ),
      }),
    );
  }

  #all(close) {
    const click = () => {
      close();
      this.hub.open(null);
    };
    return el('button', { type: 'button', class: 'gv-item', text: 'All models', on: { click } });
  }

  #about() {
    const { model } = this.hub;
    const facts = [
      ['Data', model.data],
      ['Step', thousands(this.hub.step)],
      ['Licence', model.licence],
      ['File', model.bytes ? `${short(model.bytes / 1e6)} MB` : ''],
      ...Object.entries(model.networks ?? {}).map(([name, count]) => [
        name[0].toUpperCase() + name.slice(1),
        `${thousands(count)} parameters`,
      ]),
      ...Object.entries(model.card ? {} : (model.figures ?? {})).map(([name, value]) => [
        name.replaceAll('_', ' '),
        typeof value === 'number' ? short(value) : String(value),
      ]),
    ].filter(([, value]) => value);
    popup(
      this.about,
      el(
        'div',
        { class: 'gx-about' },
        !model.card && el('strong', { text: model.title }),
        !model.card && el('p', { text: model.sentence }),
        el(
          'dl',
          {},
          facts.flatMap(([name, value]) => [el('dt', { text: name }), el('dd', { text: value })]),
        ),
        model.card && el('div', { class: 'gx-said' }, markdown(model.card)),
      ),
      { label: 'about this model' },
    );
  }
}
