"""A request as a plan: which latents are to be drawn, and what becomes of the samples.

So requests can be drawn a slice at a time, together with those of others, without knowing of it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from engine.data.pixels import to_png
from engine.explore.places import latents_of, place_of
from engine.explore.sample import picture_of_samples
from engine.live.drawing import picture_grid
from engine.live.frames import pack
from engine.models.library import Loaded
from engine.options import BadInput
from engine.requests.explore import Draw, Render

MOST_PIXELS = 1 << 25  # of one answer's grid


@dataclass(frozen=True)
class Plan:
    """``finish`` turns samples (n, 2) or (n, C, H, W) of ``latents`` (n, latent_dim) into the answer: plain
    data, in which bytes may stand. ``slow``: to be finished where nobody waits for it.
    """

    latents: Tensor
    finish: Callable[[Tensor], dict[str, Any]]
    slow: bool = False


def render(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """Samples at ``places`` as one PNG, or each by itself (``format`` "json")."""
    asked = Render.read(request)
    wanted, kind, columns, scale = asked.asked(), asked.format, asked.columns, asked.scale
    latents, seed = latents_of(loaded, wanted), wanted[0].seed

    def finish(samples: Tensor) -> dict[str, Any]:
        if kind == "png":
            return {"png": grid_png(loaded, samples, seed, columns, scale)}
        answer: dict[str, Any] = {"z": latents.tolist()}
        if samples.dim() == 2:
            return {**answer, "points": samples.tolist(), "images": [grid_png(loaded, samples, seed)]}
        return {**answer, "images": pngs(samples, scale)}

    return Plan(latents, finish)


def draw(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """The sample at ``place`` as a frame (``engine.live.frames``), quicker made and read than a PNG.

    ``z`` and, of a point, ``point`` in the header; of a picture its ``pixels`` (H, W) or (H, W, 3).
    """
    latents = latents_of(loaded, [Draw.read(request).place], "place")

    def finish(samples: Tensor) -> dict[str, Any]:
        header = {"z": latents[0].tolist()}
        if samples.dim() == 2:
            return {"frame": pack({**header, "point": samples[0].tolist()}, {})}
        return {"frame": pack(header, {"pixels": np.asarray(picture_grid(samples, 1, 1))})}

    return Plan(latents, finish)


def strip(loaded: Loaded, request: dict[str, Any]) -> Plan:
    """Eight samples side by side, of seeds 0 to 7; points all in one picture."""
    seeds = range(8) if loaded.model.shape.kind == "images" else range(256)
    return Plan(loaded.model.latents(seeds), lambda samples: {"png": grid_png(loaded, samples, columns=8)})


# --- samples as pictures


def grid_png(
    loaded: Loaded, samples: Tensor, seed: int = 0, columns: int | None = None, scale: int = 1
) -> bytes:
    """One PNG of all ``samples``: a grid, square unless ``columns`` are given, or points over real ones."""
    if samples.dim() == 2 or scale == 1:
        return picture_of_samples(loaded.model, samples, seed, columns)
    if samples.numel() * scale**2 > MOST_PIXELS:
        raise BadInput("that is too large a picture.", "scale", "Ask for a smaller scale or fewer places.")
    columns = columns or math.ceil(math.sqrt(len(samples)))
    return to_png(picture_grid(enlarged(samples, scale), math.ceil(len(samples) / columns), columns))


def pngs(samples: Tensor, scale: int = 1) -> list[bytes]:
    """Each of ``samples`` (n, C, H, W) as a PNG of its own."""
    if samples.numel() * scale**2 > MOST_PIXELS:
        raise BadInput("that is too much at once.", "scale", "Ask for a smaller scale or fewer places.")
    return [to_png(picture_grid(one, 1, 1)) for one in enlarged(samples, scale).split(1)]


def frames(loaded: Loaded, samples: Tensor) -> list[Image.Image]:
    """Each sample as a picture of one size: itself, or one point over real ones."""
    if samples.dim() == 2:
        return [Image.open(io.BytesIO(picture)) for picture in pictures(loaded, samples)]
    return [picture_grid(one, 1, 1) for one in samples.split(1)]


def enlarged(samples: Tensor, scale: int) -> Tensor:
    """``samples`` (n, C, H, W) with each pixel ``scale`` times as wide and high."""
    return samples.repeat_interleave(scale, 2).repeat_interleave(scale, 3)  # (n, C, scale H, scale W)


def pictures(loaded: Loaded, samples: Tensor) -> list[bytes]:
    """Each sample as a PNG: a picture of its own, or one point over real ones."""
    if samples.dim() == 2:
        return [grid_png(loaded, one) for one in samples.split(1)]
    return pngs(samples)


def places(latents: Tensor) -> list[dict[str, Any]]:
    """The places of ``latents`` (n, latent_dim), exactly."""
    return [place_of(z) for z in latents]
