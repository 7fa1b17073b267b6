"""Products in bfloat16: convolutions and linear layers multiply with 8 bits of mantissa instead of 24, and
all else stays in float32 (Micikevicius et al. 2018, *Mixed Precision Training*; bfloat16 has float32's range,
so losses need no scaling).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def multiply_in_bfloat16(network: nn.Module) -> None:
    """Have every layer of ``network`` that multiplies do so in bfloat16. Its weights, and what it gives on,
    stay float32; so do its state and its gradients.
    """
    for layer in network.modules():
        if isinstance(layer, LAYERS):
            layer.forward = partial(_multiply, layer)  # pyright: ignore[reportAttributeAccessIssue]


def _multiply(layer: nn.Module, x: Tensor) -> Tensor:
    with parametrize.cached():
        if parametrize.is_parametrized(layer):
            getattr(layer, "weight")  # noqa: B009 - spectral norm's own products stay in float32
        with torch.autocast(x.device.type, torch.bfloat16):
            return type(layer).forward(layer, x).float()
