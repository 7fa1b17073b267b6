"""How many of the modes of labelled data appear among samples, and how evenly (Metz et al. 2017, section
3.3.1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def count_modes(modes: Tensor, total: int) -> tuple[int, float]:
    """How many of ``total`` modes occur in ``modes`` int64 (N,), and KL(their shares || uniform) in nats.

    0 is even, log ``total`` a single mode. A perfect generator still has about (total - 1) / 2N.
    """
    shares = torch.bincount(modes, minlength=total).double() / len(modes)  # (total,)
    entropy = float(torch.special.entr(shares).sum())
    return int((shares > 0).sum()), max(0.0, math.log(total) - entropy)
