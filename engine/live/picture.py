"""The live picture of a run: what each kind of data provides, and which one suits a run."""

from __future__ import annotations

from typing import Protocol

from engine.data import ImageSource, PointSource
from engine.data.translations.two_sides import TranslationSource
from engine.game.showing import Shown
from engine.live.images import ImagesPicture
from engine.runs.records import Moment, Values


class Picture(Protocol):
    """The live picture of a run, whatever its data."""

    def measure(self) -> Values: ...
    def frame(self, header: Moment) -> bytes: ...
    def real(self) -> bytes: ...
    def thumbnail(self) -> bytes: ...


def picture_of(shown: Shown) -> Picture:
    """The picture that suits the data of ``shown``."""
    if isinstance(shown.source, TranslationSource):
        from engine.live.triptych import TranslationPicture  # which is made of the parts above

        return TranslationPicture(shown, shown.source)
    if isinstance(shown.source, PointSource):
        from engine.live.points import PointsPicture

        return PointsPicture(shown, shown.source)
    assert isinstance(shown.source, ImageSource)
    return ImagesPicture(shown, shown.source)
