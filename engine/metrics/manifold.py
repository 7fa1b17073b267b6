"""Two sets of features compared by their nearest neighbours: are samples good, and are they all there is?

Precision and recall: Kynkäänniemi et al. 2019. Density and coverage: Naeem et al. 2020, whose notation and
strict inequalities are followed here. Letters: N real items, M fake ones, D features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.metrics.finite import finite

NEIGHBOURS = 5
ROWS = 500  # of a table of distances at once


def compare_manifolds(real: Tensor, fake: Tensor, k: int = NEIGHBOURS) -> dict[str, float]:
    """Precision, recall, density and coverage of ``fake`` (M, D) against ``real`` (N, D).

    Around each item is a ball that reaches to its ``k``-th neighbour of the same set. Precision: share of
    fake items in a ball of a real one; density: how many such balls, over ``k``, which an outlier's large
    ball cannot spoil. Recall: share of real items in a ball of a fake one; coverage: share of balls of real
    items with a fake one in them. 0..1, except density, which may exceed 1.
    """
    k = min(k, len(real) - 1, len(fake) - 1)
    real = finite(real, "features of real items").double()
    fake = finite(fake, "features of samples").double()
    real_radius, fake_radius = _radius(real, k), _radius(fake, k)
    balls = torch.zeros(len(fake), dtype=torch.long)  # of real items, around each fake one
    recalled = covered = 0
    for part, radius in zip(real.split(ROWS), real_radius.split(ROWS), strict=True):
        distance = torch.cdist(part, fake)  # (n, M)
        inside = distance < radius[:, None]
        balls += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((distance < fake_radius).any(1).sum())
    return {
        "precision": float((balls > 0).double().mean()),
        "recall": recalled / len(real),
        "density": float(balls.double().mean()) / k,
        "coverage": covered / len(real),
    }


def _radius(items: Tensor, k: int) -> Tensor:
    """Distance of each item to its ``k``-th neighbour: (N,). Each is its own nearest, hence ``k + 1``."""
    return torch.cat([torch.cdist(part, items).kthvalue(k + 1, dim=1).values for part in items.split(ROWS)])
