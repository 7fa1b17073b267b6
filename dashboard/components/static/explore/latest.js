// Work of which only the newest counts, such as drawing what a slider says while it is dragged.

/**
 * At most one piece of work is under way and one waits; a newer one takes the place of the one that waits. So
 * pieces end in the order in which they were asked for, and after the last nothing is left to do.
 */
export class Latest {
  /** `work(job)`: async. `failed(problem, job)`: what to do when it rejects; the next piece goes on. */
  constructor(work, failed) {
    this.work = work;
    this.failed = failed;
    this.waiting = null;
    this.busy = false;
  }

  /** Do `job` as soon as possible, in place of any that waits. */
  ask(job) {
    this.waiting = { job };
    if (!this.busy) this.#run();
  }

  /** Forget what waits. What is under way ends, and is shown. */
  clear() {
    this.waiting = null;
  }

  async #run() {
    this.busy = true;
    while (this.waiting) {
      const { job } = this.waiting;
      this.waiting = null;
      try {
        await this.work(job);
      } catch (problem) {
        this.failed(problem, job);
      }
    }
    this.busy = false;
  }
}

/** Calls `work` once nothing has asked for `ms` milliseconds. */
export class Rest {
  constructor(work, ms) {
    this.work = work;
    this.ms = ms;
  }

  ask() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.work, this.ms);
  }

  cancel() {
    clearTimeout(this.timer);
  }
}
