"""Whether a generator replays its training images: samples nearer to them than unseen real images ever are.

Distances are taken between pixels, not features: a copy is a copy there, under slight noise too, while
blurred samples are no nearer than sharp ones of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data.pixels import LEVELS
from engine.metrics.features import Progress
from engine.metrics.neighbours import nearest

QUANTILE = 0.01
SUSPICIOUS = 0.05  # from this share on: five times what unseen real images have
SMALL = 1000  # training images; a GAN can learn fewer by heart
SAME = 0.5 / LEVELS  # half a grey level at each pixel: the same picture, after rounding


@dataclass(frozen=True)
class Nearness:
    """How near unseen real images come to the training images: ``distances`` (N,), root mean square per
    pixel in [-1, 1], and the ``limit`` that only one of a hundred falls below.
    """

    distances: Tensor
    limit: float

    def share(self, distances: Tensor) -> float:
        """The share of ``distances`` (M,) within the limit: 0.01 for unseen real images, 1 for copies."""
        return float((distances <= self.limit).double().mean())


def to_training(
    images: Tensor, training: Tensor, own: Tensor | None = None, progress: Progress | None = None
) -> tuple[Tensor, Tensor]:
    """Root mean square difference per pixel, 0..2, of each of ``images`` uint8 (N, C, H, W) to its nearest
    training image, and that one's number: (N,), (N,). ``own`` (N,) are the numbers of ``images`` themselves,
    if they are training images.
    """
    distance, which = nearest(images, training, own, progress)
    return distance / images[0].numel() ** 0.5, which


def nearness(
    training: Tensor, held_out: Tensor | None, n: int, seed: int = 0, progress: Progress | None = None
) -> Nearness:
    """The yardstick from at most ``n`` of the ``held_out`` images or, where the data keep none back, from
    training images that are each compared with the others.
    """
    pool = training if held_out is None else held_out
    chosen = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:n]
    own = chosen if held_out is None else None
    distances, _ = to_training(pool[chosen], training, own, progress)
    return Nearness(distances, max(float(distances.quantile(QUANTILE)), SAME))


def warnings_for(share: float, training: int) -> list[str]:
    """What to say of ``share`` memorised samples and ``training`` images, if anything."""
    found = []
    if training < SMALL:
        found.append(
            f"Only {training:,} training pictures: a GAN can learn so few by heart. Look at the nearest ones "
            "beside the samples, and do not publish samples of pictures that are private."
        )
    if share > SUSPICIOUS:
        found.append(
            f"{share:.0%} of the samples lie as near to a training picture as only 1 % of unseen real "
            "pictures do: the generator replays what it was shown."
        )
    return found
