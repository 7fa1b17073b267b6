"""One picture file to one translation: decoded, brought to scale, translated, and put back as it was."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.game.recipe import Direction
from engine.models.library import Loaded
from engine.options import BadInput
from engine.requests.translation import Translate
from engine.translation.decoding import decode, encode, resized
from engine.translation.normalising import Mode
from engine.translation.patches import patch_map
from engine.translation.translator import Translator
from engine.weights.export import trains

Work = Generator[float, None, dict[str, Any]]
BACK: dict[Direction, Direction] = {"a_to_b": "b_to_a", "b_to_a": "a_to_b"}


def translator(loaded: Loaded, direction: Direction) -> Translator:
    """The model's translator, made once. Raises ``BadInput``."""
    key = f"translator {direction}"
    if key not in loaded.found:
        loaded.found[key] = Translator(loaded, direction)
    return loaded.found[key]


def mode_of(loaded: Loaded, wanted: str) -> Mode:
    """Whether norms and dropout act as in training: pix2pix's do after batches of one."""
    if wanted == "auto":
        return "train" if trains(loaded.model) else "eval"
    return "train" if wanted == "train" else "eval"


def translate_picture(loaded: Loaded, raw: bytes, options: Translate, folder: Path) -> Work:
    """Translate the file ``raw`` as ``options`` say. Stops after each piece, with the share that is done. The
    result: ``png``, ``width``, ``height`` ... Raises ``BadInput``.
    """
    began = time.perf_counter()
    step, direction = loaded.model.step, options.direction
    there, mode = translator(loaded, direction), mode_of(loaded, options.test_mode)
    returns = _way_back(loaded, direction) if options.back else None
    decoded = decode(raw)
    pixels, alpha, notes = decoded.pixels, decoded.alpha, decoded.notes
    if options.back and returns is None:
        notes.append("This model knows no way back.")
    if 0 < options.longest < max(pixels.shape[:2]):
        width, height = _fitted(pixels, options.longest)
        pixels = resized(pixels, width, height)
        alpha = None if alpha is None else resized(alpha, width, height)
        notes.append(f"Reduced to {width} x {height} first.")
    if options.alpha == "white":
        alpha = None
    scale, why = there.scale(pixels, options.scale)
    notes += [why] if why else []
    height, width = pixels.shape[:2]
    given = resized(pixels, *_fitted(pixels, there.size)) if scale == "model" else pixels
    read = encode(pixels, alpha) if options.given else None
    del pixels, decoded
    parts = 1 if returns is None else 2
    made, tiles = yield from _shares(there.translate(given, mode, options.seed, folder), 0, parts)
    answer: dict[str, Any] = {"back": None, "patches": None, "patch_mean": None, "given": read}
    if returns is not None:
        colours = np.repeat(made, 3, 2) if made.shape[2] == 1 else made
        returned, _ = yield from _shares(returns.translate(colours, mode, options.seed, folder), 1, parts)
        answer["back"] = encode(resized(returned, width, height), alpha)
    if options.patches:
        seen = patch_map(loaded, direction, there, given, made, mode, notes)
        answer |= seen or {}
        yield 1.0
    png = encode(resized(made, width, height), alpha)
    answer |= {"png": png, "width": width, "height": height, "scale": scale, "tiles": tiles}
    answer |= {"worked_at": [given.shape[1], given.shape[0]], "direction": direction, "test_mode": mode}
    return {**answer, "notes": notes, "step": step, "seconds": round(time.perf_counter() - began, 3)}


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
