"""Fully connected networks for points and small pictures."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import Tensor, nn


def hidden_layers(inputs: int, hidden: int, layers: int) -> list[nn.Module]:
    """``layers`` layers of ``hidden`` leaky ReLU units (slope 0.2) on ``inputs`` numbers."""
    blocks: list[nn.Module] = []
    for before, after in pairwise([inputs] + [hidden] * layers):
        blocks += [nn.Linear(before, after), nn.LeakyReLU(0.2, inplace=True)]
    return blocks


def mlp(inputs: int, hidden: int, layers: int, outputs: int) -> nn.Sequential:
    """``hidden_layers`` and a linear one with ``outputs`` numbers; without hidden layers, that one alone."""
    return nn.Sequential(
        *hidden_layers(inputs, hidden, layers), nn.Linear(hidden if layers else inputs, outputs)
    )


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
        self.trunk = nn.Sequential(*hidden_layers(prod(shape), hidden, layers))
        self.head: nn.Module = nn.Linear(hidden, 1)

    def features(self, x: Tensor) -> Tensor:
        """What the last hidden layer makes of ``x``: (N, hidden)."""
        return self.trunk(x.flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x.flatten(1))).squeeze(1)  # (N,)
