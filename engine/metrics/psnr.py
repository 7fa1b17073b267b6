"""How far a translated picture is from the one that it should be."""

from __future__ import annotations

import torch
from torch import Tensor


def psnr(made: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of pictures (N, C, H, W) in [-1, 1], each by itself: (N,).

    10 log10(peak^2 / mean squared error), where the peak, black to white, is 2; at most 100.
    """
    error = (made - truth).square().flatten(1).mean(1)
    return 10 * torch.log10(4 / error.clamp_min(4e-10))
