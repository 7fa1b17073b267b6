"""Two sets of features compared by their nearest neighbours: are samples good, and are they all there is?

Precision and recall: Kynkäänniemi et al. 2019, with their 3rd neighbour. Density and coverage: Naeem et al.
2020, with their 5th, whose notation and strict inequalities are followed here. Letters: N real items, M
fake ones, D features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.metrics.finite import finite

NEAR, NEIGHBOURS = 3, 5  # k of precision and recall, and of density and coverage
ROWS = 500  # of a table of distances at once


def compare_manifolds(real: Tensor, fake: Tensor, near: int = NEAR, k: int = NEIGHBOURS) -> dict[str, float]:
    """Precision, recall, density and coverage of ``fake`` (M, D) against ``real`` (N, D).

    Around each item is a ball that reaches to its ``near``-th neighbour of the same set for precision and
    recall, to its ``k``-th for density and coverage. Precision: share of fake items in a ball of a real one;
    density: how many such balls, over ``k``, which an outlier's large ball cannot spoil. Recall: share of
    real items in a ball of a fake one; coverage: share of balls of real items with a fake one in them. 0..1,
    except density, which may exceed 1.
    """
    near, k = (min(one, len(real) - 1, len(fake) - 1) for one in (near, k))
    real = finite(real, "features of real items").double()
    fake = finite(fake, "features of samples").double()
    (real_near, real_far), (fake_near, _) = _radii(real, near, k), _radii(fake, near, k)
    balls = torch.zeros(len(fake), dtype=torch.long)  # of real items, around each fake one
    precise = torch.zeros(len(fake), dtype=torch.bool)
    recalled = covered = 0
    rows = zip(real.split(ROWS), real_near.split(ROWS), real_far.split(ROWS), strict=True)
    for part, near_radius, far_radius in rows:
        distance = torch.cdist(part, fake)  # (n, M)
        inside = distance < far_radius[:, None]
        balls += inside.sum(0)
        covered += int(inside.any(1).sum())
        precise |= (distance < near_radius[:, None]).any(0)
        recalled += int((distance < fake_near).any(1).sum())
    return {
        "precision": float(precise.double().mean()),
        "recall": recalled / len(real),
        "density": float(balls.double().mean()) / k,
        "coverage": covered / len(real),
    }


def _radii(items: Tensor, near: int, k: int) -> tuple[Tensor, Tensor]:
    """Distances of each item, its own nearest, to its ``near``-th and ``k``-th neighbour: (N,), (N,)."""
    last = max(near, k)
    parts = [torch.cdist(part, items).topk(last + 1, largest=False).values for part in items.split(ROWS)]
    distances = torch.cat(parts)  # (N, last + 1)
    return distances[:, near], distances[:, k]
