"""Two ways to draw emoji, without pairs: Twemoji (flat, no outlines) and OpenMoji (black outlines).

N pictures, H = W = the option ``size``, M the margin.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Literal

import torch

from engine import options
from engine.data.pictures import openmoji
from engine.data.pictures.openmoji import Emoji, OpenMoji
from engine.data.reading.shipped import not_shipped
from engine.data.reading.split import Part as Held
from engine.data.reading.split import Split, lot
from engine.data.translations import twemoji
from engine.data.translations.line_art import drawings, white_border
from engine.data.translations.two_sides import Side, SquareSource
from engine.options import BadInput, knob

Part = Literal["a", "b", "val", "test"]


class DrawingStylesOptions(options.Options):
    size: Literal[64, 128] = knob(
        64,
        "Picture size",
        "Pixels high and wide; 64 trains four times as fast.",
        group="data",
        choices={64: "64 x 64", 128: "128 x 128"},
    )


class DrawingStyles(SquareSource):
    """Twemoji's drawings of some emoji (A), OpenMoji's of others (B); no family of emoji is on both sides.

    The held-out families are those of ``OpenMoji``, in both styles, so that the truth is known there. Only
    emoji that both sets have take part: what is drawn is alike, how is not.
    """

    name = "drawing_styles"
    title = "Two drawing styles"
    sentence = "Redraw Twemoji's flat emoji in OpenMoji's outlined style and back, learned without pairs."
    licence = "Twemoji: CC BY 4.0, Twitter and contributors; OpenMoji: CC BY-SA 4.0, openmoji.org"
    kind = "domains"
    names = ("Twemoji", "OpenMoji")
    flips = True
    Options = DrawingStylesOptions

    @classmethod
    def missing(cls, options: DrawingStylesOptions | None = None) -> BadInput | None:
        return (
            OpenMoji.missing()
            or not_shipped(openmoji.LARGE, "openmoji_128")
            or not_shipped(twemoji.FILE, "twemoji")
        )

    def pictures(self, side: Side, part: Held) -> torch.Tensor:
        return _parts(side, self.options.size, self.split)[part]


def side_of(emoji: Emoji, split: Split) -> Part | None:
    """Where an emoji belongs, by its family: held out, or on the one side or the other; ``None``: nowhere."""
    part = emoji.part(split)
    if part != "train":
        return part
    return "a" if lot(f"drawing styles {emoji.family(split)}") < 0.5 else "b"


@cache
def members(part: Part, split: Split) -> tuple[Emoji, ...]:
    """The emoji of one part, in the order of its pictures."""
    emoji = {one.hexcode: one for one in openmoji.index()}
    chosen = [emoji[code] for code in twemoji.codes() if side_of(emoji[code], split) == part]
    return tuple(sorted(chosen, key=lambda one: lot(one.hexcode)))


@lru_cache(maxsize=2)
def _parts(side: Side, size: int, split: Split) -> dict[Held, torch.Tensor]:
    """The training part of one side with a white border, uint8 (N, 3, H + M, W + M), and the others
    without.
    """
    codes = twemoji.codes() if side == "a" else [one.hexcode for one in openmoji.index()]
    images = twemoji.drawings(size) if side == "a" else drawings("colour", size)
    place = {code: number for number, code in enumerate(codes)}
    sides: dict[Held, Part] = {"train": side, "val": "val", "test": "test"}
    parts: dict[Held, torch.Tensor] = {
        held: images[[place[one.hexcode] for one in members(part, split)]] for held, part in sides.items()
    }
    parts["train"] = white_border(parts["train"], size // 16)
    return parts
