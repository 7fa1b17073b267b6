// The line at the top: what runs, how far it is, and the buttons that steer it.

import { el, icon, popup, setText } from '../base/dom.js';
import { clock, fixed, short, thousands } from '../base/format.js';

const STATES = {
  // word and shape of each state
  queued: ['queued', 'waiting'],
  starting: ['starting', 'waiting'],
  running: ['running', 'play'],
  paused: ['paused', 'pause'],
  done: ['done', 'check'],
  stopped: ['stopped', 'stop'],
  failed: ['failed', 'cross'],
  gone: ['deleted', 'cross'],
};
const KEYS = { ' ': 'toggle', d: 'stepD', g: 'stepG', b: 'stepBoth' };
const VIEWER_REASON = 'The presenter steers this run; log in as presenter to do so.';

export class Controls {
  /**
   * `view`: {runs, commands, rewound(): step|null, savePicture()}. `game`: the button that opens its drawing, if any.
   */
  constructor(view, mayChange, game = null) {
    this.view = view;
    this.mayChange = mayChange;
    this.name = el('h2', { class: 'gv-name' });
    this.kind = el('span', { class: 'gv-kind' });
    this.state = el('span', { class: 'gv-state', role: 'status' });
    this.facts = el('span', { class: 'gv-facts' });
    this.viewers = el('span', {
      class: 'gv-viewers gv-number',
      hidden: true,
      title: 'open views of this run',
    });
    this.link = el('span', { class: 'gv-link', hidden: true, role: 'status', text: 'reconnecting …' });
    this.buttons = this.#makeButtons();
    this.bar = el(
      'div',
      { class: 'gv-buttons', role: 'toolbar', 'aria-label': 'steer the run' },
      mayChange
        ? [game, ...Object.values(this.buttons)]
        : [
            el('span', { class: 'gv-watching', title: VIEWER_REASON, text: 'watching' }),
            game,
            this.buttons.share,
          ],
    );
    this.element = el(
      'header',
      { class: 'gv-head' },
      el('div', { class: 'gv-title' }, this.name, this.kind),
      el('div', { class: 'gv-now' }, this.state, this.facts, this.viewers, this.link),
      this.bar,
    );
    this.onKey = (event) => this.#key(event);
    document.addEventListener('keydown', this.onKey);
  }

  destroy() {
    document.removeEventListener('keydown', this.onKey);
  }

  #makeButtons() {
    const { commands } = this.view;
    const act = (work) => () => {
      work();
    };
    return {
      toggle: this.#button(
        'Pause',
        'pause',
        'Pause or go on (space)',
        act(() => this.toggle()),
        'gv-primary',
      ),
      stepD: this.#button(
        'Step D',
        'D',
        'One update of the discriminator alone (d). Pauses first.',
        act(() => commands.step('discriminator')),
      ),
      stepG: this.#button(
        'Step G',
        'G',
        'One update of the generator alone (g). Pauses first.',
        act(() => commands.step('generator')),
      ),
      stepBoth: this.#button(
        'Step both',
        'D+G',
        'One whole iteration, D and G (b). Pauses first.',
        act(() => commands.step('both')),
      ),
      stop: this.#button(
        'Stop',
        'stop',
        'End the run; it keeps its checkpoint and can be resumed',
        act(() => commands.send({ command: 'stop' })),
      ),
      branch: this.#button(
        'Branch',
        'branch',
        '',
        act(() => commands.branch(branchable(this.view.runs, this.view.rewound()))),
      ),
      share: this.#button(
        'Share',
        'share',
        'Copy the address of this view',
        act(() => this.#share()),
      ),
      menu: this.#button(
        '',
        'menu',
        'More',
        act(() => this.#menu()),
      ),
    };
  }

  #button(label, sign, title, click, extra = '') {
    const isIcon = sign.length > 3;
    const mark = isIcon
      ? icon(sign)
      : el('span', {
          class: `gv-letter gv-letter-${sign.toLowerCase().replace('+', '')}`,
          text: label.includes(sign) ? sign : 'both',
        });
    return el(
      'button',
      {
        type: 'button',
        class: `gv-button ${extra} ${label ? '' : 'gv-bare'}`,
        title,
        'aria-label': label || title,
        on: { click },
      },
      mark,
      label && el('span', { class: 'gv-label', text: label }),
    );
  }

  /** Pause, resume or continue, whichever the state allows. */
  toggle() {
    const moving = this.view.runs.some((run) => run.state === 'running');
    return moving ? this.view.commands.pause() : this.view.commands.resume();
  }

  #key(event) {
    if (!this.mayChange || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const name = KEYS[event.key];
    const at = event.target instanceof Element ? event.target : null;
    if (
      !name ||
      at?.closest('input, textarea, select, [contenteditable=true], [role=slider], [role=textbox]')
    )
      return;
    if (event.key === ' ' && at?.closest('button, a, summary, [role=button]')) return;
    if (this.buttons[name].disabled) return;
    event.preventDefault();
    this.buttons[name].click();
  }

  async #share() {
    const address = new URL(location.href);
    address.searchParams.delete('run');
    for (const run of this.view.runs) address.searchParams.append('run', run.id);
    const copied = await navigator.clipboard?.writeText(address.href).then(
      () => true,
      () => false,
    );
    if (copied) {
      this.view.notify('Address copied');
      return;
    }
    const field = el('input', {
      class: 'gv-field',
      readonly: true,
      value: address.href,
      size: 48,
      'aria-label': 'address of this view',
    });
    popup(this.buttons.share, el('div', {}, el('p', { text: 'Copy this address:' }), field), {
      label: 'share',
    });
    field.select();
  }

  #menu() {
    const { commands } = this.view;
    let close = () => {};
    const item = (text, title, work) =>
      el('button', {
        type: 'button',
        class: 'gv-item',
        title,
        text,
        on: {
          click: () => {
            close();
            work();
          },
        },
      });
    close = popup(
      this.buttons.menu,
      el(
        'div',
        { class: 'gv-menu' },
        item('Checkpoint now', 'Keep the networks as they are at this step', async () => {
          if (await commands.send({ command: 'checkpoint' })) this.view.notify('Checkpoint asked for');
        }),
        item('Duplicate', 'Start the same run again from the beginning', () => commands.duplicate()),
        this.#analyse(),
        ...this.view.runs.flatMap((run) => this.#models(run)),
        item('Save picture', 'Download the picture as PNG', () => this.view.savePicture()),
        el('p', { class: 'gv-keys', text: 'Keys: space pause, d step D, g step G, b both' }),
      ),
      { label: 'more' },
    );
  }

  /** A link to the runs' curves, to be studied. */
  #analyse() {
    const address = new URL('analyse', document.baseURI);
    for (const run of this.view.runs) address.searchParams.append('run', run.id);
    return el('a', {
      class: 'gv-item',
      href: address.href,
      title: 'Every recorded quantity',
      text: 'Analyse',
    });
  }

  /** Links to what the run has made: its newest checkpoint, and its best one if it keeps one. */
  #models(run) {
    const translates = ['pairs', 'domains'].includes(run.config?.kind);
    const [page, verb] = translates ? ['translate', 'Translate with it'] : ['explore', 'Explore it'];
    const link = (model, text, title) => {
      const href = `${page}?model=${encodeURIComponent(model)}`;
      return el('a', { class: 'gv-item', href, title, text });
    };
    const whose = this.view.runs.length > 1 ? ` (${run.config?.name ?? run.id})` : '';
    const { best } = run.status;
    const found = [link(run.id, `${verb}${whose}`, 'As its newest checkpoint is')];
    if (best) {
      const when = `${best.title} ${short(best.value)} at step ${thousands(best.step)}`;
      found.push(link(`${run.id}.best`, `${verb} at its best${whose}`, when));
    }
    return found;
  }

  /** The run's name, GAN and objective. */
  configure() {
    const { runs } = this.view;
    const parts = runs.map(({ meta }) =>
      [meta.data?.title, meta.gan?.title, meta.objective?.title].filter(Boolean),
    );
    const [first] = runs;
    const several = runs.length > 1; // then the pictures carry the names
    const shared = parts[0].filter((part) => parts.every((others) => others.includes(part)));
    setText(this.name, several ? 'Side by side' : first.config.name || parts[0][0] || first.id);
    this.name.title = runs.map((run) => run.config.name || run.id).join(', ');
    const said = this.name.textContent.toLowerCase();
    setText(this.kind, shared.filter((part) => !said.includes(part.toLowerCase())).join(' · '));
  }

  /** State, step, speed, time; and which buttons make sense. */
  update() {
    const { runs } = this.view;
    const states = [...new Set(runs.map((run) => run.state))];
    const state =
      states.find((each) => each === 'failed') ?? states.find((each) => each === 'running') ?? states[0];
    this.#showState(state);
    const [run] = runs;
    const { status } = run;
    const rate = run.state === 'running' ? (status.rate ?? run.history.newest?.rate) : null;
    const parts = [];
    if (runs.length === 1) parts.push(`step ${thousands(run.step)}`);
    if (rate) parts.push(`${rate < 10 ? fixed(rate, 1) : short(Math.round(rate))} steps/s`);
    parts.push(clock(Math.max(...runs.map((each) => each.elapsed))));
    this.#showFacts(parts);
    const watching = Math.max(...runs.map(({ viewers }) => viewers));
    this.viewers.hidden = watching < 2; // who is alone knows
    setText(this.viewers, `${watching} viewers`);
    if (this.mayChange) this.#enable(state);
  }

  #showFacts(parts) {
    while (this.facts.childElementCount < parts.length) this.facts.append(el('span', { class: 'gv-number' }));
    while (this.facts.childElementCount > parts.length) this.facts.lastChild.remove();
    parts.forEach((part, k) => setText(this.facts.children[k], part));
  }

  #showState(state) {
    if (this.state.dataset.state === state) return;
    const [word, shape] = STATES[state] ?? [state, 'waiting'];
    this.state.dataset.state = state;
    this.state.replaceChildren(icon(shape), word);
  }

  #enable(state) {
    const { toggle, stepD, stepG, stepBoth, stop, branch } = this.buttons;
    const { runs } = this.view;
    const moving = runs.some((run) => run.state === 'running');
    const over = runs.every((run) => run.ended);
    const waiting = state === 'queued' || state === 'starting';
    const label =
      moving || waiting ? 'Pause' : runs.every((run) => run.state === 'done') ? 'Continue' : 'Resume';
    if (toggle.getAttribute('aria-label') !== label) {
      toggle.setAttribute('aria-label', label);
      toggle.replaceChildren(
        icon(label === 'Pause' ? 'pause' : 'play'),
        el('span', { class: 'gv-label', text: label }),
      );
    }
    toggle.disabled = waiting || state === 'gone';
    for (const step of [stepD, stepG, stepBoth]) step.disabled = over || waiting || state === 'gone';
    stop.disabled = over || state === 'gone';
    const at = this.view.rewound();
    const from = branchable(runs, at);
    branch.disabled = from === undefined;
    const step = from === null ? 'as it is now' : `from step ${thousands(from ?? 0)}`;
    const name = at === null || from === at ? 'Branch' : `Branch from ${thousands(from ?? 0)}`;
    setText(branch.querySelector('.gv-label'), name);
    branch.setAttribute('aria-label', name);
    branch.title = branch.disabled
      ? 'There is no checkpoint yet to branch from'
      : `Copy this run ${step} and let the copy go its own way`;
  }

  setConnected(connected) {
    this.link.hidden = connected;
  }
}

/**
 * The step that all `runs` can be branched from: `at` or, where its weights were not kept, the last before it; null
 * (now) if `at` is; undefined if there is none.
 */
function branchable(runs, at) {
  if (at === null) return runs.every((run) => run.weights.length) ? null : undefined;
  return runs[0].weights.findLast((step) => step <= at && runs.every((run) => run.weights.includes(step)));
}

export { VIEWER_REASON };
