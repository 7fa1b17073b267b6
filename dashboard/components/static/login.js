// A form for the presenter code. The cookie that the answer sets counts from the next page load on, so the page reloads.

import { postJson } from './base/request.js';

export default function login({ parentElement }) {
  const form = parentElement.querySelector('form');
  const said = form.querySelector('output');
  form.onsubmit = async (event) => {
    event.preventDefault();
    said.textContent = '';
    try {
      await postJson('/api/login', { code: form.elements.code.value });
    } catch (problem) {
      said.textContent = problem.text;
      return;
    }
    window.location.reload();
  };
}
