// The game, drawn: what each player is given and gives, with the numbers of one sample of the batch in them.

/** @import { Game, GamePhase, GameTurn, Turns } from '../base/records.js' */
/** @import { RunState } from './run.js' */

import { el, remember, remembered, setText } from '../base/dom.js';
import { short, thousands } from '../base/format.js';
import { Motion } from './game_motion.js';
import { said, titled } from './game_node.js';
import { GamePlan } from './game_plan.js';
import { termsTable } from './game_terms.js';

const HELP = 'What each network is given and gives, with the numbers of one sample in them.';
const SLOWLY =
  'The turns of an iteration in slow motion: forward, the loss, its gradient back, the weights move.';
const LEGEND =
  'Colour along an arrow: the gradient of the loss, which comes back against it. 1.7 px wider is ten times as large; where there is no colour, none comes.';

export class GamePanel {
  /**
   * @param {RunState} run
   * @param {(sample: number | null) => void} follow somebody looks at a sample, or nobody any more
   */
  constructor(run, follow) {
    this.run = run;
    this.follow = follow;
    /** @type {GamePlan | null} */
    this.plan = null;
    /** @type {Map<string, GameTurn>} */
    this.turns = new Map(); // the newest of each phase
    this.number = 0;
    this.sample = 0;
    this.phase = '';
    /** @type {string[]} */
    this.queue = []; // phases that are still to be played
    this.loops = false;
    this.motion = new Motion({
      say: (stage) => this.#say(stage),
      lit: (column) => this.plan?.light(column),
      ended: () => this.#next(),
    });
    this.#build();
    const asked = new URLSearchParams(location.search).get('game') === 'open';
    this.element.open = asked || remembered('game', { open: false }).open;
    this.button.setAttribute('aria-expanded', String(this.element.open));
    this.element.addEventListener('toggle', () => {
      remember('game', { open: this.element.open });
      this.button.setAttribute('aria-expanded', String(this.element.open));
      if (this.element.open) this.#show();
      else this.#halt();
      this.ask();
    });
  }

  destroy() {
    this.motion.stop();
  }

  #build() {
    this.button = el('button', {
      type: 'button',
      class: 'gv-button gv-game-opens',
      text: 'The game',
      title: HELP,
      hidden: true,
      on: {
        click: () => {
          this.element.open = !this.element.open;
        },
      },
    });
    this.strip = el('span', { class: 'gv-game-strip gv-muted' });
    this.phases = el('div', {
      class: 'gv-game-phases',
      role: 'group',
      'aria-label': 'whose turn is shown',
    });
    this.playing = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Play slowly',
      title: SLOWLY,
      on: { click: () => (this.loops ? this.#halt() : this.#begin()) },
    });
    this.field = el('input', {
      type: 'number',
      min: '1',
      value: '1',
      class: 'gv-game-sample',
      'aria-label': 'which sample of the batch is followed',
      on: { change: () => this.#choose() },
    });
    this.when = el('span', { class: 'gv-game-when gv-muted gv-number' });
    this.caption = el('p', { class: 'gv-game-caption', role: 'status', text: LEGEND });
    this.scroller = el('div', { class: 'gv-game-scroller' });
    this.terms = el('div', { class: 'gv-game-loss' });
    const sample = el('label', { class: 'gv-game-follow' }, 'sample', this.field);
    this.element = el(
      'details',
      { class: 'gv-game', 'aria-label': 'the game, drawn', hidden: true },
      el('summary', { title: HELP }, el('b', { text: 'The game, drawn' }), this.strip),
      el('div', { class: 'gv-game-bar' }, this.phases, this.playing, sample, this.when),
      this.caption,
      this.scroller,
      this.terms,
    );
  }

  /** Says whether somebody looks, and at which sample: after each connection, too. */
  ask() {
    this.follow(this.element.open && this.plan ? this.sample : null);
  }

  /** Takes what the run says: its game when it is new, and the turns that were followed. */
  update() {
    const { game, turns } = this.run;
    if (game && game !== this.plan?.game) this.#draw(game);
    if (turns && this.plan && turns.number !== this.number) this.#take(turns);
    else if (this.element.open) this.#sayWhen();
  }

  /** @param {Game} game */
  #draw(game) {
    const first = this.plan === null;
    this.#halt();
    this.turns.clear();
    this.plan = new GamePlan(game);
    this.scroller.replaceChildren(this.plan.element);
    const losses = game.nodes.filter(({ kind }) => kind === 'loss');
    this.strip.replaceChildren(
      ...this.plan.players.flatMap((player, at) => [at ? ', ' : '', ...titled(player)]),
      ' and what they minimise: ',
      ...losses.flatMap(({ title }, at) => [at ? ', ' : '', el('span', {}, titled(title))]),
    );
    this.phases.replaceChildren(...game.phases.map((phase) => this.#turnButton(phase)));
    this.field.max = String(this.run.config?.options?.batch_size ?? 1);
    this.element.hidden = this.button.hidden = false;
    if (!game.phases.some(({ name }) => name === this.phase)) this.phase = game.phases[0]?.name ?? '';
    this.#show();
    if (first) this.ask();
  }

  /** @param {GamePhase} phase */
  #turnButton(phase) {
    const players = this.plan?.learning(phase) ?? [];
    const often = [
      phase.every > 1 ? `every ${phase.every} iterations` : '',
      phase.repeat > 1 ? `${phase.repeat} times an iteration` : '',
    ].filter(Boolean);
    return el(
      'button',
      {
        type: 'button',
        class: 'gv-button gv-small',
        'aria-pressed': 'false',
        title: [`The turn ${phase.name.replaceAll('_', ' ')}`, ...often].join(', '),
        data: { phase: phase.name },
        on: { click: () => this.#select(phase.name) },
      },
      players.map((player, at) => [at ? ' and ' : '', ...titled(player)]).flat(),
      players.length > 1 ? ' learn' : ' learns',
    );
  }

  // numbers

  /** @param {Turns} turns */
  #take(turns) {
    const isLater = this.number > 0;
    this.number = turns.number;
    for (const turn of turns.turns) this.turns.set(turn.phase, turn);
    if (!this.element.open) return;
    if (isLater && this.run.state === 'paused') {
      this.loops = false;
      this.queue = turns.turns.map(({ phase }) => phase); // of a single step: what it did is played
      this.#next();
    } else if (!this.motion.isPlaying) this.#show();
  }

  #choose() {
    const wanted = Math.round(Number(this.field.value)) || 1;
    this.sample = Math.min(Number(this.field.max) || 1, Math.max(1, wanted)) - 1;
    this.field.value = String(this.sample + 1);
    this.ask();
  }

  #select(name) {
    this.#halt();
    this.phase = name;
    this.#show();
  }

  get #chosen() {
    return this.plan?.game.phases.find(({ name }) => name === this.phase);
  }

  #show() {
    const phase = this.#chosen;
    if (!phase || !this.plan || !this.element.open) return;
    for (const button of this.phases.children) {
      const is = /** @type {HTMLElement} */ (button).dataset.phase === phase.name;
      button.setAttribute('aria-pressed', String(is));
    }
    const turn = this.turns.get(phase.name);
    this.plan.show(phase, turn);
    this.terms.replaceChildren(termsTable(phase, this.plan.lossOf(phase), turn));
    this.#sayWhen();
  }

  #sayWhen() {
    const turn = this.turns.get(this.phase);
    const words = turn ? `step ${thousands(turn.step)}` : 'not seen yet';
    setText(this.when, this.run.ended && turn ? `${words}, the last one that was looked at` : words);
  }

  // slow motion

  #begin() {
    const known = this.#known();
    this.loops = true;
    this.queue = known.slice(Math.max(0, known.indexOf(this.phase)));
    setText(this.playing, 'Stop');
    this.#next();
  }

  #halt() {
    this.loops = false;
    this.queue = [];
    this.motion.stop();
    this.plan?.stage('');
    setText(this.playing, 'Play slowly');
    setText(this.caption, LEGEND);
  }

  #known() {
    return this.plan?.game.phases.map(({ name }) => name).filter((name) => this.turns.has(name)) ?? [];
  }

  // the next turn that is to be played: of a single step, or of the newest iteration
  #next() {
    if (!this.queue.length && this.loops) this.queue = this.#known();
    const name = this.queue.shift();
    const turn = this.turns.get(name ?? '');
    if (!this.plan || !turn) {
      this.#halt();
      this.#show();
      return;
    }
    this.phase = turn.phase;
    this.#show();
    this.motion.play(this.plan.svg, this.plan.waysOf(turn.phase), turn, this.plan.plot.columns);
  }

  /** @param {import('./game_motion.js').Stage} stage */
  #say(stage) {
    const phase = this.#chosen;
    const turn = this.turns.get(this.phase);
    if (!phase || !turn || !this.plan) return;
    const players = this.plan.learning(phase).map(said).join(' and ');
    const loss = said(this.plan.lossOf(phase));
    const moves = Object.values(turn.moved).map(
      ({ step, weights }) => `a step of norm ${short(step)} on weights of norm ${short(weights)}`,
    );
    const words = {
      forward: `Forward: the batch goes through the networks. It is the turn of ${players}.`,
      loss: `The loss: ${loss} is ${short(turn.loss)} for this batch.`,
      backward: `Backward: the gradient of ${loss} comes back against the arrows, to the weights of ${players}.`,
      weights: `The weights of ${players} move: ${moves.join('; ')}.`,
    };
    setText(this.caption, words[stage]);
    this.plan.stage(stage);
  }
}
