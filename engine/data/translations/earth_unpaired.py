"""The Earth without pairs: photographs of one half, maps of the other.

N tiles, H = W = the option ``size``, M the margin.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch

from engine import options
from engine.data.reading.shipped import not_shipped
from engine.data.translations.earth import FILE, Earth, Tile, column, cut, test_tiles, training_tiles
from engine.data.translations.two_sides import SquareSource
from engine.options import BadInput, knob

MERIDIAN = -30  # degrees east: from here eastwards to the date line photographs, westwards maps


class EarthUnpairedOptions(options.Options):
    map: Literal["relief", "elevation"] = knob(
        "relief",
        "Map",
        "Vegetation colours with shaded mountains, or colours by height above and below the sea.",
        group="data",
        choices={"relief": "Shaded relief", "elevation": "Elevation"},
    )
    size: Literal[64, 128, 256] = knob(
        128,
        "Tile size",
        "Pixels high and wide; 15 pixels are one degree.",
        group="data",
        choices={64: "64 x 64", 128: "128 x 128", 256: "256 x 256"},
    )


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
        if problem := self.missing():
            raise problem
        self.margin = self.options.size // 8
        self.names = ("satellite photograph", "map" if self.options.map == "relief" else "elevation map")

    @property
    def a(self) -> torch.Tensor:
        return cut("satellite", half(self.options.size, "east"))

    @property
    def b(self) -> torch.Tensor:
        return cut(self.options.map, half(self.options.size, "west"))

    @property
    def test_a(self) -> torch.Tensor:
        return cut("satellite", test_tiles(self.options.size))

    @property
    def test_b(self) -> torch.Tensor:
        return cut(self.options.map, test_tiles(self.options.size))


@cache
def half(size: int, which: Literal["east", "west"]) -> tuple[Tile, ...]:
    """The training tiles of ``Earth`` that lie wholly on one side of ``MERIDIAN``."""
    border = column(MERIDIAN)
    if which == "east":
        return tuple(tile for tile in training_tiles(size) if tile.left >= border)
    return tuple(tile for tile in training_tiles(size) if tile.left + tile.side <= border)
