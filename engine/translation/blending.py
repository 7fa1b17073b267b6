"""Tiles that overlap by half, blended into one picture by a raised cosine whose halves sum to one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from engine.translation.bands import as_pixels

Place = tuple[int, int]  # the row and column where a tile begins


def places(side: int, size: int) -> list[int]:
    """Where tiles of ``size`` begin on a side: every half a tile, and the last at its end."""
    return sorted({*range(0, side - size, size // 2), side - size})


def blend(
    rows: list[int],
    columns: list[int],
    size: Place,
    factor: Fraction,
    tile: Callable[[Place], Generator[None, None, Tensor]],
    out: np.ndarray,
    cut: bool,
) -> Iterator[None]:
    """Write into ``out``, uint8 (H', W', C'), what ``tile`` makes of tiles of ``size`` that begin at ``rows``
    and ``columns``: (C', H, W), ``factor`` times as high and wide. Stops wherever ``tile`` does.
    """
    high, wide = (int(side * factor) for side in size)
    strip = torch.zeros(high, out.shape[1], out.shape[2])  # what is still added to
    weights = torch.zeros(high, out.shape[1], 1)
    window = _window(high, wide)
    for number, row in enumerate(rows):
        for column in columns:
            made = yield from tile((row, column))
            left = int(column * factor)
            strip[:, left : left + wide] += made.permute(1, 2, 0) * window
            weights[:, left : left + wide] += window
        after = int((rows[number + 1] - row) * factor) if number + 1 < len(rows) else high
        top = int(row * factor)
        done = (strip[:after] / weights[:after]).permute(2, 0, 1)[None]  # (1, C', after, W')
        out[top : top + after] = as_pixels(done, cut)[0]
        strip, weights = (
            torch.cat([part[after:], torch.zeros_like(part[:after])]) for part in (strip, weights)
        )


def _window(high: int, wide: int) -> Tensor:
    """(H, W, 1): a raised cosine in both directions, above zero everywhere."""
    down, across = (
        0.5 - 0.5 * torch.cos(2 * np.pi * (torch.arange(size) + 0.5) / size) for size in (high, wide)
    )
    return (down[:, None] * across[None, :]).unsqueeze(2)
