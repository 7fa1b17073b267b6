// Knobs that act while the run trains, built from the options that may change, and the speed limit.

import { el, setText } from '../base/dom.js';
import { optionText, short } from '../base/format.js';
import { VIEWER_REASON } from './controls.js';

const QUIET_MS = 180; // after the last movement of a slider
const TRUST_MS = 2500; // how long one's own value is shown before the run's report counts again
const TICKS = 400;
const SMALLEST = 1e-6; // of the upper bound, where a logarithmic scale starts at zero
const FIRST = ['discriminator_lr', 'generator_lr', 'critic_steps']; // what people reach for
const SPEEDS = [1, 2000]; // steps a second; one tick further is "no limit"

/**
 * Slider position 0..TICKS <-> value, for one field.
 * @param {{ min: number, max: number, step?: number, scale: string, type: string, min_excluded?: boolean }} field
 */
export function scaleOf({ min, max, step, scale, type, min_excluded: open }) {
  const round = (value) => {
    if (type === 'int') return Math.round(value);
    return step ? Number((Math.round(value / step) * step).toPrecision(10)) : Number(value.toPrecision(2));
  };
  if (scale !== 'log') {
    return {
      value: (at) => round(min + ((max - min) * at) / TICKS),
      at: (value) => (TICKS * (value - min)) / (max - min),
    };
  }
  const low = min > 0 ? min : max * SMALLEST;
  const ratio = Math.log(max / low);
  const zero = min === 0 && !open; // the left end means zero itself
  return {
    value: (at) => (zero && at <= 0 ? 0 : round(low * Math.exp((ratio * at) / TICKS))),
    at: (value) => (value <= low ? 0 : (TICKS * Math.log(value / low)) / ratio),
  };
}

class Knob {
  /** @type {ReturnType<typeof scaleOf>} */
  scale;
  /** @type {number} */
  timer;

  constructor(field, send, mayChange) {
    this.field = field;
    this.send = send;
    this.mayChange = mayChange;
    this.touchedAt = -Infinity;
    this.input = this.#input();
    this.input.title = mayChange ? field.help : VIEWER_REASON;
    this.input.disabled = !mayChange;
    this.shown = this.#isSlider
      ? el('input', {
          class: 'gv-exact',
          type: 'text',
          inputmode: 'decimal',
          'aria-label': `${field.label}, exact value`,
          disabled: !mayChange,
          on: { change: () => this.#typed(), keydown: (event) => event.key === 'Enter' && this.shown.blur() },
        })
      : null;
    this.element = el(
      'div',
      { class: 'gv-knob' },
      el(
        'div',
        { class: 'gv-knob-head' },
        el('label', { title: field.help, text: field.label }),
        this.#isSlider ? this.shown : this.input,
      ),
      this.#isSlider && this.input,
    );
    this.input.setAttribute('aria-label', field.label);
  }

  get #isSlider() {
    const { type, min, max } = this.field;
    return (type === 'float' || type === 'int') && typeof min === 'number' && typeof max === 'number';
  }

  #input() {
    const { type, choices, step } = this.field;
    if (this.#isSlider) {
      this.scale = scaleOf(this.field);
      return el('input', {
        class: 'gv-range',
        type: 'range',
        min: 0,
        max: TICKS,
        step: 1,
        on: { input: () => this.#moved() },
      });
    }
    if (type === 'choice') {
      const options = choices.map(({ label }, k) => el('option', { value: k, text: label }));
      return el(
        'select',
        { class: 'gv-select', on: { change: () => this.#commit(choices[Number(this.input.value)].value) } },
        options,
      );
    }
    if (type === 'bool')
      return el('input', {
        type: 'checkbox',
        class: 'gv-check',
        on: { change: () => this.#commit(this.input.checked) },
      });
    return el('input', {
      class: 'gv-exact',
      type: 'number',
      step: step ?? 'any',
      on: { change: () => this.#commit(Number(this.input.value)) },
    });
  }

  #moved() {
    const value = this.scale.value(Number(this.input.value));
    this.touchedAt = performance.now();
    this.#print(value);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#commit(value), QUIET_MS);
  }

  #typed() {
    const value = Number(this.shown.value.replace('−', '-').replace(',', '.'));
    if (this.shown.value.trim() === '' || !Number.isFinite(value)) {
      this.touchedAt = -Infinity;
      this.show(this.value);
      return;
    }
    this.input.value = this.scale.at(value);
    this.#commit(this.field.type === 'int' ? Math.round(value) : value);
  }

  async #commit(value) {
    this.touchedAt = performance.now();
    const before = this.value;
    this.value = value;
    if (this.shown) this.#print(value);
    if (await this.send(value)) return;
    this.touchedAt = -Infinity;
    this.show(before);
  }

  /** The run's own value; waits while somebody is at the knob. */
  show(value) {
    if (value === undefined || performance.now() - this.touchedAt < TRUST_MS) return;
    this.value = value;
    const { type, choices } = this.field;
    if (document.activeElement === this.shown) return;
    if (this.#isSlider) {
      this.input.value = value === null ? 0 : this.scale.at(value);
      this.#print(value);
    } else if (type === 'choice') this.input.value = choices.findIndex((choice) => choice.value === value);
    else if (type === 'bool') this.input.checked = value;
    else if (document.activeElement !== this.input) this.input.value = value ?? '';
  }

  #print(value) {
    const text = optionText(value);
    if (this.shown.value !== text) this.shown.value = text;
    this.input.setAttribute('aria-valuetext', text);
  }
}

/** Steps a second on a logarithmic scale whose right end means "as fast as it goes". */
class SpeedLimit {
  /** @type {number} */
  timer;

  constructor(send, mayChange) {
    this.touchedAt = -Infinity;
    this.scale = scaleOf({ min: SPEEDS[0], max: SPEEDS[1], scale: 'log', type: 'float' });
    this.text = el('output', { class: 'gv-exact gv-output', text: 'max' });
    this.input = el('input', {
      class: 'gv-range',
      type: 'range',
      min: 0,
      max: TICKS + 12,
      step: 1,
      value: TICKS + 12,
      disabled: !mayChange,
      'aria-label': 'speed limit',
      title: mayChange ? 'Steps a second at most; the right end: as fast as it goes' : VIEWER_REASON,
      on: {
        input: () => {
          this.touchedAt = performance.now();
          const limit = this.#limit();
          this.#print(limit);
          clearTimeout(this.timer);
          this.timer = setTimeout(() => send(limit), QUIET_MS);
        },
      },
    });
    this.element = el(
      'div',
      { class: 'gv-knob' },
      el('div', { class: 'gv-knob-head' }, el('label', { text: 'Speed' }), this.text),
      this.input,
    );
  }

  #limit() {
    const at = Number(this.input.value);
    return at > TICKS ? null : this.scale.value(at);
  }

  #print(limit) {
    const text = limit === null ? 'max' : `${short(limit)}/s`;
    setText(this.text, text);
    this.input.setAttribute('aria-valuetext', limit === null ? 'no limit' : `${short(limit)} steps a second`);
  }

  show(limit = null) {
    if (performance.now() - this.touchedAt < TRUST_MS) return;
    this.input.value = limit === null ? TICKS + 12 : this.scale.at(limit);
    this.#print(limit);
  }
}

export class Knobs {
  constructor(runs, commands, mayChange) {
    this.runs = runs;
    this.commands = commands;
    this.mayChange = mayChange;
    this.knobs = new Map();
    this.row = el('div', { class: 'gv-knob-row' });
    this.element = el('section', { class: 'gv-knobs', 'aria-label': 'knobs that act now' }, this.row);
    this.speed = new SpeedLimit(
      (limit) => commands.send({ command: 'limit', steps_per_s: limit }),
      mayChange,
    );
  }

  configure() {
    const fields = this.runs[0].meta.live ?? [];
    const shared = fields.filter(({ name }) =>
      this.runs.every((run) => (run.meta.live ?? []).some((field) => field.name === name)),
    );
    const place = ({ name }) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
    shared.sort((a, b) => place(a) - place(b));
    this.knobs = new Map(
      shared.map((field) => [
        field.name,
        new Knob(field, (value) => this.commands.set({ [field.name]: value }), this.mayChange),
      ]),
    );
    this.row.replaceChildren(this.speed.element, ...[...this.knobs.values()].map((knob) => knob.element));
    this.update();
  }

  update() {
    const { live = {}, limit } = this.runs[0].status;
    for (const [name, knob] of this.knobs) knob.show(live[name] ?? this.runs[0].config?.options?.[name]);
    this.speed.show(limit ?? null);
  }
}
