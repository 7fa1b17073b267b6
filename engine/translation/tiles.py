"""A U-Net over a picture of any size, in tiles of the size that it was trained at.

A U-Net sees all of its picture through its one innermost cell: larger pictures than it was trained on are not
its own. So tiles overlap by half and are blended, and all share the statistics of the whole picture: those of
all tiles together or, where these are too many to be kept, of tiles spread evenly over it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction

import numpy as np
from torch import Tensor

from engine.options import BadInput
from engine.translation.bands import as_input, as_pixels
from engine.translation.blending import Place, blend, places
from engine.translation.levels import Levels, Norms
from engine.translation.normalising import Mode, of_picture

TOGETHER = 64e6  # numbers of the tiles that give the statistics
AT_ONCE = 512e6  # numbers of a picture that is taken whole: about 2 GB


class Tiled:
    """One picture's way through ``levels``. ``picture`` is uint8 (H, W, C), at least a tile high and wide."""

    def __init__(
        self, levels: Levels, picture: np.ndarray, mode: Mode, seed: int | None, cut: bool = False
    ) -> None:
        self._levels, self._picture, self._seed, self._cut = levels, picture, seed, cut
        self._mode: Mode = mode
        size = levels.size
        self.rows, self.columns = (places(side, size) for side in picture.shape[:2])
        self.places = [(row, column) for row in self.rows for column in self.columns]
        own = any(of_picture(level.norm, mode) for level in (*levels.downs, *levels.ups))
        most = max(4, int(TOGETHER / levels.numbers)) if own else 1
        step = max(1, -(-len(self.places) // most))
        self._asked = self.places[step // 2 :: step] if own else []
        self._all = len(self._asked) == len(self.places)
        depth = 2 * len(levels.downs)
        self.count = depth * (len(self._asked) + (0 if self._all else len(self.places)))

    def run(self, out: np.ndarray) -> Iterator[None]:
        """Write the translation into ``out``, uint8 (H, W, C'). Stops ``count`` times on the way."""
        norms: Norms | None = None
        made: dict[tuple[int, int], Tensor] = {}
        if self._asked:
            tiles, norms = yield from self._forward([self._tile(*place) for place in self._asked], None)
            if self._all:
                made = dict(zip(self.places, tiles, strict=True))
            del tiles

        def tile(place: Place) -> Generator[None, None, Tensor]:
            if (ready := made.pop(place, None)) is None:
                (ready,), _ = yield from self._forward([self._tile(*place)], norms)
            return ready[0]

        size = (self._levels.size, self._levels.size)
        yield from blend(self.rows, self.columns, size, Fraction(1), tile, out, self._cut)

    def _forward(
        self, tiles: list[Tensor], norms: Norms | None
    ) -> Generator[None, None, tuple[list[Tensor], Norms]]:
        return (yield from self._levels.forward(tiles, self._mode, self._seed, norms))

    def _tile(self, row: int, column: int) -> Tensor:
        size = self._levels.size
        return as_input(self._picture[None, row : row + size, column : column + size])


class Whole:
    """One picture's way through ``levels`` at once, as the reference implementation runs it. ``picture`` is
    uint8 (H, W, C), height and width multiples of the network's size. What U-Nets make of more than they
    were trained on is another picture than tiles give: bolder in large areas, and often with fewer details.

    Raises ``BadInput`` for one that is too large to be kept in memory at once.
    """

    def __init__(
        self, levels: Levels, picture: np.ndarray, mode: Mode, seed: int | None, cut: bool = False
    ) -> None:
        self._levels, self._picture, self._seed, self._cut = levels, picture, seed, cut
        self._mode: Mode = mode
        height, width = picture.shape[:2]
        if levels.numbers * height * width / levels.size**2 > AT_ONCE:
            raise BadInput(
                f"{width} x {height} px are too many for this network at once.",
                "scale",
                "Choose full, which works in tiles, or a smaller longest.",
            )
        self.count = 2 * len(levels.downs)

    def run(self, out: np.ndarray) -> Iterator[None]:
        """Write the translation into ``out``, uint8 (H, W, C'). Stops ``count`` times on the way."""
        tile = as_input(self._picture[None])
        (made,), _ = yield from self._levels.forward([tile], self._mode, self._seed, None)
        out[:] = as_pixels(made, self._cut)[0]
