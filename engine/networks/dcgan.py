"""The networks of DCGAN (Radford et al. 2016) for 28, 32 or 64 px, grey or colour.

Strided convolutions instead of pooling, batch norm except at G's output and D's input, ReLU in G, leaky ReLU
in D, no fully connected hidden layers. ``width`` is the number of channels at the largest feature map; it
doubles with every halving.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from engine.networks.init import dcgan_init
from engine.networks.maps import ConvTransposeToGrey, LinearOfMaps

Norm = Literal["batch", "layer", "none"]
SIZES = {28: (7, 2), 32: (4, 3), 64: (4, 4)}  # picture size: (smallest feature map, halvings down to it)


def _norm(kind: Norm, channels: int) -> list[nn.Module]:
    return {"batch": [nn.BatchNorm2d(channels)], "layer": [nn.GroupNorm(1, channels)], "none": []}[kind]


class DCGANGenerator(nn.Module):
    """Latent (N, latent_dim) to pictures (N, C, H, W) in [-1, 1]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...], norm: Norm = "batch") -> None:
        super().__init__()
        start, halvings = SIZES[shape[1]]
        channels = [width * 2**level for level in reversed(range(halvings))]
        blocks: list[nn.Module] = [
            nn.ConvTranspose2d(latent_dim, channels[0], start, bias=norm == "none"),
            *_norm(norm, channels[0]),
            nn.ReLU(inplace=True),
        ]
        for before, after in pairwise(channels):
            blocks += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=norm == "none"), *_norm(norm, after)]
            blocks += [nn.ReLU(inplace=True)]
        grey = shape[0] == 1
        last = ConvTransposeToGrey(width) if grey else nn.ConvTranspose2d(width, shape[0], 4, 2, 1)
        self.layers = nn.Sequential(*blocks, last, nn.Tanh())
        self.apply(dcgan_init)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z[:, :, None, None])  # (N, C, H, W)


class DCGANDiscriminator(nn.Module):
    """Pictures (N, C, H, W) to one logit each, (N,), or to several, (N, outputs)."""

    def __init__(self, width: int, shape: tuple[int, ...], norm: Norm = "batch", outputs: int = 1) -> None:
        super().__init__()
        start, halvings = SIZES[shape[1]]
        channels = [width * 2**level for level in range(halvings)]
        blocks: list[nn.Module] = [nn.Conv2d(shape[0], channels[0], 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in pairwise(channels):
            blocks += [nn.Conv2d(before, after, 4, 2, 1, bias=norm == "none"), *_norm(norm, after)]
            blocks += [nn.LeakyReLU(0.2, inplace=True)]
        self.trunk = nn.Sequential(*blocks)
        self.head: nn.Module = LinearOfMaps(channels[-1] * start * start, outputs)
        self.apply(dcgan_init)

    def features(self, x: Tensor) -> Tensor:
        """The smallest feature maps of ``x``, flat: (N, F)."""
        return self.trunk(x).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.trunk(x)
        out = self.head(maps if isinstance(self.head, LinearOfMaps) else maps.flatten(1))  # (N, outputs)
        return out.squeeze(1) if out.shape[1] == 1 else out  # (N,)
