// The drawing of a game: its parts as buttons, arrows between them; the keyboard walks along the arrows.

/** @import { Game, GamePhase, GameTurn } from '../base/records.js' */

import { el, popup } from '../base/dom.js';
import { layOut } from './game_graph.js';
import { gradientOf, widthOf } from './game_motion.js';
import { GameNodeView, said } from './game_node.js';

const SVG = 'http://www.w3.org/2000/svg';
const LESSONS = { loss: ['1-the-game', 'the game and its losses'] };

export class GamePlan {
  /** @param {Game} game */
  constructor(game) {
    this.game = game;
    this.plot = layOut(game);
    /** @type {GameTurn | undefined} */
    this.turn = undefined;
    const { width, height, places, ways } = this.plot;
    this.svg = document.createElementNS(SVG, 'svg');
    this.svg.setAttribute('width', String(width));
    this.svg.setAttribute('height', String(height));
    this.svg.setAttribute('aria-hidden', 'true');
    this.lines = ways.map((way) => ({
      ...way,
      line: drawn(way.path, 'gv-game-way'),
      back: drawn(way.path, 'gv-game-back'),
    }));
    this.svg.append(
      arrowhead(),
      ...this.lines.map(({ back }) => back),
      ...this.lines.map(({ line }) => line),
    );
    this.nodes = new Map(game.nodes.map((node) => [node.id, new GameNodeView(node)]));
    for (const { id, x, y, width: wide, height: high } of places.values()) {
      const { element } = /** @type {GameNodeView} */ (this.nodes.get(id));
      Object.assign(element.style, {
        left: `${x}px`,
        top: `${y}px`,
        width: `${wide}px`,
        height: `${high}px`,
      });
      element.addEventListener('click', () => this.#about(id));
    }
    this.element = el(
      'div',
      {
        class: 'gv-game-plan',
        role: 'group',
        'aria-label': `The game of ${this.players.join(', ')}. The arrow keys walk along its arrows.`,
      },
      this.svg,
      [...this.nodes.values()].map(({ element }) => element),
    );
    this.element.style.width = `${width}px`;
    this.element.style.height = `${height}px`;
    this.element.addEventListener('keydown', (event) => this.#walk(event));
    this.element.addEventListener('focusin', ({ target }) => this.#current(idOf(target)));
    this.#current(game.nodes[0]?.id);
  }

  /** Titles of all networks. */
  get players() {
    return [...new Set(this.game.nodes.filter(({ kind }) => kind === 'network').map(({ title }) => title))];
  }

  /** Titles of the networks that learn in `phase`. @param {GamePhase} phase */
  learning({ networks }) {
    const learn = this.game.nodes.filter(
      ({ kind, network = '' }) => kind === 'network' && networks.includes(network),
    );
    return [...new Set(learn.map(({ title }) => title))];
  }

  /** The title of a phase's loss. @param {GamePhase} phase */
  lossOf({ loss }) {
    return this.game.nodes.find(({ id }) => id === loss)?.title ?? 'loss';
  }

  /** The arrows that are used in the phase called `name`. @param {string} name */
  waysOf(name) {
    return this.lines.filter(({ edge }) => edge.phases.includes(name));
  }

  /**
   * Shows `phase` with what was seen in its `turn`.
   * @param {GamePhase} phase
   * @param {GameTurn | undefined} turn
   */
  show(phase, turn) {
    this.turn = turn;
    const used = new Set(this.waysOf(phase.name).flatMap(({ edge }) => [edge.source, edge.target]));
    const players = new Set();
    for (const view of this.nodes.values()) {
      const { id, kind, network = '', player } = view.node;
      const learns = kind === 'network' && phase.networks.includes(network);
      if (learns) players.add(player);
      view.update(turn, { learns, is: used.has(id) });
      view.describe(this.#titles(this.#beside(id, true)), this.#titles(this.#beside(id, false)));
    }
    this.element.dataset.turn = players.size === 1 ? [...players][0] || 'none' : 'none';
    for (const { edge, line, back } of this.lines) {
      const is = edge.phases.includes(phase.name);
      line.classList.toggle('gv-game-apart', !is);
      back.style.strokeWidth = String(is ? widthOf(gradientOf(edge, turn)) : 0);
    }
  }

  /** While a turn is played: its stage, or none. @param {string} stage */
  stage(stage) {
    if (stage) this.element.dataset.stage = stage;
    else delete this.element.dataset.stage;
  }

  /** Hides what nodes beyond `column` hold; null: nothing. @param {number | null} column */
  light(column) {
    for (const [id, { element }] of this.nodes) {
      const own = this.plot.places.get(id)?.column ?? 0;
      element.classList.toggle('gv-game-dark', column !== null && own > column + 0.02);
    }
  }

  // the nodes that arrows join with `id`: those before it, or those behind it
  #beside(id, before) {
    const [own, other] = before ? ['target', 'source'] : ['source', 'target'];
    return this.game.edges.filter((edge) => edge[own] === id).map((edge) => edge[other]);
  }

  #titles(ids) {
    return ids.map((id) => this.nodes.get(id)?.node.title ?? id);
  }

  // the one that Tab comes to
  #current(id) {
    if (id) for (const [name, { element }] of this.nodes) element.tabIndex = name === id ? 0 : -1;
  }

  #walk(event) {
    const id = idOf(event.target);
    const place = this.plot.places.get(id ?? '');
    if (!id || !place) return;
    const column = [...this.plot.places.values()].filter((other) => other.column === place.column);
    column.sort((a, b) => a.y - b.y);
    const at = column.indexOf(place);
    const next = {
      ArrowRight: () => this.#beside(id, false)[0],
      ArrowLeft: () => this.#beside(id, true)[0],
      ArrowDown: () => column[at + 1]?.id,
      ArrowUp: () => column[at - 1]?.id,
      Home: () => this.game.nodes[0].id,
      End: () => this.game.nodes.at(-1)?.id,
    }[event.key];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    this.nodes.get(next() ?? '')?.element.focus();
  }

  #about(id) {
    const view = this.nodes.get(id);
    if (!view) return;
    const [lesson, words] = LESSONS[view.node.kind] ?? [];
    const address = lesson && new URL(`learn?lesson=${lesson}`, document.baseURI).href;
    const link = address ? el('p', {}, el('a', { href: address, text: `Lesson: ${words}` })) : null;
    const close = el('button', { type: 'button', class: 'gv-button gv-small', text: 'Close' });
    const content = el('div', {}, view.about(this.turn, link), close);
    close.addEventListener('click', popup(view.element, content, { label: said(view.node.title) }));
    close.focus();
  }
}

const idOf = (target) => (target instanceof HTMLElement ? target.dataset.id : undefined);

function drawn(path, name) {
  const made = document.createElementNS(SVG, 'path');
  made.setAttribute('d', path);
  made.setAttribute('class', name);
  return made;
}

function arrowhead() {
  const marker = document.createElementNS(SVG, 'marker');
  const size = { markerWidth: '8', markerHeight: '8', refX: '0', refY: '4', markerUnits: 'userSpaceOnUse' };
  for (const [name, value] of Object.entries({ id: 'gv-game-head', orient: 'auto', ...size }))
    marker.setAttribute(name, value);
  marker.append(drawn('M0,0L8,4L0,8z', 'gv-game-head'));
  const definitions = document.createElementNS(SVG, 'defs');
  definitions.append(marker);
  return definitions;
}
