// Smooth motion of point sets between frames: each point keeps its identity and glides to where the newest
// frame puts it.

const LONGEST_MS = 400;
const FIRST_MS = 250; // after a pause, or when the reader looks back

export class Motion {
  constructor() {
    this.sets = new Map(); // name -> {from, to, now}
    this.start = 0;
    this.duration = 0;
    this.lastArrival = -Infinity;
    this.interval = 50; // milliseconds between frames, averaged
  }

  /** Takes new targets (name -> Float32Array). Sets that changed size jump, and all of them with `jump`. */
  aim(targets, time, jump) {
    this.at(time);
    const gap = time - this.lastArrival;
    this.lastArrival = time;
    const flowing = gap < 1000;
    if (flowing) this.interval += (gap - this.interval) * 0.15;
    this.start = time;
    this.duration = jump ? 0 : flowing ? Math.min(LONGEST_MS, this.interval) : FIRST_MS;
    for (const [name, to] of Object.entries(targets)) {
      const known = this.sets.get(name);
      const fresh = jump || known?.now.length !== to.length;
      this.sets.set(name, { from: fresh ? to : known.now.slice(), to, now: fresh ? to.slice() : known.now });
    }
  }

  /** Moves every set to where it is at `time`; true while something is still under way. */
  at(time) {
    const share = this.duration ? Math.min(1, Math.max(0, (time - this.start) / this.duration)) : 1;
    for (const { from, to, now } of this.sets.values()) {
      for (let i = 0; i < now.length; i += 1) now[i] = from[i] + (to[i] - from[i]) * share;
    }
    return share < 1;
  }

  /** The points of a set as they are now, or undefined. */
  get(name) {
    return this.sets.get(name)?.now;
  }
}
