// The Explore view: one model, one selected place in its latent space, and everything that follows it.

import { el } from '../base/dom.js';
import { ArithmeticTab } from './arithmetic.js';
import { AskTab } from './ask.js';
import { Client } from './client.js';
import { CodesPanel } from './codes.js';
import { FiltersTab } from './filters.js';
import { ExploreHead } from './head.js';
import { InterpolateTab } from './interpolate.js';
import { Latest, Rest } from './latest.js';
import { fitted, readAddress, writeAddress } from './place.js';
import { ProjectTab } from './project.js';
import { Selected } from './selected.js';
import { copyText } from './share.js';
import { Tabs } from './tabs.js';
import { CodesTab } from './traverse.js';
import { Troubles } from './troubles.js';
import { WalkTab } from './walk.js';
import { applyTheme, readTheme } from '../base/theme.js';

const TABS = {
  walk: WalkTab,
  codes: CodesTab,
  interpolate: InterpolateTab,
  arithmetic: ArithmeticTab,
  project: ProjectTab,
  ask: AskTab,
  filters: FiltersTab,
};
const POINT_TABS = { walk: WalkTab };
const SLOW = ['ask', 'filters', 'interpolate']; // nothing quick waits for them
const REST_MS = { held: 500, quick: 140, done: 15 }; // how soon the small pictures follow: see go()
const LOOK_MS = 3000; // between looks whether a model that trains has a new checkpoint
const MEDIUM = 1120; // below it codes stand under the selected sample, and
const NARROW = 760; // below this everything in one column
const LARGEST_HERE = 64; // pixels a side of what a browser draws itself
const FOOT = 49; // pixels that Streamlit leaves below
const SHORTEST = 560; // pixels that the view takes even where the window leaves less

export class ExploreView {
  /** @type {ExploreHead} */
  head;
  /** @type {Selected} */
  selected;
  /** @type {CodesPanel} */
  codes;
  /** @type {Tabs} */
  tabs;
  /** @type {Latest} */
  slow;
  /** @type {Latest} */
  judging;

  /**
   * `host`: the element to fill. `id`: the model. `role`: "presenter" or "viewer". `start`: what the address
   * says (explore/place.js). `open(id)`: show another model, or (null) the list of all.
   */
  constructor(host, { id, role, start, open }) {
    const { place, tab, view, first, lists } = start;
    this.host = host;
    this.id = id;
    this.open = open;
    this.place = place;
    this.tab = tab;
    this.view = view;
    this.first = first;
    this.lists = lists;
    this.z = null;
    this.step = null;
    this.mayChange = role === 'presenter';
    const isBusy = () => this.selected?.isBusy ?? true;
    const local = () => this.client.local;
    this.stats = { model: id, asked: 0, shown: 0, here: 0, place: null, rested: 0, isBusy, local };
    window.__ganscope_explore = this.stats;
    this.client = new Client(id, (step) => this.#heard(step));
    this.resting = new Rest(() => this.#rest(), REST_MS.done);
    this.troubles = new Troubles(this);
    this.opening = el('p', { class: 'gx-opening', text: 'Opening …' });
    this.root = el('div', { class: 'gv-root gx-root' }, this.troubles.banner, this.opening);
    host.append(this.root);
    this.setTheme();
    this.onResize = () => this.layout();
    addEventListener('resize', this.onResize);
    this.sizes = new ResizeObserver(this.onResize);
    this.sizes.observe(host);
    this.#open();
  }

  destroy() {
    this.closed = true;
    this.resting.cancel();
    clearTimeout(this.looking);
    this.troubles.destroy();
    removeEventListener('resize', this.onResize);
    this.sizes.disconnect();
    this.client.close();
    this.codes?.destroy();
    this.tabs?.destroy();
    this.root.remove();
    if (window.__ganscope_explore === this.stats) delete window.__ganscope_explore;
  }

  async #open() {
    try {
      this.model = await this.client.get();
    } catch (problem) {
      if (!this.closed) this.failed(problem);
      return;
    }
    if (this.closed) return;
    this.troubles.over();
    const { model } = this;
    this.step = model.step;
    this.isPoints = model.kind === 'points';
    this.isColour = model.shape[0] === 3;
    this.native = model.shape.at(-1);
    this.place = fitted(this.place, model);
    for (const [name, places] of Object.entries(this.lists))
      this.lists[name] = places.map((place) => fitted(place, model));
    this.#build();
    this.setTheme();
    this.openTab(this.tabs.names.includes(this.tab) ? this.tab : 'walk');
    this.selected.ask(this.place);
    this.#lookSoon();
  }

  #build() {
    this.head = new ExploreHead(this);
    this.selected = new Selected(this);
    this.codes = new CodesPanel(this);
    const { ask, ...others } = TABS;
    const tabs = this.model.has_discriminator ? TABS : others; // a model may be kept without its D
    this.tabs = new Tabs(this, this.isPoints ? POINT_TABS : tabs, (name) => this.openTab(name));
    const failed = (problem) => this.failed(problem);
    this.slow = new Latest((tab) => tab.rest(), failed);
    this.judging = new Latest(() => this.selected.rest(), failed);
    this.root.replaceChildren(
      this.troubles.banner,
      this.head.element,
      this.tabs.element,
      this.codes.element,
      this.selected.element,
      this.troubles.notice,
    );
    this.layout();
  }

  /** Shows the tab called `name`. */
  openTab(name) {
    this.tab = name;
    this.tabs.open(name);
    this.#follow();
    this.refreshSoon();
  }

  // --- the selected place

  /**
   * Goes to `place`. `pace`: "held" while the finger is down, so that nothing delays the large picture;
   * "quick" if more may follow at once, as from a key that is held; "done".
   */
  go(place, pace = 'done') {
    this.place = place;
    if (pace !== 'done' && this.mayDrawHere) this.client.local.start();
    this.selected.ask(place); // before anything that would delay it
    this.#follow();
    this.#restIn(REST_MS[pace]);
  }

  // a model that still learns is another one at each checkpoint: not worth sending
  get mayDrawHere() {
    return !this.isPoints && !this.model.live && this.native <= LARGEST_HERE;
  }

  /** The large picture has been drawn, from the latent `z`. */
  drawn(z) {
    this.z = z;
    this.troubles.over();
    this.#follow();
  }

  #follow() {
    this.codes.follow();
    this.tabs.current?.follow?.();
  }

  /** Changes what the address keeps beside the place: {view, first}. */
  set(changes) {
    Object.assign(this, changes);
    this.refreshSoon();
  }

  /** Replaces one of the lists of samples that were put aside. */
  put(name, places) {
    this.lists = { ...this.lists, [name]: places };
    this.refreshSoon();
  }

  /** Puts `place` aside as a key sample. */
  keep(place) {
    this.put('key', [...this.lists.key, place].slice(-12));
    this.notify(`Kept as key sample ${this.lists.key.length} for Interpolate.`);
  }

  /** Copies the address of exactly this. */
  async share(anchor) {
    this.#writeAddress();
    if (await copyText(location.href, anchor, 'address')) this.notify('Address copied');
  }

  // --- what follows once the finger rests: the small pictures, one request after the other, then D's opinion

  refreshSoon() {
    this.#restIn(REST_MS.done);
  }

  #restIn(ms) {
    this.resting.ms = ms;
    this.resting.ask();
  }

  async #rest() {
    if (this.closed || !this.selected) return;
    if (this.isResting || this.selected.isBusy) {
      this.#restIn(2 * REST_MS.done); // the large picture comes first
      return;
    }
    this.isResting = true;
    this.#writeAddress();
    const tab = this.tabs.current;
    const isSlow = SLOW.includes(this.tab);
    try {
      if (isSlow) this.slow.ask(tab);
      else await tab.rest?.();
      if (!this.selected.isBusy) await this.codes.rest();
    } catch (problem) {
      this.failed(problem);
    }
    this.isResting = false;
    if (this.selected.isBusy) return;
    this.stats.rested += 1;
    if (this.model.has_discriminator) this.judging.ask();
  }

  #writeAddress() {
    const { id: model, place, tab, view, first, lists } = this;
    if (readAddress(location.search).model !== model) return; // the page is on its way elsewhere
    const search = writeAddress(location.search, { model, place, tab, view, first, lists });
    if (search !== location.search) history.replaceState(history.state, '', search + location.hash);
  }

  // --- a model that goes on learning

  #heard(step) {
    if (this.step === null || step <= this.step || !this.selected) return;
    this.step = step;
    this.client.local.forget();
    this.head.update();
    this.redraw();
  }

  #lookSoon() {
    clearTimeout(this.looking);
    if (this.model.live && !this.closed) this.looking = setTimeout(() => this.#look(), LOOK_MS);
  }

  async #look() {
    try {
      if (!document.hidden) {
        const { live, step } = await this.client.get();
        this.troubles.over();
        this.model.live = live;
        this.#heard(step);
        this.head.update();
      }
    } catch (problem) {
      this.failed(problem);
    }
    this.#lookSoon();
  }

  /** Names a direction, for everyone. */
  async rename(name, title) {
    try {
      await this.client.patch('/directions', { [name]: title });
      this.model.directions.find((each) => each.name === name).title = title;
      this.notify(title ? `Direction named: ${title}` : 'Name removed.');
    } catch (problem) {
      this.failed(problem);
    }
  }

  // --- what can go wrong: see explore_troubles.js

  failed(problem) {
    this.troubles.failed(problem);
  }

  notify(text, kind) {
    this.troubles.notify(text, kind);
  }

  /** The server is back, or it may be. */
  async reopen() {
    if (this.closed) return;
    if (!this.model) {
      this.#open();
      return;
    }
    try {
      Object.assign(this.model, await this.client.get());
    } catch (problem) {
      this.failed(problem);
      return;
    }
    this.troubles.over();
    this.step = this.model.step;
    this.head.update();
    this.redraw();
    this.#lookSoon();
  }

  /** Asks for everything again. */
  redraw() {
    this.selected?.ask(this.place);
    this.refreshSoon();
  }

  /** The model has been deleted. What was drawn stays. */
  gone() {
    this.opening.remove();
    if (this.model) this.model.live = false;
    this.head?.update();
  }

  // --- looks

  /** Reads Streamlit's colours again: its menu switches between light and dark without a reload. */
  setTheme() {
    this.theme = readTheme(this.host);
    applyTheme(this.root, this.theme);
    if (!this.selected) return;
    this.selected.judged = null;
    this.refreshSoon();
  }

  /** Fits the window. Wide: as tall as it leaves, so that nothing needs scrolling. */
  layout() {
    const width = this.host.clientWidth;
    if (!width) return;
    this.root.classList.toggle('gx-medium', width < MEDIUM && width >= NARROW);
    this.isNarrow = width < NARROW;
    this.root.classList.toggle('gx-narrow', this.isNarrow);
    let scrolled = 0;
    for (let at = this.host.parentElement; at; at = at.parentElement) scrolled += at.scrollTop;
    const top = this.host.getBoundingClientRect().top + scrolled;
    this.root.style.setProperty('--gx-height', `${Math.max(SHORTEST, innerHeight - top - FOOT)}px`);
    this.selected?.fit();
  }
}
