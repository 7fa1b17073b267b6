"""How a picture is to be translated. No torch."""

from __future__ import annotations

from typing import Any, Literal, get_args

from engine.options import BadInput, Options, knob, validate

LONGEST = (16, 20_000)  # px
PARTS = ("png", "back", "patches", "given")  # of an answer: pictures


class TranslationOptions(Options):
    """What a user chooses for a translation, the same for a page, HTTP and the command line."""

    direction: Literal["a_to_b", "b_to_a"] = knob("a_to_b", "Direction", "Back only with a CycleGAN.")
    scale: Literal["auto", "model", "full", "whole"] = knob(
        "auto",
        "Scale",
        "model: reduced to the size that it was trained at, the result enlarged. full: its own resolution, a "
        "U-Net in tiles. whole: a U-Net too takes all of it at once, mirrored to a multiple of its size.",
    )
    test_mode: Literal["auto", "eval", "train"] = knob(
        "auto", "Norm", "train: by the picture's own statistics; auto: as the model says."
    )
    dropout: Literal["auto", "on", "off"] = knob(
        "auto", "Dropout", "on: half of some features are left out; auto: as the model says."
    )
    preprocess: Literal["off", "resize_and_crop", "scale_width", "none"] = knob(
        "off",
        "Preprocess",
        "As the reference implementation's option of that name, with its rounding, at the size that it makes "
        "of the picture; off: the picture keeps its aspect, colours and size.",
    )
    alpha: Literal["keep", "white"] = knob("keep", "Transparency", "Put back afterwards, or made white.")
    longest: int = knob(
        0, "Longest side", "Larger pictures are reduced to it first; 0: none are.", ge=0, le=20_000
    )
    seed: int = knob(0, "Seed", "Of dropout.", ge=0, le=2**53)
    back: bool = knob(False, "The way back", "What a CycleGAN makes of the result.")
    patches: bool = knob(False, "D's patches", "What D says of each patch of the result.")
    given: bool = knob(False, "The picture as it was read", "Upright, 8 bits, sRGB: to show it beside.")


CHOICES = {name: list(get_args(TranslationOptions.model_fields[name].annotation)) for name in (
    "direction", "scale", "test_mode", "dropout", "preprocess", "alpha")}  # fmt: skip


def check_options(given: object) -> dict[str, Any]:
    """``given`` with all defaults filled in. Raises ``BadInput``."""
    if not isinstance(given, dict):
        raise BadInput("the options are no object.", "options", 'For example {"direction": "b_to_a"}.')
    options = validate(TranslationOptions, {str(name): value for name, value in given.items()})
    assert isinstance(options, TranslationOptions)
    if 0 < options.longest < LONGEST[0]:
        raise BadInput(f"{options.longest} px is too small.", "longest", f"Give 0, or {LONGEST[0]} or more.")
    if options.preprocess != "off" and (options.scale != "auto" or options.longest):
        raise BadInput(
            "the reference's way with pictures sets the size.", "preprocess", "Leave scale and longest out."
        )
    return options.model_dump()
