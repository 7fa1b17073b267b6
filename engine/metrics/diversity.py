"""How much the items of a batch differ from each other: the number that falls when a generator collapses."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def diversity(batch: Tensor) -> float:
    """Mean Euclidean distance over all pairs of ``batch`` (N, ...), in its own units; 0 for a single item.

    On its own it says little: divide by that of as many real items, and 1 means as varied as the data.
    """
    return float(torch.pdist(batch.detach().flatten(1).float()).mean()) if len(batch) > 1 else 0.0
