"""The 1-Wasserstein distance of two samples, exactly, and what a critic says it is.

Arjovsky, Chintala & Bottou 2017, equation 2: W(p, q) is the supremum of E_p D - E_q D over all D whose slope
is at most 1.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, stdev

import torch
from torch import Tensor

from engine.data.source import PointSource
from engine.metrics.finite import finite

PAIRED = 256  # points of each kind: their pairing takes some 5 ms
MOST = 512  # points of each kind, since the pairing takes their cube and the floor takes many
FLOORS = 64  # pairs of real samples whose distances make the floor: four were up to a quarter off


def transport_distance(a: Tensor, b: Tensor) -> float:
    """The empirical 1-Wasserstein distance of two finite samples of one size, (N, D), in their units.

    It is the mean length of the arrows that carry ``a`` to ``b``, paired so that the sum of all is least.
    Two samples of one distribution come to more than 0, the less the larger N: the floor to hold it against.
    """
    from scipy.optimize import linear_sum_assignment  # half a second, which only who measures this waits for

    a, b = finite(a, "samples"), finite(b, "samples")
    lengths = torch.cdist(a.double(), b.double()).cpu().numpy()  # (N, N)
    rows, columns = linear_sum_assignment(lengths)
    return float(lengths[rows, columns].mean())


def transport_floor(source: PointSource, n: int) -> tuple[float, float]:
    """Mean and standard deviation of the ``transport_distance`` of two samples of ``n`` real points."""
    distances = []
    for seed in range(FLOORS):
        both = source.sample(2 * n, torch.Generator().manual_seed(seed))  # (2n, 2)
        distances.append(transport_distance(*both.split(n)))
    return mean(distances), stdev(distances)


def critic_estimate(judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> dict[str, float]:
    """``critic_value``, mean D(real) - mean D(fake), and ``critic_slope``, the mean norm of D's gradient at
    points between.

    ``judge`` gives D's verdicts (N,) on points (N, 2). The value estimates W in so far as D has learned
    and its slope is 1; a D of another slope estimates that many times W. The points between are those at
    which Gulrajani et al. 2017 put their penalty, one for each pair of a real and a generated point.
    """
    share = torch.rand(len(real), 1, generator=torch.Generator().manual_seed(0)).to(real.device)
    between = real.lerp(fake, share).requires_grad_()  # (N, 2)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(judge(between).sum(), between)
    value = judge(real).mean() - judge(fake).mean()
    return {"critic_value": float(value), "critic_slope": float(gradient.norm(dim=1).mean())}
