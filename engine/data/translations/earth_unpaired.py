"""The Earth without pairs: photographs of one half, maps of the other.

N tiles, H = W = the option ``size``, M the margin.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch

from engine import options
from engine.data.reading.shipped import not_shipped
from engine.data.reading.split import Part, Split
from engine.data.translations.earth import (
    FILE,
    Earth,
    Map,
    Tile,
    column,
    cut,
    map_knob,
    size_knob,
    tiles_of,
)
from engine.data.translations.two_sides import Side, SquareSource
from engine.options import BadInput

MERIDIAN = -30  # degrees east: from here eastwards to the date line photographs, westwards maps


class EarthUnpairedOptions(options.Options):
    map: Map = map_knob()
    size: Literal[64, 128, 256] = size_knob()


class EarthUnpaired(SquareSource):
    """Photographs of Europe, Africa, Asia and Australia (A), maps of the Americas (B). Held out are
    ``Earth``'s test tiles, of which both are known.
    """

    name = "earth_unpaired"
    title = "Satellite and map, unpaired"
    sentence = "Photographs of the Old World and maps of the New: learn to map what was never seen mapped."
    licence = Earth.licence
    kind = "domains"
    Options = EarthUnpairedOptions

    @classmethod
    def missing(cls, options: EarthUnpairedOptions | None = None) -> BadInput | None:
        return not_shipped(FILE, "earth")

    def __init__(self, options: EarthUnpairedOptions | None = None) -> None:
        super().__init__(options)
        self.names = ("satellite photograph", "map" if self.options.map == "relief" else "elevation map")

    def pictures(self, side: Side, part: Part) -> torch.Tensor:
        size, split = self.options.size, self.split
        which = "east" if side == "a" else "west"
        tiles = half(size, which, split) if part == "train" else tiles_of(part, size, split)
        return cut("satellite" if side == "a" else self.options.map, tiles)


@cache
def half(size: int, which: Literal["east", "west"], split: Split) -> tuple[Tile, ...]:
    """The training tiles of ``Earth`` that lie wholly on one side of ``MERIDIAN``."""
    border, tiles = column(MERIDIAN), tiles_of("train", size, split)
    if which == "east":
        return tuple(tile for tile in tiles if tile.left >= border)
    return tuple(tile for tile in tiles if tile.left + tile.side <= border)
