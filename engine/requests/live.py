"""What the two sockets hear: the live one, and the one that draws."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.requests.base import MAX_ROW, Request
from engine.requests.explore import Draw

MOST_WATCHED = 8  # runs in a socket
Row = Annotated[int, Field(ge=-1, le=MAX_ROW, strict=False)]  # of an address, where all is text


class Watch(Request):
    """The runs that a socket follows, and the last row and event that is known of each."""

    run: list[str] = Field(min_length=1, max_length=MOST_WATCHED, examples=[["20260131-142501-gan"]])
    since: list[Row] = []
    event: list[Row] = []


class Pace(Request):
    """How many frames a second of each run a viewer takes at most."""

    type: Literal["fps"]
    max: float = Field(ge=1, le=60, examples=[10])


class Follow(Request):
    """The sample of each batch whose way through the drawn game a viewer follows; ``None``: none any more."""

    type: Literal["follow"]
    sample: int | None = Field(ge=0, lt=10**6, examples=[0])


class NumberedDraw(Draw):
    """A place to be drawn, by a number that rises."""

    seq: int = Field(ge=0, lt=1 << 32, examples=[1])
