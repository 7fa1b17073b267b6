"""Which modes of a mixture a generator reaches (Srivastava et al. 2017, VEEGAN, section 4.1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.metrics.finite import finite
from engine.metrics.modes import count_modes

NEAR = 3.0  # standard deviations: a sample that close to a mode is a good one


@torch.no_grad()
def mode_coverage(samples: Tensor, modes: Tensor, sd: float) -> dict[str, Any]:
    """Modes hit by ``samples`` (N, 2), and the share of them within 3 ``sd`` of one of ``modes`` (K, 2).

    A mode counts as hit with one good sample. ``histogram`` is how the good samples share out among the
    modes: K shares that sum to 1, or all 0 if there is no good sample; ``modes_kl``, where there is one, how
    unevenly: KL(those shares || uniform) in nats, 0 to log K. The most that a perfect generator can
    reach is a ``share`` of 0.989: in two dimensions 1 - exp(-9/2) of a Gaussian lies within three standard
    deviations.
    """
    # Not by matrix product: its rounding would move the border of a narrow mode far from the origin.
    samples = finite(samples, "samples")
    distance = torch.cdist(samples, modes, compute_mode="donot_use_mm_for_euclid_dist")  # (N, K)
    closest, nearest = distance.min(1)  # (N,)
    good = nearest[closest < NEAR * sd]
    counts = torch.bincount(good, minlength=len(modes))
    found = {} if not len(good) else {"modes_kl": count_modes(good, len(modes))[1]}
    return found | {
        "modes_hit": int((counts > 0).sum()),
        "modes_total": len(modes),
        "share": len(good) / len(samples),
        "histogram": [round(share, 5) for share in (counts / max(1, len(good))).tolist()],
        "samples": len(samples),
    }
