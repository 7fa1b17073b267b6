// Where the parts of a drawn game stand: columns from left to right, what something is made of before it.

/** @import { Game, GameEdge, GameNode } from '../base/records.js' */

/** @typedef {{ id: string, x: number, y: number, width: number, height: number, column: number }} Place */
/** @typedef {{ edge: GameEdge, from: number, to: number, path: string }} Way */

const BETWEEN_COLUMNS = 46; // CSS pixels: room for an arrow
const BETWEEN_ROWS = 12;
const PASSING = 8; // the height that an arrow takes which passes a column
const MARGIN = 8;
const SWEEPS = 6;
const ARROW = 7; // its head

/** Whether a sample of it is shown as a picture: a judge's answers about patches are not. @param {GameNode} node */
export function isPicture({ shape, judges }) {
  return !judges && shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/** @param {GameNode} node */
export function sizeOf(node) {
  if (node.kind === 'network') return { width: 84, height: 62 };
  if (isPicture(node)) return { width: 104, height: 102 };
  return { width: node.kind === 'loss' ? 92 : 116, height: 62 };
}

/**
 * The column of each node: one behind the last of what it is made of, losses at the end; what comes from nowhere
 * stands as near as it can to what takes it.
 * @param {Game} game
 * @returns {Map<string, number>}
 */
export function columnsOf({ nodes, edges }) {
  const columns = new Map();
  for (const { id } of nodes) {
    const before = edges.filter(({ target, source }) => target === id && columns.has(source));
    columns.set(id, Math.max(-1, ...before.map(({ source }) => columns.get(source))) + 1);
  }
  const last = Math.max(0, ...columns.values());
  for (const { id, kind } of nodes) {
    const after = edges.filter(({ source }) => source === id).map(({ target }) => columns.get(target));
    if (kind === 'loss') columns.set(id, last);
    else if (!edges.some(({ target }) => target === id) && after.length)
      columns.set(id, Math.max(0, Math.min(...after) - 1));
  }
  return columns;
}

/**
 * Places and ways of a whole game, in CSS pixels.
 * @param {Game} game
 * @returns {{ places: Map<string, Place>, ways: Way[], width: number, height: number, columns: number }}
 */
export function layOut(game) {
  const columns = columnsOf(game);
  const count = Math.max(0, ...columns.values()) + 1;
  /** @type {Place[][]} */
  const rows = Array.from({ length: count }, () => []);
  const places = new Map();
  for (const node of game.nodes) {
    const column = columns.get(node.id) ?? 0;
    const place = { id: node.id, x: 0, y: 0, column, ...sizeOf(node) };
    places.set(node.id, place);
    rows[column].push(place);
  }
  const passing = new Map();
  const chains = game.edges.map((edge) => chainOf(edge, places, rows, passing));
  const links = chains.flatMap((chain) => chain.slice(1).map((to, at) => [chain[at], to]));
  order(rows, links);
  const width = setColumns(rows);
  const height = setRows(rows, links);
  const ways = game.edges.map((edge, at) => ({
    edge,
    from: chains[at][0].column,
    to: chains[at][chains[at].length - 1].column,
    path: pathOf(chains[at]),
  }));
  return { places, ways, width, height, columns: count };
}

// an edge as the places that it goes through: where it passes a column it has a little room there, which it shares
// with others that come from the same node
function chainOf(edge, places, rows, passing) {
  const from = places.get(edge.source);
  const to = places.get(edge.target);
  const between = [];
  for (let column = from.column + 1; column < to.column; column += 1) {
    const key = `${column} ${edge.source}`;
    if (!passing.has(key)) {
      const place = { id: '', x: 0, y: 0, width: 0, height: PASSING, column };
      rows[column].push(place);
      passing.set(key, place);
    }
    between.push(passing.get(key));
  }
  return [from, ...between, to];
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// neighbours of each place in the columns beside it
function neighbours(links) {
  const found = new Map();
  for (const [from, to] of links) {
    found.set(from, [...(found.get(from) ?? []), to]);
    found.set(to, [...(found.get(to) ?? []), from]);
  }
  return found;
}

// fewer crossings: each column in the order of the middles of its neighbours, from left to right and back
function order(rows, links) {
  const beside = neighbours(links);
  const rank = new Map();
  const number = (row) => row.forEach((place, at) => rank.set(place, at - (row.length - 1) / 2));
  rows.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const side = sweep % 2 ? 1 : -1;
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      const middle = new Map(
        row.map((place) => {
          const there = (beside.get(place) ?? []).filter(
            (other) => Math.sign(other.column - place.column) === side,
          );
          return [place, there.length ? mean(there.map((other) => rank.get(other))) : rank.get(place)];
        }),
      );
      row.sort((a, b) => middle.get(a) - middle.get(b));
      number(row);
    }
  }
}

function setColumns(rows) {
  let x = MARGIN;
  for (const row of rows) {
    const width = Math.max(...row.map((place) => place.width));
    for (const place of row) {
      if (!place.id) place.width = width;
      place.x = x + (width - place.width) / 2;
    }
    x += width + BETWEEN_COLUMNS;
  }
  return x - BETWEEN_COLUMNS + MARGIN;
}

const middleOf = ({ y, height }) => y + height / 2;

// as level with its neighbours as the others in the column allow
function setRows(rows, links) {
  const beside = neighbours(links);
  for (const row of rows)
    stack(
      row,
      row.map(() => 0),
    );
  for (let sweep = 0; sweep < SWEEPS; sweep += 1)
    for (const row of sweep % 2 ? [...rows].reverse() : rows)
      stack(
        row,
        row.map((place) => {
          const there = beside.get(place) ?? [];
          return there.length ? mean(there.map(middleOf)) : middleOf(place);
        }),
      );
  const all = rows.flat();
  const top = Math.min(...all.map(({ y }) => y)) - MARGIN;
  for (const place of all) place.y -= top;
  return Math.max(...all.map(({ y, height }) => y + height)) + MARGIN;
}

// a column without overlaps whose middles are near `wanted`: blocks that touch share what they are off by
function stack(row, wanted) {
  /** @type {{ places: Place[], top: number, height: number, goal: number }[]} */
  const blocks = [];
  row.forEach((place, at) => {
    let block = { places: [place], top: wanted[at] - place.height / 2, height: place.height, goal: 0 };
    block.goal = block.top;
    for (let before = blocks.at(-1); before; before = blocks.at(-1)) {
      if (before.top + before.height + BETWEEN_ROWS <= block.top) break;
      blocks.pop();
      const shift = before.height + BETWEEN_ROWS;
      const [many, few] = [before.places.length, block.places.length];
      const goal = (before.goal * many + (block.goal - shift) * few) / (many + few);
      block = {
        places: [...before.places, ...block.places],
        top: goal,
        height: shift + block.height,
        goal,
      };
    }
    blocks.push(block);
  });
  for (const { places, top } of blocks) {
    let y = top;
    for (const place of places) {
      place.y = y;
      y += place.height + BETWEEN_ROWS;
    }
  }
}

// a smooth line from the right side of the first to the left side of the last
function pathOf(chain) {
  const points = chain.flatMap((place, at) => {
    const y = middleOf(place);
    const left = [place.x, y];
    const right = [place.x + place.width, y];
    if (at === 0) return [right];
    if (at === chain.length - 1) return [[place.x - ARROW, y]];
    return [left, right];
  });
  let path = `M${points[0][0]},${points[0][1]}`;
  for (let at = 1; at < points.length; at += 1) {
    const [[x0, y0], [x1, y1]] = [points[at - 1], points[at]];
    const half = (x1 - x0) / 2;
    path += `C${x0 + half},${y0} ${x1 - half},${y1} ${x1},${y1}`;
  }
  return path;
}
