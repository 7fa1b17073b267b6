"""The Fréchet distance of two sets of features: FID, if the features are Inception's (Heusel et al. 2017)."""

from __future__ import annotations

from torch import Tensor

from engine.metrics.finite import enough, finite
from engine.metrics.precomputed import Precomputed


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """|m - m'|² + tr(S + S' - 2 (S S')^½) of the Gaussians that fit ``real`` (N, D) and ``fake`` (M, D).

    Never below 0; biased upwards by about 1 / N, so compare equal N only, and with its floor: what as many
    other real items give. Computed in float64 on the CPU. Raises ``BadInput`` if a feature is infinite or
    NaN, or a side has fewer than two items.
    """
    enough(real, fake)
    from torchmetrics.image.fid import FrechetInceptionDistance  # takes seconds to import

    distance = FrechetInceptionDistance(feature=Precomputed(real.shape[1]))
    distance.update(finite(real, "features of real items").cpu().double(), real=True)
    distance.update(finite(fake, "features of samples").cpu().double(), real=False)
    return max(0.0, float(distance.compute()))
