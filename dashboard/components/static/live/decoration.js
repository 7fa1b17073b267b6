// What a chart carries besides its lines: values at equilibrium, marks of commands, the pinned step, and
// the lines' names.

import { constant } from '../base/format.js';

export const GUTTER = 78; // CSS pixels to the right of the plot for the lines' names and the reference values
export const NARROW_GUTTER = 30;
export const FONT_SIZE = 14;

/** Draws over `plot`, a uPlot chart of `owner`, a Chart. */
export function decorate(owner, plot) {
  const { ctx: context, bbox: box } = plot;
  const ratio = devicePixelRatio || 1;
  const font = (weight) => `${weight} ${FONT_SIZE * ratio}px ${owner.board.theme.font}`;
  const pen = { context, box, ratio, font, right: box.left + box.width, bottom: box.top + box.height };
  context.save();
  context.setLineDash([]); // a second run's lines leave theirs
  Object.assign(context, { font: font(600), textBaseline: 'middle', textAlign: 'left' });
  drawReferences(owner, plot, pen);
  for (const curve of owner.curves) drawCurve(owner, curve, plot, pen);
  drawMarks(owner, plot, pen);
  drawPin(owner, plot, pen);
  drawNames(owner, plot, pen);
  context.restore();
}

function drawReferences(owner, plot, { context, box, ratio, font, right, bottom }) {
  const names = Math.max(...owner.lines.map(({ tag }) => context.measureText(tag).width)) / ratio;
  const shift = names ? names + 10 : 6; // past the names of the lines
  let free = -Infinity;
  context.font = font(400);
  for (const { value, color, spread } of [...owner.references].sort((a, b) => b.value - a.value)) {
    const y = plot.valToPos(value, 'y', true);
    if (spread) drawSpread(plot, { context, box, right, bottom }, value, spread, owner.board.theme[color]);
    if (!(y >= box.top - 1 && y <= bottom + 1)) continue;
    context.strokeStyle = context.fillStyle = owner.board.theme[color];
    context.lineWidth = 1.5 * ratio;
    context.setLineDash([1.5 * ratio, 4 * ratio]);
    line(context, box.left, y, right + 6 * ratio, y);
    context.setLineDash([]);
    const at = Math.max(y, free);
    const text = fitting(constant(value), (owner.gutter - shift) * ratio, context);
    context.fillText(text, right + shift * ratio, at);
    free = at + FONT_SIZE * ratio;
  }
  context.font = font(600);
}

// what chance does to a reference: a band of a standard deviation to either side
function drawSpread(plot, { context, box, right, bottom }, value, spread, colour) {
  const inside = (y) => Math.min(bottom, Math.max(box.top, y));
  const [high, low] = [value + spread, value - spread].map((at) => inside(plot.valToPos(at, 'y', true)));
  context.globalAlpha = 0.14;
  context.fillStyle = colour;
  context.fillRect(box.left, high, right - box.left, low - high);
  context.globalAlpha = 1;
}

// a value where there is room for it
function fitting(text, room, context) {
  const shapes = [text, text.replace(' log ', 'log'), ''];
  return shapes.find((shape) => context.measureText(shape).width <= room);
}

// what theory says is dotted, what was guessed dashed; each is named where it ends
function drawCurve({ board }, { steps, values, kind }, plot, { context, box, ratio, right, bottom }) {
  const shown = steps
    .map((step, k) => [plot.valToPos(step, 'x', true), plot.valToPos(values[k], 'y', true)])
    .filter(([x, y]) => x >= box.left && x <= right && Number.isFinite(y));
  if (!shown.length) return;
  const isGuess = kind === 'guess';
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.strokeStyle = context.fillStyle = isGuess ? board.theme.muted : board.theme.text;
  context.lineWidth = (isGuess ? 2 : 2.6) * ratio;
  context.setLineDash(isGuess ? [9 * ratio, 5 * ratio] : [2 * ratio, 4 * ratio]);
  context.beginPath();
  for (const [x, y] of shown) context.lineTo(x, y);
  context.stroke();
  context.setLineDash([]);
  const [x, y] = shown.at(-1);
  const text = isGuess ? 'your guess' : 'theory';
  const left = Math.max(box.left, Math.min(x, right) - context.measureText(text).width - 6 * ratio);
  const beside = y + (isGuess ? 12 : -12) * ratio;
  context.fillText(text, left, Math.min(bottom - 9 * ratio, Math.max(box.top + 9 * ratio, beside)));
  context.restore();
}

// labels are set from the newest mark to the oldest, each only where there is room
function drawMarks({ board, spec }, plot, { context, box, ratio, font, right, bottom }) {
  let free = Infinity;
  context.font = font(400);
  for (const { step, text } of [...board.marks].reverse()) {
    const x = plot.valToPos(step, 'x', true);
    if (!(x >= box.left && x <= right)) continue;
    context.strokeStyle = board.theme.muted;
    context.lineWidth = ratio;
    context.setLineDash([4 * ratio, 3 * ratio]);
    line(context, x, box.top, x, bottom);
    context.setLineDash([]);
    if (!spec.labelled) continue;
    const width = context.measureText(text).width + 10 * ratio;
    const left = Math.min(x + 3 * ratio, right - width);
    if (left + width > free) continue;
    free = Math.min(left, x) - 4 * ratio;
    context.fillStyle = board.theme.background;
    context.globalAlpha = 0.85;
    context.fillRect(left, box.top, width, 19 * ratio);
    context.globalAlpha = 1;
    context.fillStyle = board.theme.text;
    context.fillText(text, left + 4 * ratio, box.top + 10 * ratio);
  }
  context.font = font(600);
}

function drawPin({ board }, plot, { context, box, ratio, right, bottom }) {
  if (board.pin === null) return;
  const x = plot.valToPos(board.pin, 'x', true);
  if (!(x >= box.left && x <= right)) return;
  context.strokeStyle = board.theme.text;
  context.lineWidth = 2.5 * ratio;
  line(context, x, box.top, x, bottom);
}

// the line's name at its newest point, so that nobody has to compare colours with a legend
function drawNames(owner, plot, { context, box, ratio, right, bottom }) {
  const { board, lines, hidden } = owner;
  const first = 1 + lines.length * owner.runs.length; // the raw lines come before
  const ends = lines
    .map((item, k) => ({ item, value: plot.data[first + k].findLast((value) => typeof value === 'number') }))
    .filter(({ item, value }) => item.tag && value !== undefined && !hidden.has(item.key))
    .map(({ item, value }) => {
      const y = plot.valToPos(value, 'y', true);
      return { item, y: Math.min(bottom, Math.max(box.top, y)) };
    })
    .sort((a, b) => a.y - b.y);
  setApart(ends, FONT_SIZE * ratio, bottom);
  ends.forEach((end) => {
    context.fillStyle = board.theme[end.item.color];
    context.fillText(end.item.tag, right + 4 * ratio, end.y);
  });
}

/** Moves `ends`, sorted by `y`, until there is `gap` between them and none is below `bottom`. */
export function setApart(ends, gap, bottom) {
  for (let k = 1; k < ends.length; k++) ends[k].y = Math.max(ends[k].y, ends[k - 1].y + gap);
  let free = bottom;
  for (const end of [...ends].reverse()) {
    end.y = Math.min(end.y, free);
    free = end.y - gap;
  }
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
