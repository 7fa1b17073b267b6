"""A U-Net as two lists of convolutions, over many tiles of one picture level by level: each norm takes its
statistics over all of them.

Letters: C channels given, O channels made, S cells high and wide.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from engine.networks.unet import UnetGenerator, UnetLevel
from engine.translation.normalising import Affine, Mode, Moments, affine_of, of_picture

THIN = 8  # channels below which packing gains nothing

Tiles = list[Tensor]  # (1, C, S, S) each
Norms = list[Affine | None]  # of each level on the way down, then up


@dataclass
class Level:
    """A convolution or transposed convolution, 4x4 under stride 2, its norm, and whether dropout follows."""

    conv: nn.Conv2d | nn.ConvTranspose2d
    norm: nn.Module
    drops: bool = False
    weight: Tensor | None = None  # as ``make`` takes it; a copy, so that a model may be renewed meanwhile
    bias: Tensor | None = None
    packed: Tensor | None = None
    size: int = 0  # of the maps that it is packed for

    def prepare(self, size: int) -> None:
        """Lay out the weights for tiles of which it is given ``size`` cells high and wide."""
        self.size = size
        is_up, weight = isinstance(self.conv, nn.ConvTranspose2d), self.conv.weight.detach()
        self.weight = weight.clone(memory_format=torch.channels_last)
        self.bias = None if self.conv.bias is None else self.conv.bias.detach().clone()
        if min(self.conv.in_channels, self.conv.out_channels) > THIN and weight.device.type == "cpu":
            self.packed = _packed(weight, is_up, [1, self.conv.in_channels, size, size])

    def make(self, x: Tensor) -> Tensor:
        """The convolution of ``x`` (1, C, S, S): (1, O, S / 2, S / 2), or going up (1, O, 2 S, 2 S). Any
        height and width will do, and S, for which it was prepared, is quickest.
        """
        assert self.weight is not None
        is_up = isinstance(self.conv, nn.ConvTranspose2d)
        x = x.contiguous(memory_format=torch.channels_last)
        if self.packed is None or x.shape[2:] != (self.size, self.size):
            return (conv_transpose2d if is_up else conv2d)(x, self.weight, self.bias, 2, 1)
        ops, more = torch.ops.mkldnn, ([1, 1], 1, "none", [], "")
        if is_up:
            return ops._convolution_transpose_pointwise(
                x, self.packed, self.bias, [1, 1], [0, 0], [2, 2], *more
            )
        return ops._convolution_pointwise(x, self.packed, self.bias, [1, 1], [2, 2], *more)


def _packed(weight: Tensor, is_up: bool, given: list[int]) -> Tensor | None:
    """``weight`` in the order in which oneDNN reads it for maps of shape ``given``, as ``torch.compile`` does
    for frozen weights: it saves most of the time that small maps take. ``None`` if this torch has no such.
    """
    try:
        with torch.inference_mode():
            ops = torch.ops.mkldnn
            if is_up:
                return ops._reorder_convolution_transpose_weight(
                    weight, [1, 1], [0, 0], [2, 2], [1, 1], 1, given
                )
            return ops._reorder_convolution_weight(weight, [1, 1], [2, 2], [1, 1], 1, given)
    except (AttributeError, RuntimeError, TypeError):  # not public: it may change
        return None


class Levels:
    """``network`` flattened, with a copy of its weights in the layout that suits tiles of its size."""

    def __init__(self, network: UnetGenerator) -> None:
        self.downs: list[Level] = []
        self.ups: list[Level] = []  # from the inside out
        self._add(network.model)
        self.size = 2 ** len(self.downs)
        self.numbers = 0  # that a tile takes on its way, at most
        for place, (down, up) in enumerate(zip(self.downs, reversed(self.ups), strict=True), 1):
            inner = self.size // 2**place
            self.numbers += 3 * inner**2 * down.conv.out_channels
            down.prepare(2 * inner)
            up.prepare(inner)

    def _add(self, level: UnetLevel) -> None:
        up: Level | None = None
        for layer in level.model:
            if isinstance(layer, UnetLevel):
                self._add(layer)
            elif isinstance(layer, nn.Conv2d):
                self.downs.append(Level(layer, nn.Identity()))
            elif isinstance(layer, nn.ConvTranspose2d):
                up = Level(layer, nn.Identity())
                self.ups.append(up)
            elif isinstance(layer, nn.InstanceNorm2d | nn.BatchNorm2d):
                (self.downs[-1] if up is None else up).norm = layer
            elif isinstance(layer, nn.Dropout) and up is not None:
                up.drops = True

    def forward(
        self, tiles: Tiles, mode: Mode, seed: int | None, norms: Norms | None = None
    ) -> Generator[None, None, tuple[Tiles, Norms]]:
        """What the network makes of ``tiles`` in [-1, 1], and the norms that it used: those given, or those
        of all the tiles together. ``seed`` is that of dropout; without, nothing is dropped. Stops after each
        of ``tiles`` at each level.
        """
        given = None if norms is None else iter(norms)
        found: Norms = []
        skips: list[Tiles] = []
        for level in self.downs:
            tiles = [leaky_relu(tile, 0.2) for tile in tiles] if skips else list(tiles)
            tiles = yield from _level(level, tiles, mode, given, found)
            skips.append(tiles)
        tiles = skips.pop()
        random = torch.Generator().manual_seed(seed or 0)
        for level in self.ups:
            if level is not self.ups[0]:
                tiles = [torch.cat(both, 1) for both in zip(skips.pop(), tiles, strict=True)]
            tiles = yield from _level(level, [tile.relu_() for tile in tiles], mode, given, found)
            if level.drops and seed is not None:  # the same in every tile, or their colours would differ
                mask = 2.0 * (torch.rand(tiles[0].shape[1:], generator=random) < 0.5)
                tiles = [tile * mask for tile in tiles]
        return [tile.tanh_() for tile in tiles], found


def _level(
    level: Level, tiles: Tiles, mode: Mode, given: Iterator[Affine | None] | None, found: Norms
) -> Generator[None, None, Tiles]:
    """One level's convolution and norm of ``tiles``, which is emptied."""
    made: Tiles = []
    moments = Moments() if given is None and of_picture(level.norm, mode) else None
    while tiles:
        made.append(level.make(tiles.pop(0)))
        if moments is not None:
            moments.add(made[-1])
        yield
    affine = next(given) if given is not None else affine_of(level.norm, moments)
    found.append(affine)
    return made if affine is None else [affine(tile) for tile in made]
