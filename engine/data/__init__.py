"""Sources of training data. To add one: a file with a ``Source``, and a line here."""

from __future__ import annotations

from engine.data.pictures.fashion import Fashion
from engine.data.pictures.folder import Folder
from engine.data.pictures.imported import Imported
from engine.data.pictures.mnist import Mnist
from engine.data.pictures.openmoji import OpenMoji
from engine.data.pictures.stacked import Stacked
from engine.data.pictures.upload import Upload
from engine.data.points.drawn import Drawn
from engine.data.points.grid import Grid
from engine.data.points.line import Line
from engine.data.points.point import Point
from engine.data.points.ring import Ring
from engine.data.points.segments import Segments
from engine.data.points.spiral import Spiral
from engine.data.points.two_moons import TwoMoons
from engine.data.source import ImageSource, PointSource, Source
from engine.data.stream import Stream
from engine.data.translations.derived_pairs import DerivedPairs
from engine.data.translations.drawing_styles import DrawingStyles
from engine.data.translations.earth import Earth
from engine.data.translations.earth_unpaired import EarthUnpaired
from engine.data.translations.line_art import LineArt
from engine.data.translations.own_domains import OwnDomains
from engine.data.translations.own_pairs import OwnPairs

__all__ = ["DATASETS", "ImageSource", "PointSource", "Source", "Stream"]

DATASETS: dict[str, type[Source]] = {
    "ring": Ring,
    "grid": Grid,
    "spiral": Spiral,
    "line": Line,
    "two_moons": TwoMoons,
    "segments": Segments,
    "point": Point,
    "drawn": Drawn,
    "mnist": Mnist,
    "stacked_mnist": Stacked,
    "fashion": Fashion,
    "openmoji": OpenMoji,
    "line_art": LineArt,
    "drawing_styles": DrawingStyles,
    "earth": Earth,
    "earth_unpaired": EarthUnpaired,
    "folder": Folder,
    "upload": Upload,
    "own_pairs": OwnPairs,
    "own_domains": OwnDomains,
    "derived_pairs": DerivedPairs,
    "imported": Imported,
}
