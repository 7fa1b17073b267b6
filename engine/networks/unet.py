"""The U-Net of pix2pix (Isola et al. 2017, appendix 6.1; after Ronneberger et al. 2015).

It is built from the inside out, each level around the one below it, as in the reference implementation: so
the names of its parameters, such as ``model.model.1.model.3``, are ours too and its files load as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.networks.dropout import Dropout
from engine.networks.init import dcgan_init
from engine.networks.norms import Norm, has_bias, norm

DEEPEST = 8  # times ``width``: the channels of the inner levels


class UnetLevel(nn.Module):
    """One level: a halving, what lies ``below`` it, a doubling; and beside all that, its input as it came.

    (N, outer, H, W) to (N, 2 outer, H, W), or to (N, outputs, H, W) where ``outputs`` makes it the outermost.
    """

    def __init__(
        self,
        outer: int,
        inner: int,
        kind: Norm,
        below: UnetLevel | None = None,
        dropout: bool = False,
        outputs: int = 0,
    ) -> None:
        super().__init__()
        bias, self.is_outermost = has_bias(kind), outputs > 0
        down = nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)
        joined = inner if below is None else 2 * inner
        relu = nn.ReLU(inplace=True)
        layers: list[nn.Module | None]
        if self.is_outermost:
            up = nn.ConvTranspose2d(joined, outputs, 4, 2, 1)
            layers = [down, below, relu, up, nn.Tanh()]
        else:
            # not in place: reference files work with either, since ReLU follows where the two ways join
            first = [nn.LeakyReLU(0.2), down]
            last = [relu, nn.ConvTranspose2d(joined, outer, 4, 2, 1, bias=bias), norm(kind, outer)]
            middle = [] if below is None else [norm(kind, inner), below]
            layers = [*first, *middle, *last, *([Dropout(0.5)] if dropout else [])]
        self.model = nn.Sequential(*(layer for layer in layers if layer is not None))

    def forward(self, x: Tensor) -> Tensor:
        out = self.model(x)
        return out if self.is_outermost else torch.cat([x, out], 1)  # (N, 2 outer, H, W)


class UnetGenerator(nn.Module):
    """Pictures (N, inputs, H, W) to pictures (N, outputs, H, W) in [-1, 1]; H and W are multiples of
    2 ** ``downs``.

    ``downs`` is 6 for 64 px, 7 for 128 px, 8 for 256 px: at that size the innermost map is one pixel. Dropout
    is in the ``downs - 5`` levels above it.
    """

    def __init__(
        self, inputs: int, outputs: int, downs: int, width: int, kind: Norm, dropout: bool = False
    ) -> None:
        super().__init__()
        deep = width * DEEPEST
        level = UnetLevel(deep, deep, kind)
        for _ in range(downs - 5):
            level = UnetLevel(deep, deep, kind, level, dropout)
        for times in (4, 2, 1):
            level = UnetLevel(width * times, width * times * 2, kind, level)
        self.model = UnetLevel(inputs, width, kind, level, outputs=outputs)
        self.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
