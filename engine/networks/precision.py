"""Products in bfloat16: convolutions and linear layers multiply with 8 bits of mantissa instead of 24, and
all else stays in float32 (Micikevicius et al. 2018, *Mixed Precision Training*; bfloat16 has float32's range,
so losses need no scaling).
"""

from __future__ import annotations

import platform
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def knows_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` has instructions for products in bfloat16; without them they take forty times as
    long as in float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu" and platform.machine().lower() in ("x86_64", "amd64"):
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()


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
