// The strip under the picture: what is happening, on what evidence, why, and one click to try a remedy.

import { el, icon, popup, setText } from '../base/dom.js';
import { short, thousands } from '../base/format.js';

const GRAVITY = {
  divergence: 3,
  mode_collapse: 2,
  vanishing_gradient: 2,
  discriminator_overpowering: 2,
  oscillation: 2,
  learning: 0,
  healthy: 0,
};
const SIGN = ['healthy', 'warning', 'warning', 'broken'];

export class Diagnosis {
  constructor(run, commands, mayChange, short) {
    this.run = run;
    this.commands = commands;
    this.mayChange = mayChange;
    this.short = short;
    this.sign = el('span', { class: 'gv-sign' });
    this.title = el('strong');
    this.evidence = el('span', { class: 'gv-evidence' });
    this.others = el('span', { class: 'gv-others' });
    this.why = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Why?',
      on: { click: () => this.#explain() },
    });
    this.attempt = el('button', {
      type: 'button',
      class: 'gv-button gv-small gv-try',
      on: { click: () => this.#attempt() },
    });
    this.element = el(
      'section',
      { class: 'gv-diagnosis', role: 'group', 'aria-label': `diagnosis of ${run.id}`, 'aria-live': 'polite' },
      this.sign,
      el('p', {}, this.title, this.evidence),
      this.others,
      el('span', { class: 'gv-acts' }, this.why, this.attempt),
    );
    this.shown = '';
  }

  /**
   * The gravest first; the rest as short names that can be clicked. `step`: where the page looks back to, or null:
   * then a remedy, which would change the present, is not offered.
   */
  update(step = null) {
    const { state, status } = this.run;
    this.step = step;
    if (state === 'failed' && step === null) return this.#problem(status);
    if (state === 'gone')
      return this.#say('broken', 'There is no such run.', 'It was deleted, or the address is wrong.');
    const active = [...this.run.activeAt(step ?? Infinity)].sort(
      (a, b) => (GRAVITY[b.name] ?? 1) - (GRAVITY[a.name] ?? 1),
    );
    const chosen = active.find((item) => item.name === this.chosen) ?? active[0];
    if (!chosen) return this.#waiting(state, status);
    this.current = chosen;
    const grave = GRAVITY[chosen.name] ?? 1;
    this.#say(chosen.name === 'learning' ? 'waiting' : SIGN[grave], chosen.title, chosen.evidence, grave);
    this.why.hidden = false;
    this.#offer(chosen.remedy);
    this.#list(active.filter((item) => item !== chosen));
    return undefined;
  }

  #say(sign, title, evidence, grave = 3) {
    setText(this.title, title);
    setText(this.evidence, evidence);
    this.evidence.title = evidence;
    if (this.shown === sign) return;
    this.shown = sign;
    this.sign.replaceChildren(icon(sign));
    this.element.dataset.gravity = sign === 'waiting' ? 0 : grave;
    this.why.hidden = this.attempt.hidden = true;
    this.others.replaceChildren();
  }

  #problem({ error, remedy }) {
    this.current = { title: 'Failed', evidence: error, why: remedy };
    this.#say('broken', 'Failed', [error, remedy].filter(Boolean).join(' '));
    this.others.replaceChildren();
    this.why.hidden = true;
    this.attempt.hidden = !this.mayChange;
    setText(this.attempt, 'Resume');
    this.attempt.title = 'Goes on from the last checkpoint';
  }

  #waiting(state, { queue, waits_for: others = [] }) {
    this.current = null;
    const [title, evidence] = {
      queued: [
        'Queued',
        queue ? `place ${queue} in line; it starts when another run ends` : 'it starts when another run ends',
      ],
      starting: ['Starting', ''],
    }[state] ?? ['Learning', 'too early to say'];
    this.#say('waiting', title, evidence, 0);
    this.why.hidden = true;
    this.attempt.hidden = !(state === 'queued' && this.mayChange && others.length);
    setText(this.attempt, others.length > 1 ? 'Stop the others and start' : 'Stop the other and start');
    this.attempt.title = `Stops ${others.join(' and ')}, which can be resumed, and starts this run`;
  }

  #offer(remedy) {
    this.attempt.hidden = !remedy || !this.mayChange || this.step !== null;
    if (!remedy) return;
    setText(this.attempt, `Try: ${remedy.sentence}`);
    const changes = Object.entries(remedy.options ?? {})
      .map(([name, value]) => `${name} = ${value}`)
      .join(', ');
    const effect = remedy.live ? 'Changes this run at once:' : 'Starts a new run from the beginning, with';
    this.attempt.title = `${effect} ${changes}`;
  }

  #list(others) {
    const names = others.map((item) => item.name).join();
    if (this.others.dataset.names === names && this.others.childElementCount === others.length) return;
    this.others.dataset.names = names;
    this.others.replaceChildren(
      ...others.map((item) =>
        el('button', {
          type: 'button',
          class: 'gv-pill',
          title: item.evidence,
          text: `${this.short ? '+' : 'also:'} ${item.title}`,
          on: {
            click: () => {
              this.chosen = item.name;
              this.update(this.step);
            },
          },
        }),
      ),
    );
  }

  #explain() {
    const { title, evidence, why, numbers, since } = this.current;
    const facts = Object.entries(numbers ?? {}).map(([key, value]) =>
      el(
        'div',
        {},
        el('dt', { text: key.replaceAll('_', ' ') }),
        el('dd', { text: typeof value === 'number' ? short(value) : String(value) }),
      ),
    );
    popup(
      this.why,
      el(
        'div',
        { class: 'gv-why' },
        el('h3', { text: title }),
        el('p', { text: evidence }),
        el('p', { text: why ?? '' }),
        facts.length ? el('dl', { class: 'gv-options' }, facts) : null,
        since ? el('p', { class: 'gv-muted', text: `since step ${thousands(since)}` }) : null,
      ),
      { label: title },
    );
  }

  async #attempt() {
    this.attempt.disabled = true;
    if (this.run.state === 'failed') await this.commands.resume();
    else if (this.run.state === 'queued') await this.commands.startNow();
    else await this.commands.remedy(this.run, this.current.remedy);
    this.attempt.disabled = false;
  }
}
