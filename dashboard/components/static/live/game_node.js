// One part of a drawn game: a button that shows what it holds of the sample that is followed.

/** @import { GameNode, GameTurn, Seen } from '../base/records.js' */

import { el, setText } from '../base/dom.js';
import { fixed, short } from '../base/format.js';
import { isPicture } from './game_graph.js';

const SHOWN = 2; // numbers that are written; more are drawn as bars
const BARS = 16;
const SVG = 'http://www.w3.org/2000/svg';
const KINDS = {
  latent: 'noise',
  code: 'a code',
  label: 'a label',
  data: 'data',
  weights: 'weights',
  network: 'a network',
  value: 'what a network gives',
  loss: 'a loss',
};

/** A title with its indices: "L_D" as L with a small D below. @param {string} title */
export function titled(title) {
  const index = title.startsWith('L_') ? /_(.+)/ : /_([A-Za-z0-9]+)/;
  return title
    .split(index)
    .map((part, at) => (at % 2 ? el('sub', { text: part.replaceAll('_', ' ') }) : part))
    .filter(Boolean);
}

/** A title as it is said: "L D". @param {string} title */
export const said = (title) => title.replaceAll('_', ' ');

export class GameNodeView {
  /** @param {GameNode} node */
  constructor(node) {
    this.node = node;
    /** @type {Seen | undefined} */
    this.seen = undefined;
    this.words = '';
    this.picture = isPicture(node) ? el('img', { class: 'gv-game-picture', alt: '', hidden: true }) : null;
    this.number = el('span', { class: 'gv-game-number gv-number' });
    this.bars = document.createElementNS(SVG, 'svg');
    this.bars.setAttribute('class', 'gv-game-bars');
    this.bars.setAttribute('aria-hidden', 'true');
    this.bars.toggleAttribute('hidden', true);
    this.element = el(
      'button',
      {
        type: 'button',
        class: 'gv-game-node',
        title: node.sentence,
        tabindex: '-1',
        'aria-haspopup': 'dialog',
        data: { kind: node.kind, player: node.player || 'none', id: node.id },
      },
      el('b', { class: 'gv-game-title' }, titled(node.title)),
      this.picture,
      this.bars,
      this.number,
    );
  }

  /**
   * Shows what it is in `turn`; `learns`: whether its network moves there, `is`: whether it takes part at all.
   * @param {GameTurn | undefined} turn
   * @param {{ learns: boolean, is: boolean }} part
   */
  update(turn, { learns, is }) {
    const { node, element } = this;
    element.classList.toggle('gv-game-learns', learns);
    element.classList.toggle('gv-game-apart', !is);
    this.seen = is ? turn?.values[node.id] : undefined;
    if (node.kind === 'loss') this.#say(is ? fixed(turn?.loss, 3) : '');
    else if (node.kind === 'network') this.#say(is ? (learns ? 'learns' : 'held') : '');
    else this.#show(this.seen);
  }

  /** @param {Seen | undefined} seen */
  #show(seen) {
    if (this.picture) {
      this.picture.hidden = !seen?.png;
      const source = seen?.png ? `data:image/png;base64,${seen.png}` : '';
      if (seen?.png && this.picture.src !== source) this.picture.src = source;
      this.words = seen?.png ? 'a picture' : '';
      return;
    }
    const numbers = seen?.numbers ?? [];
    const { node } = this;
    const isAnswer = node.judges && seen?.score !== undefined;
    const many = numbers.length > SHOWN;
    this.bars.toggleAttribute('hidden', !many);
    if (many) {
      this.#draw(numbers);
      setText(this.number, '');
      this.words = `${numbers.slice(0, 4).map(short).join(', ')} and so on`;
    } else if (isAnswer && seen.score !== seen.numbers[0])
      this.#say(fixed(seen.score, 3), `score ${fixed(seen.score, 3)}, logit ${fixed(numbers[0], 2)}`);
    else this.#say(numbers.map(node.kind === 'label' ? short : (value) => fixed(value, 2)).join(', '));
  }

  #say(text, words = text) {
    setText(this.number, text);
    this.words = words;
  }

  // up to sixteen numbers as bars from the middle line
  #draw(numbers) {
    const most = Math.max(1e-9, ...numbers.map((value) => Math.abs(value ?? 0)));
    const bars = numbers.slice(0, BARS);
    this.bars.setAttribute('viewBox', `0 0 ${BARS * 6} 24`);
    if (this.bars.childElementCount !== bars.length)
      this.bars.replaceChildren(...bars.map(() => document.createElementNS(SVG, 'rect')));
    bars.forEach((value, at) => {
      const bar = this.bars.children[at];
      const height = Math.max(0.5, (Math.abs(value ?? 0) / most) * 11.5);
      bar.setAttribute('x', String(at * 6 + 1));
      bar.setAttribute('width', '4');
      bar.setAttribute('height', String(height));
      bar.setAttribute('y', String((value ?? 0) >= 0 ? 12 - height : 12));
    });
  }

  /** What a screen reader says of it; `from` and `to`: titles of what it is made of and of what takes it. */
  describe(from, to) {
    const about = [
      `${said(this.node.title)}, ${KINDS[this.node.kind]}`,
      this.words,
      from.length ? `from ${from.map(said).join(', ')}` : '',
      to.length ? `to ${to.map(said).join(', ')}` : '',
    ];
    this.element.setAttribute('aria-label', about.filter(Boolean).join('; '));
  }

  /**
   * What stands behind it: its sentence, its numbers in `turn`, the line of code that makes it.
   * @param {GameTurn | undefined} turn
   * @param {HTMLElement | null} lesson
   */
  about(turn, lesson) {
    const { node, seen } = this;
    const moved = node.kind === 'network' ? turn?.moved[node.network ?? ''] : undefined;
    const gradient = turn?.gradients[node.id];
    const facts = [
      node.shape.length ? ['shape of one sample', node.shape.join(' × ')] : null,
      seen?.score !== undefined ? ['score', short(seen.score)] : null,
      seen?.numbers.length ? [node.judges ? 'logit' : 'numbers', seen.numbers.map(short).join(', ')] : null,
      node.kind === 'loss' && turn ? ['of this batch', short(turn.loss)] : null,
      gradient !== undefined && node.kind !== 'network'
        ? ['norm of the loss’s gradient by it', short(gradient)]
        : null,
      moved ? ['norm of its gradient', short(moved.gradient)] : null,
      moved ? ['norm of its step', short(moved.step)] : null,
      moved ? ['norm of its weights', short(moved.weights)] : null,
    ];
    return el(
      'div',
      { class: 'gv-game-about' },
      el('h3', {}, titled(node.title)),
      el('p', { text: node.sentence }),
      el(
        'dl',
        {},
        facts
          .filter((fact) => fact !== null)
          .flatMap(([name, value]) => [el('dt', { text: name }), el('dd', { text: value })]),
      ),
      node.code
        ? [
            el('p', { class: 'gv-game-file', text: `${node.code.file}, line ${node.code.line}` }),
            el('pre', { tabindex: '0', 'aria-label': 'its code' }, el('code', { text: node.code.text })),
          ]
        : null,
      lesson,
    );
  }
}
