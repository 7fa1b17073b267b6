"""How pictures are to be translated."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

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
    scale: Literal["auto", "model", "full", "whole"] = Field(
        "auto",
        description="model: reduced to the training size, and the result enlarged. full: at full "
        "resolution, a U-Net in tiles. whole: at full resolution, a U-Net on all of it at once, mirrored "
        "to a multiple of its size.",
    )
    test_mode: Literal["auto", "eval", "train"] = Field(
        "auto",
        description="Batch norm. train: by the picture's own statistics; eval: by the running averages; "
        "auto: as the model says.",
    )
    dropout: Literal["auto", "on", "off"] = Field(
        "auto", description="on: some layers drop half of their features; auto: as the model says."
    )
    preprocess: Literal["off", "resize_and_crop", "scale_width", "none"] = Field(
        "off",
        description="The reference implementation's option of that name, with its rounding and the size "
        "that it gives; off: the picture keeps its aspect ratio, colours and size.",
    )
    alpha: Literal["keep", "white"] = Field(
        "keep", description="Put transparency back afterwards, or make it white."
    )
    value_range: str = Field(
        "",
        max_length=100,
        description="Of grey pictures with more than 8 bits: the values that are black and white, two for "
        "each side if they differ. Empty: as the model's data were said to be, or chosen from the picture.",
        examples=["0 4095"],
    )
    longest: Annotated[int, Field(ge=0, le=LARGEST), AfterValidator(_large_enough), WHOLE] = Field(
        0, description="Larger pictures are reduced to it first; 0: none are.", examples=[1024]
    )
    seed: Annotated[int, Field(ge=0, le=MAX_DRAW), WHOLE] = Field(0, description="Of dropout.")
    back: bool = Field(False, description="Also what a CycleGAN makes of the result.")
    patches: bool = Field(False, description="Also what D says of each patch of the result.")
    given: bool = Field(False, description="Also the picture as it was read: upright, 8 bits, sRGB.")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.preprocess != "off" and (self.scale != "auto" or self.longest):
            raise BadInput(
                "the reference's way with pictures sets the size.",
                "preprocess",
                "Leave scale and longest out.",
            )
        return self

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
