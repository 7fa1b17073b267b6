"""Nearest neighbours by Euclidean distance, exactly, in blocks that fit into memory."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.metrics.features import Progress, as_input

BLOCK = 2**23  # numbers of a block of references: 32 MiB
QUERIES = 500


@torch.no_grad()
def nearest(
    queries: Tensor, references: Tensor, own: Tensor | None = None, progress: Progress | None = None
) -> tuple[Tensor, Tensor]:
    """The nearest of ``references`` (M, ...) to each of ``queries`` (N, ...): distances (N,), numbers (N,).

    Both are floats, or uint8 pictures, which count in [-1, 1]. ``own`` (N,) names a reference that does not
    count for a query: itself, if it is one of them.
    """
    best = torch.full((len(queries),), torch.inf)
    which = torch.zeros(len(queries), dtype=torch.long)
    block = max(1, BLOCK // references[0].numel())
    for start in range(0, len(references), block):
        if progress:
            progress("searching the nearest", start, len(references))
        part = as_input(references[start : start + block]).flatten(1)  # (m, D)
        squares = part.square().sum(1)
        for begin in range(0, len(queries), QUERIES):
            asked = slice(begin, begin + QUERIES)
            x = as_input(queries[asked]).flatten(1)  # (n, D)
            distance = torch.addmm(squares, x, part.T, alpha=-2)  # |r|² - 2 q r; (n, m)
            if own is not None:
                self_at = own[asked] - start
                here = ((self_at >= 0) & (self_at < len(part))).nonzero()[:, 0]
                distance[here, self_at[here]] = torch.inf
            least, place = distance.min(1)  # (n,)
            least += x.square().sum(1)
            nearer = least < best[asked]
            best[asked] = torch.where(nearer, least, best[asked])
            which[asked] = torch.where(nearer, place + start, which[asked])
    return best.clamp_min_(0).sqrt_(), which


def neighbour_accuracy(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    progress: Progress | None = None,
) -> float:
    """The share of ``test`` items (M, ...) whose nearest ``train`` item (N, ...) has their class: how well
    features sort classes without being told (Donahue et al. 2017, table 1).
    """
    _, which = nearest(test, train, progress=progress)
    return float((train_labels[which] == test_labels).double().mean())
