// What the last evaluation found: a line that is always in sight, and behind it the table of all figures.

import { el, icon, remember, remembered, setText } from '../base/dom.js';
import { short, thousands } from '../base/format.js';

const HEADLINES = 4; // figures in the closed line
const NARROW = 820; // the window's width below which the table is open until somebody closes it
const BETTER = { lower: ['↓', 'lower'], higher: ['↑', 'higher'] };
const HELP = 'Samples beside real data, every few steps. Set its interval by the knob Evaluate every.';

export class Evaluation {
  /** `named`: whether to say whose it is. `toggled(open)`: somebody wants it open or closed. */
  constructor(run, named, toggled) {
    this.run = run;
    this.named = named;
    this.title = el('b', { class: 'gv-evaluation-title' });
    this.facts = el('span', { class: 'gv-evaluation-facts gv-number' });
    this.warned = el('span', { class: 'gv-evaluation-warned', hidden: true });
    this.next = el('span', { class: 'gv-evaluation-next gv-muted gv-number' });
    const toggle = (event) => {
      event.preventDefault(); // the panels of all runs open together
      toggled(!this.element.open);
    };
    this.head = el(
      'summary',
      { title: HELP, on: { click: toggle } },
      this.title,
      this.facts,
      this.warned,
      this.next,
    );
    this.body = el('div', { class: 'gv-evaluation-body' });
    this.element = el(
      'details',
      { class: 'gv-evaluation', 'aria-label': `evaluation of ${run.id}`, hidden: true },
      this.head,
      this.body,
    );
    this.element.open = remembered('evaluation', { open: innerWidth < NARROW }).open;
  }

  /** Shows the last evaluation at or before `step`; hidden where the run has none and will have none. */
  update(step = Infinity) {
    const { run } = this;
    const event = run.evaluationAt(step);
    const every = run.status.live?.evaluate_every ?? run.config?.options?.evaluate_every ?? 0;
    this.element.hidden = !run.evaluations.length && !every;
    if (this.element.hidden) return;
    setText(this.next, this.#upcoming(every));
    if (event === this.shown && step === this.step) return;
    this.shown = event;
    this.step = step;
    this.#showHead(event);
    this.body.replaceChildren(...(event ? this.#found(event, step) : [this.#nothing()]));
  }

  #upcoming(every) {
    const { status, ended, evaluations } = this.run;
    if (ended) return evaluations.length ? '' : 'the run ended before its first one';
    if (status.evaluating) return 'evaluating now, training waits';
    if (!every) return 'no more: the interval is 0';
    if (!status.next_evaluation) return status.step ? 'none before the last step' : '';
    return `${evaluations.length ? 'next' : 'the first comes'} at step ${thousands(status.next_evaluation)}`;
  }

  #showHead(event) {
    const n = event?.n ? `, N ${thousands(event.n)}` : '';
    const when = event ? ` at step ${thousands(event.step)}${n}` : '';
    setText(this.title, `Evaluation${when}`);
    if (this.named) {
      setText(this.facts, this.run.config?.name ?? this.run.id);
      this.facts.title = this.facts.textContent;
    } else this.#showHeadlines(event);
    const warnings = event?.warnings ?? [];
    this.warned.hidden = !warnings.length;
    this.warned.title = warnings.join('\n');
    this.warned.replaceChildren(
      icon('warning'),
      el('b', { text: warnings.length === 1 ? '1 warning' : `${warnings.length} warnings` }),
      el('span', { text: `: ${warnings.at(-1)}` }), // those of memorisation come last
    );
  }

  #showHeadlines(event) {
    const shown = event ? headlines(event) : [];
    this.facts.replaceChildren(
      ...shown.map(({ name, title }) =>
        el(
          'span',
          {},
          `${title} `,
          el('b', { text: short(event.figures[name]) }),
          event.floors?.[name] === undefined
            ? null
            : el('span', { class: 'gv-muted', text: ` floor ${floorText(event, name)}` }),
        ),
      ),
    );
  }

  #nothing() {
    const samples = this.run.config?.options?.evaluate_samples;
    const how = samples ? `It draws ${thousands(samples)} samples` : 'It draws samples';
    return el('p', {
      text: `${how} and measures them, and real data in their place, which is the floor. Training waits.`,
    });
  }

  #found(event, step) {
    return [
      el(
        'div',
        { class: 'gv-evaluation-table' },
        el(
          'table',
          {},
          el(
            'thead',
            {},
            el(
              'tr',
              {},
              ['figure', 'now', 'best so far', 'floor', 'better'].map((text) =>
                el('th', { scope: 'col', text }),
              ),
            ),
          ),
          el(
            'tbody',
            {},
            measuresOf(event)
              .flatMap(({ figures }) => figures)
              .map((figure) => this.#row(event, figure, step)),
          ),
        ),
      ),
      el('div', { class: 'gv-evaluation-notes' }, warningsOf(event), networkOf(event), notesOf(event)),
    ];
  }

  #row(event, { name, title, sentence, better }, step) {
    const value = event.figures[name];
    const best = better ? this.run.best(name, better, step) : null;
    const [arrow, word] = BETTER[better] ?? ['', ''];
    const isBest = best?.value === value;
    return el(
      'tr',
      { data: { figure: name } },
      el('th', { scope: 'row', title: sentence, text: title }),
      el('td', { class: 'gv-number', text: short(value) }),
      el(
        'td',
        { class: 'gv-number' },
        isBest ? 'this one' : best ? short(best.value) : '',
        best && !isBest && el('span', { class: 'gv-muted', text: ` at ${thousands(best.step)}` }),
      ),
      el('td', { class: 'gv-number', text: floorText(event, name) }),
      el('td', {}, el('span', { 'aria-hidden': 'true', text: arrow }), ` ${word}`),
    );
  }
}

/** The panels of all runs, opened and closed together. */
export class Evaluations {
  constructor(runs) {
    this.panels = runs.map((run) => new Evaluation(run, runs.length > 1, (open) => this.#toggle(open)));
    this.element = el(
      'div',
      { class: 'gv-evaluations' },
      this.panels.map((panel) => panel.element),
    );
    this.update();
  }

  /** `step`: where the page looks back to, or null. */
  update(step = null) {
    for (const panel of this.panels) panel.update(step ?? Infinity);
    this.element.hidden = this.panels.every((panel) => panel.element.hidden);
  }

  /** Pixels that it takes while closed: opening it must not shrink the picture. */
  get closedHeight() {
    return Math.max(...this.panels.map(({ head }) => head.offsetHeight));
  }

  #toggle(open) {
    remember('evaluation', { open });
    for (const { element } of this.panels) element.open = open;
  }
}

// events of older versions say nothing in words: their figures' names must do
function measuresOf(event) {
  if (event.measures) return event.measures;
  const named = (name) => ({ name, title: name.replaceAll('_', ' ') });
  const figures = Object.keys(event.figures ?? {}).map(named);
  return [{ name: '', title: '', floor: '', figures }];
}

/** A figure's floor, and the standard deviation that chance gives it, where that is known. */
function floorText({ floors, spreads }, name) {
  const spread = spreads?.[name];
  return short(floors?.[name]) + (typeof spread === 'number' ? ` ± ${short(spread)}` : '');
}

// the first figure of each measure, and then more of them
function headlines(event) {
  const measures = measuresOf(event).map(({ figures }) => figures);
  return [...measures.map((figures) => figures[0]), ...measures.flatMap((figures) => figures.slice(1))].slice(
    0,
    HEADLINES,
  );
}

function warningsOf({ warnings = [] }) {
  return warnings.map((text) => el('p', { class: 'gv-evaluation-warning' }, icon('warning'), text));
}

function networkOf({ network, seconds }) {
  const took = typeof seconds === 'number' ? ` It took ${short(seconds)} s.` : '';
  if (!network) return took ? el('p', { text: took.trim() }) : null;
  return el('p', {}, 'Looked at with ', el('b', { text: network.title }), `. ${network.note ?? ''}${took}`);
}

/** How each figure was measured: those that were measured alike share a line. */
export function notesOf(event) {
  const lines = new Map();
  for (const { name, floor, figures } of measuresOf(event)) {
    const details = event.metrics?.[name] ?? {};
    const n = details.n ?? details.test_images ?? event.n;
    const beside = details.against ? `, beside ${details.against}` : '';
    const has = floor && figures.some((figure) => event.floors?.[figure.name] !== undefined);
    const which = details.floor ? ` (${details.floor})` : '';
    const text = `N ${thousands(n)}${beside}.${has ? ` Floor: ${floor}${which}.` : ''}`;
    lines.set(text, [...(lines.get(text) ?? []), ...figures.map(({ title }) => title)]);
  }
  return [...lines].map(([text, titles]) => el('p', {}, el('b', { text: `${titles.join(', ')}: ` }), text));
}
