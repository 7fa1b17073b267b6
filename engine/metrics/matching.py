"""Codes that a GAN found by itself, named after the classes that they turn out to mean."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.data.source import ImageSource

READ = 500  # pictures of each part that a quick look takes


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


def category_error(read: Callable[[Tensor], Tensor], values: int, source: ImageSource) -> dict[str, float]:
    """``code_error``: the share of test pictures whose code is another class's, each code named after a class
    by training pictures; a quick look at every n-th picture of both parts. Empty without labels or test part.

    ``read`` gives logits (N, values) for pictures (N, C, H, W) in [-1, 1].
    """
    if source.labels is None or source.test_images is None or source.test_labels is None:
        return {}
    codes, classes = [], []
    for images, labels in ((source.images, source.labels), (source.test_images, source.test_labels)):
        every = -(-len(images) // READ)
        codes.append(read(images[::every].float() / 127.5 - 1).argmax(1).cpu())
        classes.append(labels[::every])
    means, _ = match_codes(count_pairs(codes[0], classes[0], values, len(source.classes or ())))
    return {"code_error": float((means[codes[1]] != classes[1]).float().mean())}


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
