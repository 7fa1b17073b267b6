// Ctrl+V in the studio: a picture in the clipboard goes where a chosen file goes. Runs inside Gradio's page.

/** While the tab "Picture" is open; other pastes stay as they are. */
export default function pasting() {
  document.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith('image/'));
    /** @type {HTMLElement | null} */
    const tab = document.querySelector('#picture');
    /** @type {HTMLInputElement | null | undefined} */
    const input = tab?.querySelector('input[type=file]');
    if (!file || !input || !tab?.offsetParent) return;
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
    event.preventDefault();
  });
}
