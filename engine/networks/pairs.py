"""Networks for games over pairs (x, z) of a sample and its latent.

The dense ones are BiGAN's for MNIST (Donahue et al. 2017, appendix C.1, and the authors' code): two hidden
layers, batch norm without scale or shift in the second, where z joins. Linear layers start at N(0, 0.02).
"""

from __future__ import annotations

from math import prod
from typing import cast

import torch
from torch import Tensor, nn

from engine.networks.dcgan import DCGANDiscriminator
from engine.networks.dcgan import Norm as ConvNorm
from engine.networks.init import dcgan_init
from engine.networks.mlp import mlp


def _layer(inputs: int, hidden: int, norm: bool, slope: float) -> list[nn.Module]:
    batch = [nn.BatchNorm1d(hidden, affine=False)] if norm else []
    return [nn.Linear(inputs, hidden, bias=not norm), *batch, nn.LeakyReLU(slope, inplace=True)]


class DenseGenerator(nn.Module):
    """Latents (N, latent_dim) to pictures (N, C, H, W) in [-1, 1]; z joins the second layer once more."""

    def __init__(self, latent_dim: int, hidden: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.first = nn.Sequential(*_layer(latent_dim, hidden, norm=True, slope=0.0))
        self.second = nn.Sequential(*_layer(hidden + latent_dim, hidden, norm=True, slope=0.0))
        self.head = nn.Linear(hidden, prod(shape))
        self.apply(dcgan_init)

    def forward(self, z: Tensor) -> Tensor:
        drawn = self.head(self.second(torch.cat([self.first(z), z], 1)))
        return drawn.tanh().view(-1, *self.shape)  # (N, C, H, W)


class DenseEncoder(nn.Module):
    """Pictures (N, C, H, W) to ``outputs`` numbers each, (N, outputs), without bounds."""

    def __init__(self, outputs: int, hidden: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            *_layer(prod(shape), hidden, norm=False, slope=0.2),
            *_layer(hidden, hidden, norm=True, slope=0.2),
            nn.Linear(hidden, outputs),
        )
        self.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # (N, outputs)


class DensePairDiscriminator(nn.Module):
    """Pictures (N, C, H, W) and latents (N, latent_dim) to one logit a pair, (N,)."""

    def __init__(self, latent_dim: int, hidden: int, shape: tuple[int, ...], norm: bool) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Flatten(), *_layer(prod(shape), hidden, norm=False, slope=0.2))
        self.second = nn.Sequential(*_layer(hidden + latent_dim, hidden, norm, slope=0.2))
        self.head = nn.Linear(hidden, 1)
        self.apply(dcgan_init)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.head(self.second(torch.cat([self.first(x), z], 1))).squeeze(1)  # (N,)


class PointPairDiscriminator(nn.Module):
    """Points (N, 2) and latents (N, latent_dim) to one logit a pair, (N,)."""

    def __init__(self, latent_dim: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.layers = mlp(2 + latent_dim, hidden, layers, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.layers(torch.cat([x, z], 1)).squeeze(1)  # (N,)


class ConvPairDiscriminator(nn.Module):
    """Pictures (N, C, H, W) through DCGAN's convolutions, latents (N, latent_dim) through a layer, and both
    through another: one logit a pair, (N,).
    """

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...], norm: ConvNorm) -> None:
        super().__init__()
        hidden = 16 * width
        self.pictures = DCGANDiscriminator(width, shape, norm)
        features = cast(int, self.pictures.head.in_features)
        self.pictures.head = nn.Identity()
        self.latents = nn.Sequential(nn.Linear(latent_dim, hidden), nn.LeakyReLU(0.2, inplace=True))
        self.layers = mlp(features + hidden, hidden, 1, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        both = torch.cat([self.pictures.features(x), self.latents(z)], 1)  # (N, F + hidden)
        return self.layers(both).squeeze(1)  # (N,)


def joined(x: Tensor, z: Tensor) -> Tensor:
    """Samples (N, ...) and their latents (N, latent_dim) as one tensor, (N, their numbers)."""
    return torch.cat([x.flatten(1), z], 1)


def apart(both: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The samples, of ``shape``, and the latents that ``joined`` has put together."""
    size = prod(shape)
    return both[:, :size].unflatten(1, shape), both[:, size:]
