"""The kernel distance of two sets of features: KID, if they are Inception's (Binkowski et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from engine.metrics.finite import enough, finite
from engine.metrics.precomputed import Precomputed, own_random

SUBSETS = 100
SUBSET_SIZE = 1000


def kernel_distance(real: Tensor, fake: Tensor, seed: int = 0) -> tuple[float, float]:
    """The squared maximum mean discrepancy under the kernel (xᵀy / D + 1)³ of ``real`` (N, D) and ``fake``
    (M, D): mean and standard deviation over 100 random subsets of 1,000, or of half if there are fewer than
    2,000.

    Unbiased: about 0 for equal distributions, and then often a little below. Raises ``BadInput`` as
    ``frechet_distance`` does.
    """
    enough(real, fake)
    from torchmetrics.image.kid import KernelInceptionDistance  # takes seconds to import

    size = min(SUBSET_SIZE, len(real) // 2, len(fake) // 2)
    with own_random(seed):
        distance = KernelInceptionDistance(
            feature=Precomputed(real.shape[1]), subsets=SUBSETS, subset_size=size
        )
        distance.update(finite(real, "features of real items").cpu(), real=True)
        distance.update(finite(fake, "features of samples").cpu(), real=False)
        mean, deviation = distance.compute()
    return float(mean), float(deviation)
