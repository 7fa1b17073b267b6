// What the page knows of one run: configuration, status, metric history, events, snapshots.

/** @import { DiagnosisRecord, EvaluationEvent, Game, Message, Meta, RunConfig, RunEvent, Status, Turns } from '../base/records.js' */

import { History } from './history.js';
import { commandText } from '../base/format.js';

export const ENDED = new Set(['done', 'stopped', 'failed']);
const ANSWER_MS = 10_000; // within which a refusal answers what was asked here
const MARKED = new Set(['set', 'limit', 'step', 'checkpoint', 'pause', 'resume']);

export class RunState {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {RunConfig | null} */
    this.config = null;
    /** @type {Status} */
    this.status = { state: 'starting', step: 0 };
    this.statusAt = performance.now();
    this.history = new History();
    this.lastEvent = -1;
    this.marks = []; // {step, text, kind}
    /** @type {{ step: number, active: DiagnosisRecord[] }[]} */
    this.diagnoses = []; // {step, active}
    /** @type {EvaluationEvent[]} */
    this.evaluations = []; // the events, rising in step
    this.snapshots = [];
    this.weights = []; // steps to branch from
    /** @type {Game | null} */
    this.game = null;
    /** @type {Turns | null} */
    this.turns = null; // those that were followed last
    this.frameStep = 0;
    this.askedAt = -Infinity; // when a command was sent from here
    this.refused = ''; // what the run had against it
    this.gone = false;
    this.viewers = 1;
  }

  /** @returns {Partial<Meta>} */
  get meta() {
    return this.config?.meta ?? {};
  }

  get state() {
    return this.gone ? 'gone' : this.status.state;
  }

  get ended() {
    return ENDED.has(this.state);
  }

  /** Where the run's own rows begin: 0, or the step that it was branched from. */
  get start() {
    return this.config?.parent?.step ?? 0;
  }

  /** The newest step known from anywhere. A run set back by a resume counts from where it is now. */
  get step() {
    return Math.max(this.frameStep, this.history.newest?.step ?? 0, this.status.step ?? 0);
  }

  /** Seconds trained, counted on between two status messages. */
  get elapsed() {
    const since = this.state === 'running' ? (performance.now() - this.statusAt) / 1000 : 0;
    return Math.max(this.status.elapsed ?? 0, this.history.newest?.time ?? 0) + Math.min(since, 5);
  }

  /** The problems that held at `step`, gravest first; empty if nothing was said yet. */
  activeAt(step = Infinity) {
    return this.diagnoses.findLast((each) => each.step <= step)?.active ?? [];
  }

  /** The last evaluation at or before `step`, or null. */
  evaluationAt(step = Infinity) {
    return this.evaluations.findLast((each) => each.step <= step) ?? null;
  }

  /**
   * What real data, or what else is put beside it, gave for a figure in the last evaluation up to `step`, or null;
   * of its "spreads" what chance does to that.
   */
  floor(figure, step = Infinity, what = 'floors') {
    return (this.evaluationAt(step) ?? this.evaluations[0])?.[what]?.[figure] ?? null;
  }

  /** {value, step} of a figure's best value up to `step`; `better`: "lower" | "higher". */
  best(figure, better, step = Infinity) {
    /** @type {{ value: number, step: number } | null} */
    let best = null;
    for (const each of this.evaluations) {
      const value = each.figures?.[figure];
      if (each.step > step || typeof value !== 'number') continue;
      if (!best || (better === 'lower' ? value < best.value : value > best.value))
        best = { value, step: each.step };
    }
    return best;
  }

  /**
   * Takes one message of the live socket; returns the names of what changed.
   * @param {Message} message
   */
  take(message) {
    switch (message.type) {
      case 'hello': {
        const same = JSON.stringify(message.config) === JSON.stringify(this.config);
        this.config = message.config;
        this.viewers = 1; // until another number is said
        this.#setStatus(message.status);
        this.#setSnapshots(message.snapshots, message.weights);
        return [...(same ? [] : ['config']), 'status', 'snapshots'];
      }
      case 'rows':
        return this.history.add(message.rows) ? ['rows'] : [];
      case 'events':
        return this.#addEvents(message.events);
      case 'status':
        this.#setStatus(message.status);
        return ['status'];
      case 'snapshots':
        this.#setSnapshots(message.steps, message.weights);
        return ['snapshots'];
      case 'viewers':
        this.viewers = message.viewers;
        return ['status'];
      case 'game':
        this.game = message.game;
        return ['game'];
      case 'turns':
        this.turns = message.turns;
        return ['game'];
      case 'gone':
        this.gone = true;
        return ['status'];
      default:
        return [];
    }
  }

  /** @param {Status} status */
  #setStatus(status) {
    if (status.attempt !== this.status.attempt) this.frameStep = 0;
    this.status = status;
    this.statusAt = performance.now();
  }

  #setSnapshots(steps, weights) {
    this.snapshots = [...(steps ?? [])].sort((a, b) => a - b);
    this.weights = [...(weights ?? [])].sort((a, b) => a - b);
  }

  /** @param {RunEvent[]} events */
  #addEvents(events) {
    const changed = new Set();
    for (const event of events) {
      if (event.row <= this.lastEvent) continue;
      this.lastEvent = event.row;
      if (event.type === 'diagnosis') {
        this.diagnoses.push({ step: event.step, active: event.active ?? [] });
        changed.add('diagnosis');
      } else if (event.type === 'command' && MARKED.has(event.command?.command)) {
        const kind = event.command.command;
        this.marks.push({ step: event.step, kind, text: commandText(event.command, this.meta.live) });
        changed.add('marks');
      } else if (event.type === 'evaluation') {
        this.#dropEvaluations(event.step - 1);
        this.evaluations.push(event);
        changed.add('evaluation');
      } else if (event.type === 'resumed') {
        this.#dropEvaluations(event.step);
        changed.add('evaluation');
        this.marks.push({ step: event.step, kind: 'resumed', text: 'resumed' });
        changed.add('marks');
      } else if (event.type === 'error' && performance.now() - this.askedAt < ANSWER_MS) {
        this.refused = [event.error, event.remedy].filter(Boolean).join(' ');
        changed.add('refused');
      }
    }
    return [...changed];
  }

  // what came after a checkpoint is done again when a run goes on from it
  #dropEvaluations(after) {
    this.evaluations = this.evaluations.filter(({ step }) => step <= after);
  }

  /** The entry of a rising list that is nearest to `step`, or null. */
  static nearest(steps, step) {
    let best = null;
    for (const at of steps) if (best === null || Math.abs(at - step) < Math.abs(best - step)) best = at;
    return best;
  }
}
