// A picture from the user: chosen, dropped, pasted, photographed or drawn.

import { el, popup } from '../base/dom.js';
import { Paint } from './paint.js';

const SENT_BYTES = 900_000; // larger files are made smaller here, where that is possible
const SENT_SIDE = 512; // pixels then: many times what a model sees

export class PictureInput {
  /**
   * `hub`: {native, isColour, notify}. `take(blob, name)`: here it is. `extra`: further buttons in the row.
   */
  constructor(hub, take, extra = []) {
    this.hub = hub;
    this.take = take;
    this.file = this.#fileField({});
    this.photo = this.#fileField({ capture: 'environment' });
    const button = (text, title, click) =>
      el('button', { type: 'button', class: 'gv-button gv-small', text, title, on: { click } });
    this.camera = button('Camera', 'Take a picture', () => this.#openCamera());
    this.draw = button('Draw', 'Draw one yourself', () => this.#openPaint());
    this.element = el(
      'div',
      {
        class: 'gx-drop',
        on: {
          dragover: (event) => this.#dragged(event, true),
          dragleave: (event) => this.#dragged(event, false),
          drop: (event) => this.#dropped(event),
        },
      },
      extra,
      button('Choose a picture', 'A file of this device', () => this.file.click()),
      this.camera,
      this.draw,
      el('span', { class: 'gv-muted gx-hint', text: 'or drop or paste one' }),
      this.file,
      this.photo,
    );
    this.onPaste = (event) => this.#pasted(event);
    document.addEventListener('paste', this.onPaste);
  }

  destroy() {
    document.removeEventListener('paste', this.onPaste);
    this.#closeCamera();
  }

  #fileField(more) {
    const field = el('input', {
      type: 'file',
      accept: 'image/*',
      hidden: true,
      ...more,
      on: {
        change: () => {
          if (field.files.length) this.#give(field.files[0], field.files[0].name);
          field.value = '';
        },
      },
    });
    return field;
  }

  async #give(blob, name) {
    this.take(blob.size > SENT_BYTES ? await smaller(blob) : blob, name);
  }

  #dragged(event, over) {
    event.preventDefault();
    this.element.classList.toggle('gx-over', over);
  }

  #dropped(event) {
    this.#dragged(event, false);
    const [file] = event.dataTransfer.files;
    if (file) this.#give(file, file.name);
    else this.hub.notify('Drop a picture file.');
  }

  #pasted(event) {
    if (!this.element.offsetParent) return; // another tab is open
    const file = [...(event.clipboardData?.files ?? [])][0];
    if (!file) return;
    event.preventDefault();
    this.#give(file, file.name || 'pasted picture');
  }

  // --- camera: browsers only grant it on localhost and over https

  async #openCamera() {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.photo.click();
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch (problem) {
      const denied = problem.name === 'NotAllowedError';
      this.hub.notify(denied ? 'The browser may not use the camera.' : 'There is no camera to use.', 'error');
      return;
    }
    const video = el('video', { class: 'gx-video', playsinline: true, muted: true });
    video.srcObject = this.stream;
    await video.play();
    const take = el('button', { type: 'button', class: 'gv-button gv-primary', text: 'Take' });
    const close = popup(this.camera, el('div', { class: 'gx-camera' }, video, take), {
      label: 'camera',
      onClose: () => this.#closeCamera(),
    });
    take.addEventListener('click', () => {
      const side = Math.min(video.videoWidth, video.videoHeight);
      const canvas = el('canvas', { width: SENT_SIDE, height: SENT_SIDE });
      const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
      canvas.getContext('2d').drawImage(video, left, top, side, side, 0, 0, SENT_SIDE, SENT_SIDE);
      canvas.toBlob((blob) => this.take(blob, 'photograph'), 'image/png');
      close();
    });
  }

  #closeCamera() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  #openPaint() {
    const paint = new Paint({ side: this.hub.native, colour: this.hub.isColour });
    const done = el('button', { type: 'button', class: 'gv-button gv-primary', text: 'Use it' });
    const close = popup(this.draw, el('div', { class: 'gx-camera' }, paint.element, done), { label: 'draw' });
    done.addEventListener('click', async () => {
      this.take(await paint.blob(), 'drawing');
      close();
    });
  }
}

// a photograph of many megabytes as a picture of a few hundred kilobytes; what cannot be read is sent as it
// is, and the server says why
async function smaller(blob) {
  try {
    const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' });
    const scale = Math.min(1, SENT_SIDE / Math.min(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) =>
      Math.max(1, Math.round(side * scale)),
    );
    const canvas = el('canvas', { width, height });
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    return await new Promise((resolve) => {
      canvas.toBlob((made) => resolve(made ?? blob), 'image/jpeg', 0.95);
    });
  } catch {
    return blob;
  }
}
