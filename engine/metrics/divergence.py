"""The optimal discriminator and the Jensen-Shannon divergence of 2-D samples from a known density.

p is known in each cell of a grid; q is a histogram of the samples. Both are blurred with one Gaussian, so
that neither is compared at a scale that the sample size cannot resolve; the bandwidth is stated wherever the
figures are.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from engine.data.source import PointSource
from engine.metrics.finite import finite

BANDWIDTH = 1 / 40  # the Gaussian's standard deviation, as a share of the picture's width


def optimal_discriminator(p: Tensor, q: Tensor, faint: float = 0.0) -> Tensor:
    """D* = p / (p + q), the best answer to real ``p`` and generated ``q`` (Goodfellow et al. 2014,
    proposition 1).

    ``p`` and ``q`` are masses or densities on the same cells, any shape. Where both are well below ``faint``,
    D* is 1/2.
    """
    return (p + faint) / (p + q + 2 * faint)


def jensen_shannon(p: Tensor, q: Tensor) -> float:
    """JSD(p, q) in nats, 0 (equal) to log 2 (disjoint), of two sets of masses that each sum to 1.

    With the optimal discriminator the minimax value is -log 4 + 2 JSD(p, q) (Goodfellow et al. 2014, theorem
    1).
    """
    middle = (p + q) / 2
    divergence = (_kl(p, middle) + _kl(q, middle)) / 2
    return min(max(divergence, 0.0), math.log(2))


def _kl(p: Tensor, q: Tensor) -> float:
    """KL(p || q) in nats; ``q`` is not 0 where ``p`` is not."""
    return float(torch.special.xlogy(p, p / q.clamp_min(1e-30)).sum())


class DensityComparison:
    """Compares samples with the known density of ``source`` on ``cells`` x ``cells`` cells of its extent.

    ``bandwidth`` is the blur's standard deviation in data units; ``p`` (cells, cells) holds the blurred
    masses of the data, row 0 at y's minimum.
    """

    def __init__(self, source: PointSource, cells: int = 48) -> None:
        self.source, self.cells = source, cells
        x0, x1, y0, y1 = source.extent
        self.bandwidth = BANDWIDTH * (x1 - x0)
        self._corner = torch.tensor([x0, y0])
        self._scale = cells / torch.tensor([x1 - x0, y1 - y0])
        self._blur = _blurring(cells, BANDWIDTH * cells)
        self.p = self._blur @ torch.from_numpy(source.mass(cells)).float() @ self._blur.T

    @torch.no_grad()
    def density(self, samples: Tensor) -> Tensor:
        """The blurred histogram of ``samples`` (N, 2): the mass of each cell, float32 (cells, cells).

        The sum falls short of 1 by the share of samples outside of the extent.
        """
        place = ((finite(samples, "samples").float().cpu() - self._corner) * self._scale).floor_()  # (N, 2)
        inside = ((place >= 0) & (place < self.cells)).all(1)
        column, row = place[inside].long().unbind(1)
        counts = torch.bincount(row * self.cells + column, minlength=self.cells**2).float()
        return self._blur @ (counts.view(self.cells, self.cells) / len(samples)) @ self._blur.T

    def compare(self, samples: Tensor) -> tuple[float, np.ndarray]:
        """The Jensen-Shannon divergence in nats, 0..log 2, and D* = p / (p + q): float32 (cells, cells) in
        [0, 1].

        ``samples`` is (N, 2). All that lies outside of the extent counts as one more cell. D* is 1/2 where
        there is neither p nor q.
        """
        q = self.density(samples)
        faint = 1e-3 / self.cells**2  # a thousandth of the uniform density says nothing
        return jensen_shannon(_whole(self.p), _whole(q)), optimal_discriminator(self.p, q, faint).numpy()

    def floor(self, n: int, seed: int = 0) -> float:
        """What ``compare`` gives for ``n`` samples of the data themselves: no generator can be seen to do
        better.
        """
        return self.compare(self.source.sample(n, torch.Generator().manual_seed(seed)))[0]


def _whole(mass: Tensor) -> Tensor:
    """All cells of ``mass`` and, last, what is missing to 1."""
    return torch.cat([mass.flatten(), (1 - mass.sum()).clamp_min(0)[None]])


def _blurring(cells: int, sd: float) -> Tensor:
    """The matrix (cells, cells) that blurs a column of cells by a Gaussian of ``sd`` cells, its sum kept."""
    place = torch.arange(cells, dtype=torch.float32)
    weights = torch.exp(-((place[:, None] - place[None]) ** 2) / (2 * sd**2))
    return weights / weights.sum(0)
