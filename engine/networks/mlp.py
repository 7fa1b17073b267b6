"""Fully connected networks for points and small pictures."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import Tensor, nn


def mlp(inputs: int, hidden: int, layers: int, outputs: int) -> nn.Sequential:
    """``layers`` layers of ``hidden`` leaky ReLU units (slope 0.2) between ``inputs`` and ``outputs``."""
    sizes = [inputs] + [hidden] * layers
    blocks: list[nn.Module] = []
    for before, after in pairwise(sizes):
        blocks += [nn.Linear(before, after), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*blocks, nn.Linear(sizes[-1], outputs))


class MLPGenerator(nn.Module):
    """Latent (N, latent_dim) to points (N, 2), or to pictures (N, C, H, W) in [-1, 1] through a tanh."""

    def __init__(self, latent_dim: int, hidden: int, layers: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.layers = mlp(latent_dim, hidden, layers, prod(shape))

    def forward(self, z: Tensor) -> Tensor:
        out = self.layers(z)
        return out if len(self.shape) == 1 else out.tanh().view(-1, *self.shape)  # (N, 2) or (N, C, H, W)


class MLPDiscriminator(nn.Module):
    """Points (N, 2) or pictures (N, C, H, W) to one logit each, (N,)."""

    def __init__(self, hidden: int, layers: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = mlp(prod(shape), hidden, layers, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1)).squeeze(1)  # (N,)
