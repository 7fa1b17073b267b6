"""Norms over a picture that is worked on in parts: statistics first, then a scale and a shift a channel."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor, nn

Mode = Literal["train", "eval"]


class Moments:
    """Mean and variance of each channel over all parts that were added; sums are kept in double precision."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Count in a part (N, C, H, W)."""
        flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # (N H W, C)
        total, squares = (
            flat.sum(0).double(),
            (flat * flat).sum(0).double(),
        )  # many times faster than var_mean
        self._sum = total if self._sum is None else self._sum + total
        self._squares = squares if self._squares is None else self._squares + squares
        self._count += len(flat)

    def mean_and_variance(self) -> tuple[Tensor, Tensor]:
        """(C,) each; the variance is that of the parts, not an estimate of another one."""
        assert self._sum is not None and self._squares is not None
        mean = self._sum / self._count
        return mean, (self._squares / self._count - mean.square()).clamp_min(0)


class Affine:
    """x * scale + shift for each channel, then perhaps ReLU."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        self._scale, self._shift = scale.float().view(1, -1, 1, 1), shift.float().view(1, -1, 1, 1)

    def __call__(self, x: Tensor) -> Tensor:
        """``x`` (N, C, H, W) normalised, in memory of its own."""
        return torch.addcmul(self._shift, x, self._scale)


def of_picture(layer: nn.Module, mode: Mode) -> bool:
    """Whether ``layer`` normalises by the picture's own statistics. In training mode batch norm does too, as
    pix2pix is used with a batch of one.
    """
    if isinstance(layer, nn.InstanceNorm2d):
        return True
    return isinstance(layer, nn.BatchNorm2d) and mode == "train"


def affine_of(layer: nn.Module, moments: Moments | None) -> Affine | None:
    """What ``layer`` does, given the statistics of the whole picture or, without, its own; ``None`` if that
    is nothing.
    """
    if not isinstance(layer, nn.InstanceNorm2d | nn.BatchNorm2d):
        return None
    if moments is not None:
        mean, variance = moments.mean_and_variance()
    else:
        assert layer.running_mean is not None and layer.running_var is not None
        mean, variance = layer.running_mean.double(), layer.running_var.double()
    scale = (variance + layer.eps).rsqrt()
    if layer.affine:
        scale = scale * layer.weight.double()
    shift = -mean * scale
    return Affine(scale, shift + layer.bias.double() if layer.affine else shift)


def by_the_picture(network: nn.Module) -> nn.Module:
    """A copy of ``network`` whose batch norm goes by the picture at hand: it knows no other statistics."""
    own = copy.deepcopy(network)
    for layer in own.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = layer.running_var = None
    return own
