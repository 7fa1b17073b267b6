// Two small charts on canvases: histograms of scores, and distances along a walk.

import { short } from '../base/format.js';
import { density } from './sheet.js';

const FOOT = 18; // CSS pixels for the numbers under a chart

function paper(canvas, theme) {
  const ratio = density();
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  context.font = `13px ${theme.font}`;
  return { context, width, height: height - FOOT };
}

/**
 * How D scores real and generated data, {edges, counts} each, with marks at `scores`. Real data are filled,
 * generated ones an outline.
 */
export function histogram(canvas, { real, fake, scores, theme }) {
  if (!real && !fake) return;
  const { context, width, height } = paper(canvas, theme);
  if (!width || height < 10) return;
  const ends = [real, fake].flatMap((each) => (each ? [each.edges[0], each.edges.at(-1)] : []));
  const [low, high] = [Math.min(...ends, ...scores), Math.max(...ends, ...scores)];
  const x = (value) => 4 + ((value - low) / (high - low || 1)) * (width - 8);
  for (const [each, color, filled] of [
    [real, theme.real, true],
    [fake, theme.fake, false],
  ]) {
    if (each) outline(context, each, { x, height, color, filled });
  }
  context.fillStyle = theme.text;
  for (const score of scores) {
    const at = x(score);
    context.fillRect(at - 1, 4, 2, height - 4);
    context.beginPath();
    for (const [dx, dy] of [
      [-6, 0],
      [6, 0],
      [0, 9],
    ])
      context.lineTo(at + dx, dy);
    context.fill();
  }
  Object.assign(context, { fillStyle: theme.muted, textBaseline: 'bottom' });
  for (const [value, align, at] of [
    [low, 'left', 2],
    [high, 'right', width - 2],
  ]) {
    context.textAlign = align;
    context.fillText(short(value), at, height + FOOT);
  }
}

function outline(context, { edges, counts }, { x, height, color, filled }) {
  const most = Math.max(...counts, 1);
  context.beginPath();
  context.moveTo(x(edges[0]), height);
  counts.forEach((count, k) => {
    const y = height - (count / most) * (height - 12);
    context.lineTo(x(edges[k]), y);
    context.lineTo(x(edges[k + 1]), y);
  });
  context.lineTo(x(edges.at(-1)), height);
  Object.assign(context, {
    fillStyle: color,
    strokeStyle: color,
    lineWidth: 2,
    globalAlpha: filled ? 0.3 : 1,
  });
  context.setLineDash(filled ? [] : [5, 3]);
  if (filled) context.fill();
  context.globalAlpha = 1;
  context.stroke();
  context.setLineDash([]);
}

/** Which of `steps` stand out: more than `times` the middle one. Jumps, in a walk. */
export function jumps(steps, times = 3) {
  const sorted = [...steps].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return steps.flatMap((step, k) => (step > times * middle && step > 0 ? [k] : []));
}

/**
 * Distances between neighbouring pictures of a walk. `lines`: [{values, color, dash, name}], each to its own
 * largest value; `at`: the picture on show, of `count`; jumps of the first line get a triangle.
 */
export function distances(canvas, { lines, count, at, theme }) {
  const { context, width, height } = paper(canvas, theme);
  if (!width || height < 10) return;
  const x = (index) => 4 + (index / Math.max(1, count - 1)) * (width - 8);
  context.strokeStyle = theme.grid;
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
  context.fillStyle = theme.grid;
  context.fillRect(x(at) - 3, 0, 6, height);
  for (const { values, color, dash } of lines) {
    const most = Math.max(...values, 1e-9);
    const y = (value) => height - 3 - (value / most) * (height - 14);
    context.beginPath();
    values.forEach((value, k) => context.lineTo(x(k + 0.5), y(value)));
    Object.assign(context, { strokeStyle: color, lineWidth: 2 });
    context.setLineDash(dash ?? []);
    context.stroke();
    context.setLineDash([]);
  }
  context.fillStyle = theme.warn;
  for (const jump of jumps(lines[0].values)) {
    context.beginPath();
    for (const [dx, dy] of [
      [-6, 0],
      [6, 0],
      [0, 9],
    ])
      context.lineTo(x(jump + 0.5) + dx, dy);
    context.fill();
  }
  Object.assign(context, { fillStyle: theme.muted, textBaseline: 'bottom', textAlign: 'left' });
  context.fillText('first', 2, height + FOOT);
  context.textAlign = 'right';
  context.fillText(`picture ${count}`, width - 2, height + FOOT);
}
