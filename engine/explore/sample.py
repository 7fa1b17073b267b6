"""Samples of a model or a run as one picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from engine.data import PointSource
from engine.data.kinds import KINDS
from engine.data.pixels import to_png
from engine.live.drawing import FAKE, REAL, picture_grid
from engine.live.points import scatter
from engine.models import finding, loading
from engine.models.model import Model
from engine.options import BadInput

AT_MOST = 4096


def sample_grid(name: str | Path, n: int, seed: int, runs: Path = finding.RUNS, **chosen: Any) -> bytes:
    """A PNG of ``n`` samples of a model or a run's newest checkpoint; sample i is that of seed ``seed`` + i.

    ``chosen`` are ``codes`` and ``truncation`` of ``Model.latents``. Same model, step and arguments: same
    bytes. Raises ``BadInput`` for n outside 1..4096, ``NotFound`` without the model or a checkpoint.
    """
    if not 1 <= n <= AT_MOST:
        raise BadInput(f"{n} samples.", "n", f"Ask for 1 to {AT_MOST}.")
    model = loading.load(name, runs)
    return picture_of_samples(model, model.generate(model.latents(range(seed, seed + n), **chosen)), seed)


def picture_of_samples(model: Model, samples: Tensor, seed: int = 0, columns: int | None = None) -> bytes:
    """``samples`` as a PNG, drawn as their kind is."""
    return to_png(KINDS[model.shape.kind].draw(model, samples, seed, columns))


def points_sheet(model: Model, samples: Tensor, seed: int, columns: int | None) -> Image.Image:
    """Points over real ones."""
    source = model.source()
    assert isinstance(source, PointSource)
    real = source.sample(len(samples), torch.Generator().manual_seed(seed))
    return scatter([(real, REAL), (samples, FAKE)], source.extent, side=512)


def pictures_sheet(model: Model, samples: Tensor, seed: int, columns: int | None) -> Image.Image:
    """A grid of pictures, square unless ``columns`` are given."""
    columns = columns or math.ceil(math.sqrt(len(samples)))
    return picture_grid(samples, math.ceil(len(samples) / columns), columns)
