"""The live picture of a run: what each kind of data provides, and which one suits a trainer."""

from __future__ import annotations

from typing import Any, Protocol

from engine.data import ImageSource, PointSource
from engine.data.translations.two_sides import TranslationSource
from engine.live.images import ImagesPicture
from engine.training.trainer import Trainer


class Picture(Protocol):
    """The live picture of a run, whatever its data."""

    def measure(self) -> dict[str, Any]: ...
    def frame(self, header: dict[str, Any]) -> bytes: ...
    def real(self) -> bytes: ...
    def thumbnail(self) -> bytes: ...


def picture_of(trainer: Trainer) -> Picture:
    """The picture that suits the data of ``trainer``."""
    if isinstance(trainer.source, TranslationSource):
        from engine.live.triptych import TranslationPicture  # which is made of the parts above

        return TranslationPicture(trainer, trainer.source)
    if isinstance(trainer.source, PointSource):
        from engine.live.points import PointsPicture

        return PointsPicture(trainer, trainer.source)
    assert isinstance(trainer.source, ImageSource)
    return ImagesPicture(trainer, trainer.source)
