"""The networks of InfoGAN's authors for small pictures: two convolutions and fully connected layers.

Chen et al. 2016, appendix C.1. Against DCGAN: one halving less, and a hidden layer of 1024 units in both
networks, where most of the weights are.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from engine.game.recipe import Shape
from engine.networks.init import dcgan_init
from engine.options import BadInput


def check_size(gan: str, data: Shape) -> None:
    """Refuse pictures that these networks do not draw. Raises ``BadInput``."""
    if data.shape[1] != data.shape[2] or data.shape[1] not in (28, 32):
        size = "x".join(map(str, data.shape[1:]))
        raise BadInput(f"{gan} draws pictures of 28 or 32 px, not {size}.", "size", "Set size to 28 or 32.")


class ConvGenerator(nn.Module):
    """Latents (N, latent_dim) to pictures (N, C, H, W) in [-1, 1]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.start = (2 * width, shape[1] // 4, shape[2] // 4)
        hidden, cells = 16 * width, 2 * width * self.start[1] * self.start[2]
        self.dense = nn.Sequential(
            nn.Linear(latent_dim, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, cells, bias=False),
            nn.BatchNorm1d(cells),
            nn.ReLU(inplace=True),
        )
        self.draw = nn.Sequential(
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, shape[0], 4, 2, 1),
            nn.Tanh(),
        )
        self.apply(dcgan_init)

    def forward(self, z: Tensor) -> Tensor:
        return self.draw(self.dense(z).view(-1, *self.start))  # (N, C, H, W)


class ConvDiscriminator(nn.Module):
    """Pictures (N, C, H, W) to one logit each, (N,). ``feature_size``: units of the last hidden layer."""

    def __init__(self, width: int, shape: tuple[int, ...], norm: Literal["batch", "none"] = "batch") -> None:
        super().__init__()
        self.feature_size = 16 * width
        cells = 2 * width * (shape[1] // 4) * (shape[2] // 4)
        batch = norm == "batch"
        self.trunk = nn.Sequential(
            nn.Conv2d(shape[0], width, 4, 2, 1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=not batch),
            *([nn.BatchNorm2d(2 * width)] if batch else []),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Flatten(),
            nn.Linear(cells, self.feature_size, bias=not batch),
            *([nn.BatchNorm1d(self.feature_size)] if batch else []),
            nn.LeakyReLU(0.1, inplace=True),
        )
        self.head: nn.Module = nn.Linear(self.feature_size, 1)
        self.apply(dcgan_init)

    def features(self, x: Tensor) -> Tensor:
        """What the last hidden layer makes of ``x``: (N, feature_size)."""
        return self.trunk(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x)).squeeze(1)  # (N,)
