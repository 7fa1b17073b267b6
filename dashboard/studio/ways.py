"""What can be chosen about a translation beyond its model and direction: in words, and where it applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Card = Mapping[str, Any]
COLOURS = (1, 3)  # channels of what the reference implementation reads


@dataclass(frozen=True)
class Control:
    """A choice of ``POST /api/translate``: its label, what it does, and its values by what is said."""

    label: str
    about: str
    values: dict[str, str]


CONTROLS = {
    "scale": Control(
        "Scale",
        "Reduced to the size of the training pictures and enlarged again, or at full resolution. A U-Net "
        "then works in tiles, or on the whole picture, mirrored at its edges to a multiple of its own size.",
        {
            "automatic": "auto",
            "training size": "model",
            "full resolution": "full",
            "full resolution, untiled": "whole",
        },
    ),
    "test_mode": Control(
        "Batch normalisation",
        "By the statistics of this picture, as in training, or by the running averages of training.",
        {"as the model says": "auto", "this picture": "train", "running averages": "eval"},
    ),
    "dropout": Control(
        "Dropout",
        "The noise of pix2pix: half of some inner features are left out, others each time.",
        {"as the model says": "auto", "on": "on", "off": "off"},
    ),
    "preprocess": Control(
        "Preprocessing of the reference implementation",
        "As its option --preprocess, to reproduce its results; off: the picture keeps its size and shape.",
        {
            "off": "off",
            "resize_and_crop": "resize_and_crop",
            "scale_width": "scale_width",
            "none (round the size)": "none",
        },
    ),
}
USUAL = {name: next(iter(control.values.values())) for name, control in CONTROLS.items()}


def choices_of(card: Card | None, name: str) -> list[tuple[str, str]]:
    """The choices of control ``name`` that change something with a model; none where it does nothing."""
    if card is None:
        return []
    applies = {
        "scale": True,
        "test_mode": card["norm"] == "batch",
        "dropout": card["has_dropout"],
        "preprocess": {card["given"][0], card["shape"][0]} <= set(COLOURS),
    }
    values = CONTROLS[name].values.items() if applies[name] else ()
    return [(said, value) for said, value in values if value != "whole" or card["network"] == "unet"]


def changed(values: Mapping[str, str]) -> dict[str, str]:
    """What was chosen against the usual, as options of the engine: the reference's way sets the size."""
    made = {name: value for name, value in values.items() if value and value != USUAL[name]}
    if "preprocess" in made:
        made.pop("scale", None)
    return made
