// Model cards as elements: headings, lists, tables, paragraphs, and `code` and **bold** within a line. Whatever else
// a card holds stays text.

import { el } from './dom.js';

/** Elements for the Markdown `text`. */
export function markdown(text) {
  const blocks = text.trim().split(/\n\s*\n/);
  return blocks.flatMap((block) => grouped(block.split('\n')).map(element));
}

/** Runs of lines of one kind: heading, item, row or words. */
function grouped(lines) {
  const groups = [];
  for (const line of lines) {
    const kind = kindOf(line);
    const last = groups.at(-1);
    if (last?.kind === kind && kind !== 'heading') last.lines.push(line);
    else if (last?.kind === 'item' && /^\s+\S/.test(line))
      last.lines.push(`${last.lines.pop()} ${line.trim()}`);
    else groups.push({ kind, lines: [line] });
  }
  return groups;
}

function kindOf(line) {
  if (/^#{1,6} /.test(line)) return 'heading';
  if (/^[-*] /.test(line)) return 'item';
  return line.startsWith('|') ? 'row' : 'words';
}

function element({ kind, lines }) {
  if (kind === 'heading') return el('h3', {}, inline(lines[0].replace(/^#+ /, '')));
  if (kind === 'item') return el('ul', {}, ...lines.map((line) => el('li', {}, inline(line.slice(2)))));
  if (kind === 'row') return table(lines);
  return el('p', {}, inline(lines.join(' ')));
}

function table(lines) {
  const [head, ...rows] = lines.filter((line) => !/^[|:\s-]+$/.test(line)).map(cells);
  const row = (tag, texts) => el('tr', {}, ...texts.map((text) => el(tag, {}, inline(text))));
  return el(
    'table',
    {},
    el('thead', {}, row('th', head)),
    el('tbody', {}, ...rows.map((one) => row('td', one))),
  );
}

function cells(line) {
  return line
    .replace(/^\||\|\s*$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (/^`.+`$/.test(part)) return el('code', { text: part.slice(1, -1) });
    return /^\*\*.+\*\*$/.test(part) ? el('strong', { text: part.slice(2, -2) }) : part;
  });
}
