"""A ResNet over a picture of any size, layer by layer in bands of rows, with the whole picture's statistics.

Each layer reads the bands of the one before with the rows around them that its filter sees, so there is no
seam: the result is that of the plain network, whatever the size. Maps of full resolution that are too large
are not kept, but made again where they are needed: they are cheap.

A *step* is a convolution with what comes after it. Letters: C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad

from engine.data.pixels import to_floats, to_pixels
from engine.networks.resnet import HALVINGS, ResnetBlock, ResnetGenerator
from engine.translation import winograd
from engine.translation.normalising import Affine, Mode, Moments, affine_of, of_picture
from engine.translation.storing import IN_MEMORY, Rows

MULTIPLE = 2**HALVINGS  # of which height and width are to be
SMALLEST = 16  # px high and wide at least: what is smaller has hardly any statistics
BAND_PRODUCTS = 5e9  # multiplications in one band: about a tenth of a second
BAND_NUMBERS = 12e6  # numbers that a band makes, at most
ROWS = 8  # of a band at least, and a multiple: the filters' rows around it cost too


@dataclass
class Step:
    """A convolution under ``reflect`` mirrored cells, its norm, ReLU and dropout. Its result is added to that
    of the last step that ``settles`` if it ``joins``; a step settles if others than the next need it.
    """

    conv: nn.Conv2d | nn.ConvTranspose2d
    reflect: int
    norm: nn.Module
    relu: bool = False
    drops: bool = False
    joins: bool = False
    settles: bool = False
    filters: Tensor | None = None  # for Winograd's convolution, if it is one

    @property
    def is_up(self) -> bool:
        return isinstance(self.conv, nn.ConvTranspose2d)

    @property
    def kernel(self) -> int:
        return self.conv.kernel_size[0]

    @property
    def products(self) -> int:
        """Multiplications for each cell that it makes."""
        taps = self.kernel**2 / (4 if self.is_up or self.filters is not None else 1)
        return int(self.conv.in_channels * self.conv.out_channels * taps)


def steps_of(network: ResnetGenerator) -> list[Step]:
    """``network`` as a list of its convolutions, weights shared with it."""
    steps: list[Step] = []
    reflect = 0
    for layer in network.model:
        is_block = isinstance(layer, ResnetBlock)
        if is_block:
            steps[-1].settles = True
        for part in layer.conv_block if isinstance(layer, ResnetBlock) else [layer]:
            reflect = _take(steps, part, reflect)
        if is_block:
            steps[-1].joins = steps[-1].settles = True
    return steps


def _take(steps: list[Step], layer: nn.Module, reflect: int) -> int:
    """Add ``layer`` to ``steps``; how far the next convolution's map is to be mirrored."""
    if isinstance(layer, nn.ReflectionPad2d):
        return layer.padding[0]
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        step = Step(layer, reflect, nn.Identity())
        plain = layer.kernel_size == (3, 3) and layer.stride == (1, 1) and not step.is_up
        if plain and min(layer.in_channels, layer.out_channels) >= winograd.LEAST_CHANNELS:
            step.filters = winograd.transform(layer.weight.detach())
        steps.append(step)
    elif isinstance(layer, nn.ReLU):
        steps[-1].relu = True
    elif isinstance(layer, nn.Dropout):
        steps[-1].drops = True
    elif isinstance(layer, nn.InstanceNorm2d | nn.BatchNorm2d):
        steps[-1].norm = layer
    return 0


class Bands:
    """One picture's way through ``steps``. ``picture`` is uint8 (H, W, C), H and W multiples of ``MULTIPLE``;
    maps too large for memory lie in ``folder``. ``seed`` is that of dropout; without, nothing is dropped. The
    result is rounded, or ``cut``.
    """

    def __init__(
        self,
        steps: list[Step],
        picture: np.ndarray,
        mode: Mode,
        seed: int | None,
        folder: Path,
        cut: bool = False,
    ) -> None:
        self._steps, self._picture, self._seed, self._cut = steps, picture, seed, cut
        self._mode: Mode = mode
        self._folder = folder
        self._kept: dict[int, Rows] = {}  # by step
        self._affine: dict[int, Affine | None] = {}
        self._settled: set[int] = set()
        self._sizes: list[tuple[int, int]] = []  # of what each step makes
        height, width = picture.shape[:2]
        for step in steps:
            if step.is_up:
                height, width = 2 * height, 2 * width
            else:
                height, width = height // step.conv.stride[0], width // step.conv.stride[0]
            self._sizes.append((height, width))
        self.count = sum(self._pieces(k) for k in range(len(steps)))

    def run(self, out: np.ndarray) -> Iterator[None]:
        """Write the translation into ``out``, uint8 (H, W, C'). Stops ``count`` times on the way, about."""
        last = len(self._steps) - 1
        for k, step in enumerate(self._steps[:-1]):
            moments = Moments() if of_picture(step.norm, self._mode) else None
            rows = self._rows_for(k)
            if rows is not None or moments is not None:
                for first, end in self._bands(k):
                    made = self._made(k, first, end)
                    if moments is not None:
                        moments.add(made)
                    if rows is not None:
                        rows.write(first, made)
                    yield
            self._affine[k] = affine_of(step.norm, moments)
            if rows is not None:
                self._kept[k] = rows
                if step.settles:
                    yield from self._settle(k)
                self._forget(k)
        for first, end in self._bands(last):
            made = self._made(last, first, end).tanh()
            out[first:end] = as_pixels(made, self._cut)[0]
            yield

    def _rows_for(self, k: int) -> Rows | None:
        """Where to keep what step ``k`` makes; ``None`` if it is made again whenever it is needed."""
        step, (height, width) = self._steps[k], self._sizes[k]
        channels = step.conv.out_channels
        is_full = height == self._picture.shape[0]
        if is_full and not step.settles and 4 * channels * height * width > IN_MEMORY:
            return None
        return Rows(channels, height, width, self._folder)

    def _settle(self, k: int) -> Iterator[None]:
        """Turn what is kept of step ``k`` into its result, norm and sum included."""
        before = max(self._settled) if self._steps[k].joins else None
        for number, (first, end) in enumerate(self._bands(k)):
            rows = self._active(k, first, end)
            if before is not None:
                rows = rows + self._kept[before].read(first, end)
            self._kept[k].write(first, rows)
            if number % 8 == 7:  # such a band is quick
                yield
        if before is not None:
            self._kept.pop(before).close()
        self._settled = {k}

    def _forget(self, k: int) -> None:
        """Give back what no later step reads."""
        needed = self._settled if any(step.joins for step in self._steps[k + 1 :]) else set()
        for other in [other for other in self._kept if other < k and other not in needed]:
            self._kept.pop(other).close()

    def _pieces(self, k: int) -> int:
        return len(list(self._bands(k)))

    def _bands(self, k: int) -> Iterator[tuple[int, int]]:
        """First and last + 1 rows of the bands in which step ``k`` is made."""
        step, (height, width) = self._steps[k], self._sizes[k]
        by_work = BAND_PRODUCTS / (step.products * width)
        by_room = BAND_NUMBERS / (max(step.conv.out_channels, step.conv.in_channels) * width)
        rows = max(1, int(min(by_work, by_room)) // ROWS) * ROWS
        for first in range(0, height, rows):
            yield first, min(first + rows, height)

    def _active(self, k: int, first: int, end: int) -> Tensor:
        """The result of step ``k``, norm and ReLU included: rows ``first`` to ``end`` - 1, (1, C, n, W)."""
        if k < 0:
            return as_input(self._picture[None, first:end])
        rows = self._kept[k].read(first, end) if k in self._kept else self._made(k, first, end)
        if k in self._settled:
            return rows
        step, affine = self._steps[k], self._affine[k]
        if affine is not None:
            rows = affine(rows)
        if step.relu:
            rows = rows.relu()
        if step.drops and self._seed is not None:
            rows = rows * self._mask(k, first, end, rows)
        return rows

    def _mask(self, k: int, first: int, end: int, like: Tensor) -> Tensor:
        """Dropout's factors 0 and 2, for each row by a seed of its own: rows are made more than once."""
        assert self._seed is not None
        masks = []
        for row in range(first, end):
            random = torch.Generator().manual_seed((self._seed * 1_000_003 + k) * 1_000_003 + row)
            masks.append(torch.rand(like.shape[3], like.shape[1], generator=random) < 0.5)
        return 2.0 * torch.stack(masks).permute(2, 0, 1)[None]  # (1, C, n, W)

    def _made(self, k: int, first: int, end: int) -> Tensor:
        """What step ``k``'s convolution makes, before its norm: rows ``first`` to ``end`` - 1."""
        step = self._steps[k]
        conv = step.conv
        if step.is_up:
            return self._doubled(k, first, end)
        stride, around = conv.stride[0], step.reflect or int(conv.padding[0])
        x = self._around(k, first * stride - around, (end - 1) * stride - around + step.kernel)
        if step.reflect:
            x = pad(x, (around, around, 0, 0), mode="reflect")
        if step.filters is not None:
            return winograd.convolve(x, step.filters, conv.bias)
        return conv2d(x, conv.weight, conv.bias, stride, (0, 0 if step.reflect else around))

    def _around(self, k: int, first: int, end: int) -> Tensor:
        """Rows of what step ``k`` is given, mirrored or zero where they lie beyond it."""
        height = self._sizes[k - 1][0] if k else len(self._picture)
        if not self._steps[k].reflect:
            rows = self._active(k - 1, max(first, 0), min(end, height))
            return pad(rows, (0, 0, max(-first, 0), max(end - height, 0)))
        places = [abs(row) if row < height else 2 * height - 2 - row for row in range(first, end)]
        least = min(places)
        rows = self._active(k - 1, least, max(places) + 1)
        if first >= 0 and end <= height:
            return rows
        return rows[:, :, [place - least for place in places]].contiguous(memory_format=torch.channels_last)

    def _doubled(self, k: int, first: int, end: int) -> Tensor:
        """Rows of a transposed convolution, 3x3 under stride 2: y comes from y // 2 and (y + 1) // 2."""
        conv = self._steps[k].conv
        assert conv.kernel_size == (3, 3)
        height, width = self._sizes[k - 1]
        x = self._active(k - 1, first // 2, min(end // 2 + 1, height))
        made = conv_transpose2d(x, conv.weight, conv.bias, 2)
        cut = 1 + first % 2
        return made[:, :, cut : cut + end - first, 1 : 1 + 2 * width]


def as_input(pixels: np.ndarray) -> Tensor:
    """uint8 (N, H, W, C) as float32 (N, C, H, W) in [-1, 1], channels last."""
    return to_floats(torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2))  # (N, C, H, W)


def as_pixels(x: Tensor, cut: bool = False) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] as uint8 (N, H, W, C), rounded or ``cut``."""
    return to_pixels(x, cut).permute(0, 2, 3, 1).numpy()  # (N, H, W, C)
