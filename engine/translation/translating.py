"""One picture file to one translation: decoded, brought to scale, translated, and put back as it was."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.data.reading.depth import Scale, read_scales
from engine.data.reading.pictures import MAX_PIXELS
from engine.game.recipe import Direction
from engine.models.library import Loaded
from engine.options import BadInput
from engine.requests.translation import Translate
from engine.translation.decoding import decode, encode, resized
from engine.translation.normalising import Mode
from engine.translation.patches import patch_map
from engine.translation.reference import check_multiple, preprocessed
from engine.translation.translator import Translator
from engine.weights.subject import trains

Work = Generator[float, None, dict[str, Any]]
BACK: dict[Direction, Direction] = {"a_to_b": "b_to_a", "b_to_a": "a_to_b"}


def translator(loaded: Loaded, direction: Direction) -> Translator:
    """The model's translator, made once. Raises ``BadInput``."""
    key = f"translator {direction}"
    if key not in loaded.found:
        loaded.found[key] = Translator(loaded, direction)
    return loaded.found[key]


def mode_of(loaded: Loaded, wanted: str) -> Mode:
    """Whether norms act as in training: pix2pix's do after batches of one."""
    if wanted == "auto":
        return "train" if trains(loaded.model) else "eval"
    return "train" if wanted == "train" else "eval"


def drops(loaded: Loaded, wanted: str, mode: Mode) -> bool:
    """Whether features are left out where the network has dropout: as was asked for, as the model says, or as
    its norm acts.
    """
    if wanted == "auto":
        wanted = getattr(loaded.model.options, "test_dropout", "auto")
    return mode == "train" if wanted == "auto" else wanted == "on"


@dataclass
class _Way:
    """How one picture is translated, there and perhaps back."""

    mode: Mode
    seed: int | None  # of dropout, if there is to be any
    folder: Path
    whole: bool = False
    cut: bool = False

    def through(self, translator: Translator, pixels: np.ndarray) -> Generator[float, None, Any]:
        return translator.translate(pixels, self.mode, self.seed, self.folder, whole=self.whole, cut=self.cut)


def translate_picture(loaded: Loaded, raw: bytes, options: Translate, folder: Path) -> Work:
    """Translate the file ``raw`` as ``options`` say. Stops after each piece, with the share that is done. The
    result: ``png``, ``width``, ``height`` ... Raises ``BadInput``.
    """
    began = time.perf_counter()
    direction, mode = options.direction, mode_of(loaded, options.test_mode)
    there = translator(loaded, direction)
    seed = options.seed if drops(loaded, options.dropout, mode) else None
    way = _Way(mode, seed, folder, options.scale == "whole")
    returns = _way_back(loaded, direction) if options.back else None
    if options.preprocess == "off":
        pixels, alpha, notes = _opened(raw, there, options, _scale_of(loaded, options))
        scale, why = there.scale(pixels, options.scale)
        notes += [why] if why else []
    else:
        pixels, notes = preprocessed(raw, options.preprocess, there.size, there.given)
        check_multiple(pixels.shape[0], pixels.shape[1], there.step)
        alpha, scale, way.whole, way.cut = None, "whole", True, True
    if options.back and returns is None:
        notes.append("This model knows no way back.")
    height, width = pixels.shape[:2]
    wide, high = there.of(width, height)
    if wide * high > MAX_PIXELS:
        raise BadInput(
            f"the result would have {wide} x {high} px, and {MAX_PIXELS:,} are the most.",
            "longest",
            "Give a smaller longest.",
        )
    given = resized(pixels, *_fitted(pixels, there.size)) if scale == "model" else pixels
    read = encode(pixels, _alpha_of(pixels, alpha)) if options.given else None
    del pixels
    parts = 1 if returns is None else 2
    made, tiles = yield from _shares(way.through(there, given), 0, parts)
    answer: dict[str, Any] = {"back": None, "patches": None, "patch_mean": None, "given": read}
    if returns is not None:
        returned, _ = yield from _shares(way.through(returns, made), 1, parts)
        answer["back"] = encode(resized(returned, width, height), _alpha_of(returned, alpha))
    if options.patches:
        seen = patch_map(loaded, direction, there, given, made, mode, notes)
        answer |= seen or {}
        yield 1.0
    alpha = None if alpha is None else resized(alpha, wide, high)
    png = encode(resized(made, wide, high), _alpha_of(made, alpha))
    answer |= {"png": png, "width": wide, "height": high, "scale": scale, "tiles": tiles}
    answer |= {"worked_at": [given.shape[1], given.shape[0]], "direction": direction, "test_mode": mode}
    return {
        **answer,
        "dropout": seed is not None and there.has_dropout,
        "notes": notes,
        "step": loaded.model.step,
        "seconds": round(time.perf_counter() - began, 3),
    }


def _scale_of(loaded: Loaded, options: Translate) -> Scale | None:
    """What values of more than 8 bits are measured on: as is asked for, else as the model's data were said to
    be. Raises ``BadInput``.
    """
    text = options.value_range or getattr(loaded.model.options, "value_range", "")
    return read_scales(text)[options.direction == "b_to_a"]


def _opened(
    raw: bytes, there: Translator, options: Translate, values: Scale | None
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """The picture's uint8 pixels, (H, W, 3) or, for a network that takes RGBA, (H, W, 4), at most as large as
    is asked for; its alpha (H, W), if that is to be put back; and notes. Raises ``BadInput``.
    """
    decoded = decode(raw, values)
    pixels, alpha, notes = decoded.pixels, decoded.alpha, decoded.notes
    if there.given == 4:
        pixels = decoded.with_alpha()
    if 0 < options.longest < max(pixels.shape[:2]):
        width, height = _fitted(pixels, options.longest)
        pixels = resized(pixels, width, height)
        alpha = None if alpha is None else resized(alpha, width, height)
        notes.append(f"Reduced to {width} x {height} first.")
    return pixels, None if options.alpha == "white" else alpha, notes


def _alpha_of(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray | None:
    """``alpha`` for pictures that bring none of their own."""
    return None if pixels.shape[2] == 4 else alpha


def _way_back(loaded: Loaded, direction: Direction) -> Translator | None:
    with contextlib.suppress(BadInput):
        return translator(loaded, BACK[direction])
    return None


def _shares(
    work: Generator[float, None, tuple[np.ndarray, int]], part: int, parts: int
) -> Generator[float, None, tuple[np.ndarray, int]]:
    """``work`` without gradients, its shares those of one of ``parts`` of a whole."""
    while True:
        try:
            with torch.inference_mode():  # not around a yield: what else this thread does is its own affair
                share = next(work)
        except StopIteration as end:
            return end.value
        yield (part + share) / parts


def _fitted(pixels: np.ndarray, longest: int) -> tuple[int, int]:
    """Width and height of a picture whose longest side is brought to ``longest``, its aspect kept."""
    height, width = pixels.shape[:2]
    factor = longest / max(height, width)
    return max(1, round(width * factor)), max(1, round(height * factor))
