"""The live picture of a run: what each kind of data provides, and which one suits a run."""

from __future__ import annotations

from typing import Protocol

from engine.data.kinds import KINDS
from engine.game.showing import Shown
from engine.runs.headers import Moment
from engine.runs.records import Values


class Picture(Protocol):
    """The live picture of a run, whatever its data."""

    def measure(self) -> Values: ...
    def frame(self, header: Moment) -> bytes: ...
    def real(self) -> bytes: ...
    def thumbnail(self) -> bytes: ...


def picture_of(shown: Shown) -> Picture:
    """The picture that suits the data of ``shown``."""
    return KINDS[shown.source.kind].live_picture(shown)
