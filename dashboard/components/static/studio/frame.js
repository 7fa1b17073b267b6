// The studio in a frame: as high as what is in it, so that only the page scrolls, and in the page's theme.

import { el } from '../base/dom.js';
import { address } from '../base/request.js';
import { readTheme } from '../base/theme.js';

const mounted = new WeakMap(); // parentElement -> Frame
const ADDRESS = address('/studio/').href;
const ASK_EVERY_MS = 700; // while it is loading
const LOWEST = 560; // pixels

/** `data`: {"model": id or ""}. */
export default function studio({ parentElement, data }) {
  const known = mounted.get(parentElement);
  const frame = known ?? new Frame(parentElement);
  mounted.set(parentElement, frame);
  frame.show(data.model, readTheme(parentElement).dark);
  return () => {
    if (parentElement.isConnected) return;
    frame.destroy();
    mounted.delete(parentElement);
  };
}

class Frame {
  constructor(host) {
    this.words = el('p', { role: 'status', class: 'gs-waiting' });
    this.frame = el('iframe', {
      title: 'Studio',
      allow: 'camera; clipboard-read; clipboard-write; fullscreen',
      scrolling: 'no',
      style: `display:block; width:100%; border:0; height:${LOWEST}px; visibility:hidden`,
    });
    this.frame.addEventListener('load', () => this.#watch());
    document.addEventListener('paste', this.#passOn);
    host.append(this.words, this.frame);
    this.resized = new ResizeObserver(() => this.#measure());
    this.drawn = new MutationObserver(() => this.#measure()); // its size may stay when its parts come
  }

  destroy() {
    this.model = undefined;
    document.removeEventListener('paste', this.#passOn);
    this.resized.disconnect();
    this.drawn.disconnect();
    this.words.remove();
    this.frame.remove();
  }

  // a picture is pasted while the focus is in the page around the frame
  #passOn = (event) => {
    const inside = this.frame.contentDocument?.body;
    const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith('image/'));
    if (!inside || !pictures.length) return;
    const clipboardData = new DataTransfer();
    for (const picture of pictures) clipboardData.items.add(picture);
    const options = { clipboardData, bubbles: true, cancelable: true };
    const pasted = new this.frame.contentWindow.ClipboardEvent('paste', options);
    inside.dispatchEvent(pasted);
    if (pasted.defaultPrevented) event.preventDefault();
  };

  async show(model, dark) {
    this.dark = dark;
    this.#paint();
    if (model === this.model) return;
    this.model = model;
    this.words.textContent = 'The studio is loading …';
    this.frame.style.visibility = 'hidden';
    while (this.model === model && (await this.#state()) !== 'ready')
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    if (this.model !== model) return;
    const query = new URLSearchParams({ model, __theme: this.dark ? 'dark' : 'light' });
    this.frame.src = `${ADDRESS}?${query}`;
  }

  async #state() {
    try {
      const { state } = await (await fetch(`${ADDRESS}state`)).json();
      if (state === 'failed')
        this.words.textContent = "The studio did not start. The server's terminal says why.";
      return state;
    } catch {
      return 'away'; // the server is being restarted
    }
  }

  // the frame has loaded, but its scripts have yet to draw: it is of the same origin, so it can be watched
  #watch() {
    const inside = this.frame.contentDocument;
    if (!inside?.body || !this.frame.src) return;
    this.resized.disconnect();
    this.resized.observe(inside.body);
    this.drawn.disconnect();
    this.drawn.observe(inside.body, { childList: true, subtree: true });
    this.#paint();
    this.#measure();
  }

  #measure() {
    if (this.frame.contentDocument?.querySelector('.gradio-container button')) {
      this.drawn.disconnect();
      this.words.textContent = '';
      this.frame.style.visibility = '';
    }
    const height = this.frame.contentDocument?.body?.offsetHeight ?? 0;
    this.frame.style.height = `${Math.max(LOWEST, height)}px`;
  }

  #paint() {
    const inside = this.frame.contentDocument;
    inside?.body?.classList.toggle('dark', this.dark);
    if (inside?.documentElement) inside.documentElement.style.colorScheme = this.dark ? 'dark' : 'light';
  }
}
