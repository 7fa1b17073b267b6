"""The Earth from above and on the map: tiles of three aligned pictures of 5400 x 2700 px; see
earth.LICENCE.md.

N tiles, H = W = the option ``size``, M the margin.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image

from engine import options
from engine.data.reading.shipped import not_shipped
from engine.data.reading.split import Part, Split, lot
from engine.data.translations.two_sides import Side, SquareSource
from engine.options import BadInput, knob

FILE = Path(__file__).with_name("earth.zip")
VIEWS = {"satellite": "satellite.jpg", "relief": "relief.webp", "elevation": "elevation.jpg"}
View = Literal["satellite", "relief", "elevation"]
Map = Literal["relief", "elevation"]
DEGREE = 15  # px; the left edge of the pictures is 180 degrees west, their upper edge the North Pole

# Longitudes held out, from and to, in degrees east: the Rocky Mountains and Mexico; Brazil and Greenland;
# Central Europe, Sahara and the Congo; Mongolia, China and Indochina. 270 px each.
HELD_OUT = ((-117, -99), (-63, -45), (9, 27), (99, 117))
VALIDATION = ((135, 153),)  # Eastern Siberia, Japan, New Guinea and the east of Australia
NORTH, SOUTH = 78, -60  # beyond it is ice, pulled wide by the projection
LAND = 0.15  # a tile with less land free of ice is as good as empty
EMPTY_KEPT = 0.04  # of those tiles, so that the sea is known and not all there is


class Tile(NamedTuple):
    """A square of the pictures, in px."""

    top: int
    left: int
    side: int


def map_knob() -> Any:
    """Which map."""
    return knob(
        "relief",
        "Map",
        "Vegetation colours with shaded mountains, or colours by height above and below the sea.",
        group="data",
        choices={"relief": "Shaded relief", "elevation": "Elevation"},
    )


def size_knob() -> Any:
    """How large the tiles are."""
    return knob(
        128,
        "Picture size",
        "Pixels high and wide; 15 pixels are one degree.",
        group="data",
        choices={64: "64 x 64", 128: "128 x 128", 256: "256 x 256"},
    )


class EarthOptions(options.Options):
    direction: Literal["satellite_to_map", "map_to_satellite"] = knob(
        "satellite_to_map",
        "Direction",
        "Which side is the input, and which the target.",
        group="data",
        choices={"satellite_to_map": "Photograph to map", "map_to_satellite": "Map to photograph"},
    )
    map: Map = map_knob()
    size: Literal[64, 128, 256] = size_knob()


class Earth(SquareSource):
    """Satellite photographs and maps of the same tiles. Tiles of the four ``HELD_OUT`` bands are the test
    part, those of ``VALIDATION`` what is chosen by; no other tile reaches into one. Not mirrored: the maps
    are lit from the north-west.
    """

    name = "earth"
    title = "Satellite and map"
    sentence = "Turn satellite photographs of the Earth into shaded maps, or maps into photographs."
    licence = "public domain: NASA Blue Marble, Natural Earth shaded relief, NOAA ETOPO1"
    kind = "pairs"
    Options = EarthOptions

    @classmethod
    def missing(cls, options: EarthOptions | None = None) -> BadInput | None:
        return not_shipped(FILE, "earth")

    def __init__(self, options: EarthOptions | None = None) -> None:
        super().__init__(options)
        views: tuple[View, View] = ("satellite", self.options.map)
        self._views = views if self.options.direction == "satellite_to_map" else views[::-1]
        shown = {"satellite": "satellite photograph", "relief": "map", "elevation": "elevation map"}
        self.names = (shown[self._views[0]], shown[self._views[1]])

    def pictures(self, side: Side, part: Part) -> torch.Tensor:
        return cut(self._views[0 if side == "a" else 1], tiles_of(part, self.options.size, self.split))


def column(longitude: float) -> int:
    """The column of the pictures at which a longitude (degrees east) is."""
    return round((longitude + 180) * DEGREE)


@cache
def tiles_of(part: Part, size: int, split: Split) -> tuple[Tile, ...]:
    """Tiles of ``size`` in the bands of one part, side by side; those to learn from, with their margin,
    between all others, half overlapping. Shuffled for good.
    """
    bands = {"test": HELD_OUT, "val": VALIDATION if split == "families" else ()}
    if part != "train":
        return _tiles([(column(west), column(east)) for west, east in bands[part]], size, size)
    edges = [-180, *sorted(edge for held in bands.values() for band in held for edge in band), 180]
    between = zip(edges[::2], edges[1::2], strict=True)
    return _tiles([(column(west), column(east)) for west, east in between], size + size // 8, size // 2)


def _tiles(bands: list[tuple[int, int]], side: int, step: int) -> tuple[Tile, ...]:
    top, bottom = (90 - NORTH) * DEGREE, (90 - SOUTH) * DEGREE
    places = [
        Tile(row, left, side)
        for west, east in bands
        for left in _spread(west, east, side, step)
        for row in _spread(top, bottom, side, step)
    ]
    land = _land()
    kept = [
        tile
        for tile in places
        if _window(land, tile).mean() >= LAND or lot(f"empty tile {tile}") < EMPTY_KEPT
    ]
    return tuple(sorted(kept, key=lambda tile: lot(f"tile {tile}")))


def _spread(first: int, last: int, side: int, step: int) -> list[int]:
    """Where the intervals of length ``side`` begin that fit into ``first`` to ``last``, ``step`` apart and in
    its middle.
    """
    count = (last - first - side) // step + 1
    begin = first + (last - first - side - (count - 1) * step) // 2
    return [begin + number * step for number in range(count)]


@cache
def _land() -> np.ndarray:
    """Where there is land without ice: bool (2700, 5400). The map's sea is blue; ice is white from above."""
    red, green, blue = view("relief").transpose(2, 0, 1).astype(np.int16)
    sea = (blue > green + 6) & (blue > red + 16)
    return ~sea & (view("satellite").min(2) < 190)


def _window(picture: np.ndarray, tile: Tile) -> np.ndarray:
    return picture[tile.top : tile.top + tile.side, tile.left : tile.left + tile.side]


@cache
def view(name: View) -> np.ndarray:
    """One picture of the whole Earth, uint8 (2700, 5400, 3), decoded once a process."""
    with zipfile.ZipFile(FILE) as archive, Image.open(io.BytesIO(archive.read(VIEWS[name]))) as file:
        return np.array(file.convert("RGB"))  # writable, which torch asks for


@lru_cache(maxsize=4)  # both sides and both parts of one size
def cut(name: View, tiles: tuple[Tile, ...]) -> torch.Tensor:
    """Tiles of one size of a picture: uint8 (N, 3, H, W)."""
    whole = torch.from_numpy(view(name)).permute(2, 0, 1)  # (3, 2700, 5400)
    return torch.stack(
        [whole[:, top : top + side, left : left + side] for top, left, side in tiles]
    )  # (N, 3, H, W)
