"""What is asked about weight files that names and tensors cannot say. No torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from engine.options import Options, knob

Gan = Literal["pix2pix", "cyclegan"]
Mode = Literal["auto", "train", "eval"]
Dropout = Literal["auto", "on", "off"]
Place = Literal["G", "D", "G_A", "G_B", "D_A", "D_B", "-"]
MODES: tuple[Mode, ...] = ("auto", "train", "eval")
DROPOUTS: tuple[Dropout, ...] = ("auto", "on", "off")


def _places(given: object) -> object:
    """``"G_A, -, G_B"`` as a list; a list as it is."""
    if not isinstance(given, str):
        return given
    return [word.strip() for word in given.split(",") if word.strip()]


class Importing(Options):
    """The same for a page, HTTP and the command line; empty texts of a form are left out by them."""

    gan: Gan | None = knob(None, "Trained as", "What the files were trained as; without it, found out.")
    test_mode: Mode = knob(
        "auto", "Norm when used", "train: batch norm by what is there, as the reference without --eval."
    )
    dropout: Dropout = knob(
        "auto",
        "Dropout when used",
        "off: for what was trained with --no_dropout, which a U-Net's file does not show.",
    )
    places: Annotated[list[Place], BeforeValidator(_places)] = knob(
        [],
        "What each network is",
        "G_A (A to B), G_B, D_A, D_B, G or D for each network in turn, - to leave it out.",
    )
