"""A model in one direction, ready for pictures of any size and shape."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Literal

import numpy as np
from torch import nn

from engine.game.recipe import Direction
from engine.models.library import Loaded
from engine.networks.resnet import ResnetGenerator
from engine.networks.unet import UnetGenerator
from engine.options import BadInput
from engine.translation import bands
from engine.translation.bands import Bands, steps_of
from engine.translation.levels import Levels
from engine.translation.normalising import Mode
from engine.translation.plain import Pieces, factor_of
from engine.translation.tiles import Tiled, Whole

Scale = Literal["model", "full", "whole"]
FLAT = 0.5  # share of a picture in the colour of its ground, above which it is taken for a drawing
NEAR = 3  # how far a pixel may be from that colour, of 255


class Translator:
    """The network of ``loaded`` that translates in ``direction``, with its weights laid out for use.

    Raises ``BadInput`` if the model does not translate, or not in that direction.
    """

    def __init__(self, loaded: Loaded, direction: Direction) -> None:
        model = loaded.model
        recipe = model.recipe
        if not recipe.directions:
            raise BadInput(f"{model.title} does not translate pictures.", "model", "Choose one that does.")
        if direction not in recipe.directions:
            raise BadInput(f"{model.title} translates in one direction only.", "direction", "Choose a_to_b.")
        with loaded.asking():
            network = recipe.translator(model.networks, direction)
        self.has_dropout = any(isinstance(layer, nn.Dropout) for layer in network.modules())
        given, made = model.shape.given, model.shape.shape
        if direction == "b_to_a":
            given, made = made, given
        self.given, self.made, self.size = given[0], made[0], max(given[1:])
        self.factor = factor_of(given, made)  # how many times as high and wide its results are
        self.network: Literal["unet", "resnet", "other"]
        if isinstance(network, UnetGenerator):
            self.network, self._levels = "unet", Levels(network)
            self.size = self._levels.size
        elif isinstance(network, ResnetGenerator):
            self.network, self._steps = "resnet", steps_of(network)
        else:
            self.network, self._plain, self._tile = "other", network, (given[1], given[2])

    def scale(self, pixels: np.ndarray, wanted: str) -> tuple[Scale, str]:
        """At which scale to translate uint8 (H, W, 3), and why that was chosen."""
        if wanted == "full" or max(pixels.shape[:2]) <= self.size:
            return "full", ""
        if wanted == "whole":
            return ("whole", "") if self.network == "unet" else ("full", "")
        if wanted == "model":
            return "model", ""
        if self.network == "resnet":
            return "full", ""
        if _is_drawing(pixels):
            return (
                "model",
                f"A drawing: translated at {self.size} px, at which the model was trained, and enlarged.",
            )
        return "full", f"Translated in tiles of {self.size} px at its own resolution."

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what it makes of a picture."""
        return max(1, int(width * self.factor)), max(1, int(height * self.factor))

    @property
    def step(self) -> int:
        """Of which px height and width are multiples where the network takes a picture whole."""
        return {"unet": self.size, "resnet": bands.MULTIPLE, "other": self.factor.denominator}[self.network]

    def padded(self, pixels: np.ndarray, whole: bool = False) -> np.ndarray:
        """uint8 (H, W, C) mirrored to the right and below, to a size that the network takes."""
        height, width = pixels.shape[:2]
        if whole and self.network == "unet":
            more = [-side % self.step for side in (height, width)]
        elif self.network == "unet":
            more = [max(0, self.size - side) for side in (height, width)]
        elif self.network == "other":
            more = [
                max(own - side, -side % self.step)
                for own, side in zip(self._tile, (height, width), strict=True)
            ]
        else:
            more = [max(bands.SMALLEST - side, -side % bands.MULTIPLE) for side in (height, width)]
        if not any(more):
            return pixels
        return np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="reflect")

    def translate(
        self,
        pixels: np.ndarray,
        mode: Mode,
        seed: int | None,
        folder: Path,
        *,
        whole: bool = False,
        cut: bool = False,
    ) -> Generator[float, None, tuple[np.ndarray, int]]:
        """uint8 (H, W, C) to uint8 (H', W', C'), and in how many tiles; stops after each piece, with the
        share that is done. ``seed`` is that of dropout, if there is to be any; ``folder`` is for what does
        not fit in memory. A U-Net may take the picture ``whole``, not in tiles; results are rounded, or
        ``cut``.
        """
        height, width = pixels.shape[:2]
        x = self.padded(channels(pixels, self.given), whole)
        wide, high = self.of(x.shape[1], x.shape[0])
        out = np.empty((high, wide, self.made), np.uint8)
        work: Tiled | Whole | Bands | Pieces
        tiles = 1
        if self.network == "resnet":
            work = Bands(self._steps, x, mode, seed, folder, cut)
        elif self.network == "other":
            work = Pieces(self._plain, self._tile, self.factor, x, mode, seed, cut)
            tiles = work.count
        elif whole:
            work = Whole(self._levels, x, mode, seed, cut)
        else:
            work = Tiled(self._levels, x, mode, seed, cut)
            tiles = len(work.places)
        for done, _ in enumerate(work.run(out), 1):
            yield min(1.0, done / work.count)
        width, height = self.of(width, height)
        return out[:height, :width], tiles


def channels(pixels: np.ndarray, wanted: int) -> np.ndarray:
    """uint8 (H, W, C) as the network takes it: grey (Rec. 601), in colour, or with an opaque alpha."""
    if pixels.shape[2] == wanted:
        return pixels
    if wanted == 1:
        grey = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
        return grey.round().astype(np.uint8)[..., None]  # (H, W, 1)
    colours = np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels[..., :3]
    return colours if wanted == 3 else np.dstack([colours, np.full_like(colours[..., 0], 255)])


def _is_drawing(pixels: np.ndarray) -> bool:
    """Whether much of a picture (H, W, C) is flat ground, as in line art."""
    step = max(1, max(pixels.shape[:2]) // 512)
    seen = pixels[::step, ::step, :3].reshape(-1, min(3, pixels.shape[2])).astype(np.int16)
    ground = np.median(seen, axis=0)
    return bool((np.abs(seen - ground).max(1) <= NEAR).mean() > FLAT)
