// A form for the presenter code. The cookie that the answer sets counts from the next page load on, so the page reloads.

import { el } from './base/dom.js';
import { postJson } from './base/request.js';

/** The form that Python has drawn. */
export default function login({ parentElement }) {
  const form = parentElement.querySelector('form');
  form.onsubmit = (event) => submit(event, form);
}

/** The same form over the page, for when a server that was started anew has forgotten who presents. */
export function askForCode() {
  if (document.querySelector('.gs-code')) return;
  const input = el('input', {
    name: 'code',
    required: true,
    maxlength: 100,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const form = el(
    'form',
    { class: 'gs-login' },
    el('p', { text: "Only the presenter may do this. The server's terminal shows the code." }),
    el('label', { text: 'Presenter code' }, input),
    el('button', { text: 'Enter' }),
    el('button', { type: 'button', text: 'Close', on: { click: () => dialog.close() } }),
    el('output', { role: 'alert' }),
  );
  form.onsubmit = (event) => submit(event, form);
  const dialog = el('dialog', { class: 'gs-code', 'aria-label': 'Presenter code' }, form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function submit(event, form) {
  event.preventDefault();
  const said = form.querySelector('output');
  said.textContent = '';
  try {
    await postJson('/api/login', { code: form.elements.code.value });
  } catch (problem) {
    said.textContent = problem.text;
    return;
  }
  window.location.reload();
}
