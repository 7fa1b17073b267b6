"""How pictures are to be translated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from engine.options import BadInput
from engine.requests.base import WHOLE, Request
from engine.requests.explore import MAX_DRAW
from engine.requests.files import File, Files

PICTURES = ("png", "back", "patches", "given")  # files of an answer
SMALLEST, LARGEST = 16, 20_000  # px of the longest side
Direction = Literal["a_to_b", "b_to_a"]


def _large_enough(longest: int) -> int:
    if 0 < longest < SMALLEST:
        raise BadInput(f"{longest} px is too small.", "longest", f"Give 0, or {SMALLEST} or more.")
    return longest


class Translate(Request):
    """What a user chooses for a translation."""

    direction: Direction = Field("a_to_b", description="Back only with a CycleGAN.", examples=["a_to_b"])
    scale: Literal["auto", "model", "full"] = Field(
        "auto",
        description="model: reduced to the size that it was trained at, the result enlarged. full: its own "
        "resolution.",
    )
    test_mode: Literal["auto", "eval", "train"] = Field(
        "auto",
        description="Norm and dropout. train: by the picture's own statistics; auto: as it was trained.",
    )
    alpha: Literal["keep", "white"] = Field(
        "keep", description="Transparency is put back afterwards, or made white."
    )
    longest: Annotated[int, Field(ge=0, le=LARGEST), AfterValidator(_large_enough), WHOLE] = Field(
        0, description="Larger pictures are reduced to it first; 0: none are.", examples=[1024]
    )
    seed: Annotated[int, Field(ge=0, le=MAX_DRAW), WHOLE] = Field(0, description="Of dropout.")
    back: bool = Field(False, description="Also what a CycleGAN makes of the result.")
    patches: bool = Field(False, description="Also what D says of each patch of the result.")
    given: bool = Field(False, description="Also the picture as it was read: upright, 8 bits, sRGB.")

    def options(self) -> dict[str, Any]:
        """What was chosen, as plain data, without the pictures."""
        return self.model_dump(include=set(Translate.model_fields), exclude_unset=True)


class TranslatePicture(Translate):
    """One picture."""

    image: File = Field(description="Any usual format.")
    format: Literal["png", "json"] = "png"


class TranslateMany(Translate):
    """Pictures, and zips of pictures."""

    files: Files
