"""What the discriminator says of each patch of a translation, as a picture to lay over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from engine.data.pixels import LEVELS
from engine.game.recipe import Direction
from engine.live.triptych import patch_colours
from engine.models.library import Loaded, objective_of
from engine.translation.bands import as_input
from engine.translation.decoding import encode, resized
from engine.translation.normalising import Mode, by_the_picture
from engine.translation.translator import Translator, channels

MOST = 512  # px of the longest side that D is shown
OPACITY = 150  # of 255


def patch_map(
    loaded: Loaded,
    direction: Direction,
    translator: Translator,
    given: np.ndarray,
    made: np.ndarray,
    mode: Mode,
    notes: list[str],
) -> dict[str, Any] | None:
    """For uint8 ``given`` (H, W, 3) and ``made`` (H, W, C'): ``patches``, a PNG as large as D was shown them,
    in the colours of real and fake, and ``patch_mean``, 0 fake to 1 real. ``None`` and a note if the model
    was kept without its D.
    """
    model = loaded.model
    names = [name for name in model.recipe.judges if name in model.networks]
    factor = min(1.0, MOST / max(given.shape[:2]))
    height, width = (max(1, round(side * factor)) for side in given.shape[:2])
    x = _large(resized(channels(given, translator.given), width, height), translator.size)
    y = _large(resized(made, *translator.of(width, height)), int(translator.size * translator.factor))
    networks = dict(model.networks)
    if mode == "train":
        networks |= {name: by_the_picture(networks[name]) for name in names}
    with torch.inference_mode():
        try:
            logits = model.recipe.patches(networks, direction, as_input(x[None]), as_input(y[None]))
        except KeyError:
            notes.append("This model was kept without its discriminator.")
            return None
        scores = objective_of(loaded).score(logits).clamp(0, 1)[0, 0].numpy()  # (H', W')
    rows, columns = (
        max(1, round(n * a / b)) for n, a, b in zip(scores.shape, (height, width), x.shape, strict=False)
    )
    scores = scores[:rows, :columns]
    tinted = patch_colours(torch.from_numpy(scores)[None, None])[0]  # (3, H', W'), -1 to 1
    colours = (tinted.permute(1, 2, 0).numpy() + 1) * LEVELS
    shown = np.dstack([colours, np.full(scores.shape, OPACITY)]).round().astype(np.uint8)
    overlay = Image.fromarray(shown).resize((width, height), Image.Resampling.NEAREST)
    return {"patches": encode(np.asarray(overlay)), "patch_mean": round(float(scores.mean()), 4)}


def _large(pixels: np.ndarray, size: int) -> np.ndarray:
    """Mirrored to at least ``size`` px, of which D's patches take their share."""
    more = [max(0, size - side) for side in pixels.shape[:2]]
    return np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="reflect")
