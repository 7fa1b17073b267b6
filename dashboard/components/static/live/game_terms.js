// The loss of a turn in words and numbers: each summand of this sample and of the batch, and their sum.

/** @import { GamePhase, GameTurn } from '../base/records.js' */

import { el } from '../base/dom.js';
import { fixed, short } from '../base/format.js';
import { titled } from './game_node.js';

/**
 * @param {GamePhase} phase
 * @param {string} title the loss's, such as "L_D"
 * @param {GameTurn | undefined} turn
 */
export function termsTable(phase, title, turn) {
  const weighted = phase.terms.some(({ key, weight }) => (turn?.terms[key]?.weight ?? weight) !== 1);
  const heads = ['summand', 'this sample', 'mean of the batch', ...(weighted ? ['weight'] : [])];
  return el(
    'table',
    { class: 'gv-game-terms' },
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        heads.map((head) => el('th', { scope: 'col', text: head })),
      ),
    ),
    el(
      'tbody',
      {},
      phase.terms.map(({ key, formula, weight }) => {
        const seen = turn?.terms[key];
        return el(
          'tr',
          {},
          el('th', { scope: 'row' }, titled(formula)),
          number(seen?.sample),
          number(seen?.batch),
          weighted ? el('td', { class: 'gv-number', text: short(seen?.weight ?? weight) }) : null,
        );
      }),
      el(
        'tr',
        { class: 'gv-game-sum' },
        el('th', { scope: 'row' }, titled(title), phase.terms.length > 1 ? ', their sum' : ''),
        el('td'),
        number(turn?.loss),
        weighted ? el('td') : null,
      ),
    ),
  );
}

const number = (value) =>
  el('td', { class: 'gv-number', text: value === undefined || value === null ? '' : fixed(value, 3) });
