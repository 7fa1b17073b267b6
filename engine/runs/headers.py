"""What stands in the headers of frames (``engine.live.frames``), field by field. No torch."""

from __future__ import annotations

from typing import Literal, NotRequired, Required, TypeAlias

from typing_extensions import TypedDict

from engine.runs.records import exact

Dtype: TypeAlias = Literal["float32", "uint8", "int16", "png"]


@exact
class ArrayEntry(TypedDict):
    """One array of a frame; ``offset`` from the end of the header, ``png`` is a finished picture."""

    name: str
    dtype: Dtype
    shape: list[int]
    offset: int
    bytes: int


@exact
class ExhibitRecord(TypedDict):
    """A grid of pictures of what is special about a GAN; its PNG is the array ``exhibit_NAME``."""

    name: str
    title: str
    sentence: str
    grid: list[int]
    cell: list[int]
    marks: NotRequired[Literal["generated", "real", "both", ""]]


class Moment(TypedDict):
    """When a frame was drawn; ``row`` is that of the newest metrics."""

    step: int
    time: float
    attempt: int
    row: int


@exact
class FrameHeader(TypedDict, total=False):
    """The header of a frame: of points, of pictures, of real data (which has no moment), or of one
    sample that a control draws (``z``, and ``point`` of points).
    """

    v: Required[int]
    arrays: Required[list[ArrayEntry]]
    step: int
    time: float
    attempt: int
    row: int
    kind: Literal["points", "images"]
    grid: list[int]
    cell: list[int]
    exhibits: list[ExhibitRecord]
    title: str
    bandwidth: float
    arrow_scale: float
    mean_gradient: float
    sheet: bool
    z: list[float]
    point: list[float]
