// What the buttons do: commands to the runs on show, errors as notices, new runs opened in the same page.

import { askForCode } from '../login.js';
import { getJson, postJson, RequestError, runPath } from '../base/request.js';

export class Commands {
  /** `runs`: RunState list. `notify(text, kind)`. `open(ids)` shows other runs on this page. */
  constructor(runs, { notify, open, mayChange }) {
    this.runs = runs;
    this.notify = notify;
    this.open = open;
    this.mayChange = mayChange;
  }

  /** Sends a command to every run (or those given); returns the answers, or null if one was refused. */
  async send(command, runs = this.runs) {
    if (!this.mayChange) return null;
    for (const run of runs) run.askedAt = performance.now();
    return this.#guard(() => Promise.all(runs.map((run) => postJson(runPath(run.id, '/control'), command))));
  }

  pause() {
    return this.send(
      { command: 'pause' },
      this.runs.filter((run) => !run.ended),
    );
  }

  /**
   * Goes on: a paused run at once, an ended one from its last checkpoint, a finished one for as long again.
   */
  resume() {
    return this.#guard(() =>
      Promise.all(
        this.runs
          .filter((run) => run.state !== 'running')
          .map((run) => {
            const more =
              run.state === 'done'
                ? { steps: (run.status.steps ?? run.config.steps) + run.config.steps }
                : {};
            return postJson(runPath(run.id, '/control'), { command: 'resume', ...more });
          }),
      ),
    );
  }

  step(what) {
    return this.send(
      { command: 'step', what, count: 1 },
      this.runs.filter((run) => !run.ended),
    );
  }

  set(options, runs) {
    return this.send({ command: 'set', options }, runs);
  }

  /** Copies each run from `step`, whose weights were kept (null: as it is now), and shows the copies. */
  async branch(step) {
    const answers = await this.send({ command: 'branch', step, options: {} });
    if (answers) this.open(answers.map((answer) => answer.id));
  }

  /** Starts the runs that wait; those that hold their place stop, and can be resumed. */
  startNow() {
    return this.send(
      { command: 'start_now' },
      this.runs.filter((run) => run.state === 'queued'),
    );
  }

  async duplicate() {
    const answers = await this.send({ command: 'duplicate' });
    if (answers) this.open(answers.map((answer) => answer.id));
  }

  /** A remedy: at once if the options may change while the run trains, otherwise a new run from the start. */
  async remedy(run, remedy) {
    if (remedy.live) {
      const done = await this.set(remedy.options, [run]);
      if (done && run.state === 'paused') await this.send({ command: 'resume' }, [run]);
      if (done) this.notify(`Applied: ${remedy.sentence}`);
      return;
    }
    const { gan, data, steps, seed, options } = run.config;
    const body = { gan, data, steps, seed, options: { ...options, ...remedy.options } };
    const answer = await this.#guard(() => postJson('/api/runs', body));
    if (!answer) return;
    await this.#makeRoom(answer.id);
    this.open(this.runs.map((each) => (each === run ? answer.id : each.id)));
  }

  // a cure that waits in line behind the ill run would never be seen: the ill one stops, and can be resumed
  async #makeRoom(id) {
    const { status } = (await this.#guard(() => getJson(runPath(id)))) ?? {};
    if (status?.state === 'queued')
      await this.#guard(() => postJson(runPath(id, '/control'), { command: 'start_now' }));
  }

  async #guard(work) {
    if (!this.mayChange) return null;
    try {
      return await work();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      if (problem.status === 403) askForCode();
      else this.notify(problem.text, 'error');
      return null;
    }
  }
}
