"""Codes that a GAN found by itself, named after the classes that they turn out to mean."""

from __future__ import annotations

import torch
from torch import Tensor


def count_pairs(codes: Tensor, labels: Tensor, values: int, classes: int) -> Tensor:
    """How often each code value goes with each class: int64 (values, classes), of ``codes`` and ``labels``
    (N,).
    """
    return torch.bincount(codes * classes + labels, minlength=values * classes).view(values, classes)


def match_codes(counts: Tensor) -> tuple[Tensor, str]:
    """The class of each code value by ``counts`` (values, classes): int64 (values,), and how it was chosen.

    As many values as classes: one to one, so that most items come out right. Otherwise each value takes the
    class that it most often goes with, and several may take the same.
    """
    if counts.shape[0] == counts.shape[1]:
        return _assign(counts), "one to one"
    return counts.argmax(1), "majority"


def _assign(gain: Tensor) -> Tensor:
    """The permutation with the largest sum of ``gain`` (K, K): Hungarian method with potentials, O(K³).

    Rows enter one by one; each looks for the cheapest augmenting path over reduced costs. Column 0 of the
    arrays stands for "the row that is entering"; rows and columns count from 1.
    """
    cost = (gain.max() - gain).tolist()
    size = len(cost)
    row_price, column_price = [0.0] * (size + 1), [0.0] * (size + 1)
    row_of = [0] * (size + 1)  # of each column; 0 is none
    for row in range(1, size + 1):
        row_of[0], column = row, 0
        least, via, done = [float("inf")] * (size + 1), [0] * (size + 1), [False] * (size + 1)
        while row_of[column]:
            done[column], current = True, row_of[column]
            free = [j for j in range(1, size + 1) if not done[j]]
            for j in free:
                reduced = cost[current - 1][j - 1] - row_price[current] - column_price[j]
                if reduced < least[j]:
                    least[j], via[j] = reduced, column
            following = min(free, key=least.__getitem__)
            step = least[following]
            for j in range(size + 1):
                if done[j]:
                    row_price[row_of[j]] += step
                    column_price[j] -= step
                else:
                    least[j] -= step
            column = following
        while column:  # turn the path over
            row_of[column], column = row_of[via[column]], via[column]
    chosen = torch.empty(size, dtype=torch.long)
    for column in range(1, size + 1):
        chosen[row_of[column] - 1] = column - 1
    return chosen
