"""To add data sets."""

from __future__ import annotations

import typing
from typing import Literal

from pydantic import Field

from engine.requests.base import Request
from engine.requests.files import Files
from engine.requests.runs import Name

Size = Literal[28, 32, 64, 128, 256]
Layout = Literal["images", "pairs", "domains"]
SIZES: tuple[int, ...] = typing.get_args(Size)  # of pairs and domains 64 and more


class AddDataset(Request):
    """Pictures, and zips of them."""

    name: Name
    files: Files
    size: Size = Field(32, description="Pixels: pictures are cropped to squares of them.", examples=[32])
    colour: bool = True
    layout: Layout = Field(
        "images", description="With pairs or domains they are to be translated: A and B, or folders of them."
    )
    value_range: str = Field(
        "",
        max_length=100,
        description="The values of deep pictures that are black and white; empty: chosen from all.",
        examples=["-1024 3071"],
    )
    side_by_side: Literal["auto", "always"] = Field(
        "auto", description="always: files that may be single pictures are A and B side by side all the same."
    )
