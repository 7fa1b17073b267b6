"""The normalisations of the translation networks, and which convolutions have a bias under them."""

from __future__ import annotations

from typing import Literal

from torch import nn

Norm = Literal["batch", "instance", "instance_affine", "none"]
NORMS = {"batch": "batch", "instance": "instance", "instance_affine": "instance, affine", "none": "none"}


def norm(kind: Norm, channels: int) -> nn.Module:
    """One layer of ``kind``. "instance" learns nothing and keeps no statistics; "instance_affine" scales and
    shifts, as files of early versions of the reference implementation do.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "none":
        return nn.Identity()
    return nn.InstanceNorm2d(channels, affine=kind == "instance_affine")


def has_bias(kind: Norm) -> bool:
    """Whether a convolution before the norm has a bias: under instance norm, as in the reference."""
    return kind.startswith("instance")
