// Building elements. Text only ever becomes text nodes: what users typed cannot turn into markup.

const CONTROLS = new Set([
  'button',
  'a',
  'input',
  'select',
  'textarea',
  'summary',
  'label',
  'canvas',
  'iframe',
]);
const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. `attrs`: `class`, `text`, `on` {event: handler}, `data` {name: value}; the rest are
 * attributes.
 */
export function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') node.textContent = value;
    else if (name === 'on')
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === 'data') Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  if (attrs.title && !CONTROLS.has(tag) && node.tabIndex < 0) node.tabIndex = 0; // its help: see help.js
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// 24 x 24 outlines; `fill` marks the ones that are solid
const ICONS = {
  pause: { fill: true, d: 'M6 4h4v16H6zM14 4h4v16h-4z' },
  play: { fill: true, d: 'M7 4l13 8-13 8z' },
  stop: { fill: true, d: 'M5 5h14v14H5z' },
  branch: { d: 'M6 4v16M6 15c0-6 12-3 12-9M18 6V4M3.5 4h5M3.5 20h5M15.5 4h5' },
  share: { d: 'M10 14l10-10M14 4h6v6M19 14v6H4V5h6' },
  menu: { fill: true, d: 'M10 3h4v4h-4zM10 10h4v4h-4zM10 17h4v4h-4z' },
  first: { fill: true, d: 'M5 4h3v16H5zM20 4v16L9 12z' },
  check: { d: 'M4 12.5l5.5 5.5L20 6.5' },
  cross: { d: 'M5 5l14 14M19 5L5 19' },
  warning: { d: 'M12 3.5L22 20.5H2zM12 9.5v5M12 17.2v.6' },
  broken: { d: 'M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8zM12 7v6M12 16.2v.6' },
  healthy: { d: 'M12 2.8a9.2 9.2 0 1 0 .01 0zM7.5 12.3l3.2 3.2 5.8-6.5' },
  waiting: { d: 'M12 2.8a9.2 9.2 0 1 0 .01 0zM12 7v5.4l3.4 2' },
  down: { d: 'M5 9l7 7 7-7' },
};

/** One of the outlines above as an inline SVG that takes the text's colour. */
export function icon(name) {
  const shape = ICONS[name];
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `gv-icon gv-icon-${shape.fill ? 'solid' : 'line'}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', shape.d);
  svg.append(path);
  return svg;
}

/** Set text only when it differs: an unchanged node costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A panel in the top layer under (or over) `anchor`, closed by Escape, a click elsewhere or the returned
 * function.
 * @param {HTMLElement} anchor
 * @param {HTMLElement} content
 * @param {{ label: string, onClose?: () => void }} words
 */
export function popup(anchor, content, { label, onClose }) {
  const root = anchor.closest('.gv-root') ?? document.body;
  const panel = el(
    'div',
    { class: 'gv-popup', popover: 'auto', role: 'dialog', 'aria-label': label },
    content,
  );
  root.append(panel);
  anchor.setAttribute('aria-expanded', 'true');
  panel.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    anchor.setAttribute('aria-expanded', 'false');
    panel.remove();
    onClose?.();
  });
  panel.showPopover();
  place(panel, anchor.getBoundingClientRect());
  return () => panel.isConnected && panel.hidePopover();
}

function place(panel, at) {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const below = at.bottom + 6 + height < innerHeight - 8;
  const top = below ? at.bottom + 6 : Math.max(8, at.top - height - 6);
  panel.style.left = `${left}px`;
  panel.style.top = `${top}px`;
}

/** What was kept under `name` in this browser, over `defaults`. */
export function remembered(name, defaults) {
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem(`ganscope.${name}`) ?? '{}') };
  } catch {
    return { ...defaults }; // storage forbidden, or somebody else's text under our name
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`ganscope.${name}`, JSON.stringify(value));
  } catch {
    // storage forbidden or full: the choice lasts as long as the page
  }
}
