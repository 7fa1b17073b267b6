"""Samples from a run's newest checkpoint as one picture."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from engine import checkpoint
from engine.data import PointSource
from engine.options import BadInput, NotFound
from engine.picture import FAKE, REAL, evaluating, picture_grid, scatter, shown_generator, to_png
from engine.runs import RunFolder
from engine.trainer import Trainer, use_threads


def sample_grid(path: Path, n: int, seed: int) -> bytes:
    """A PNG of ``n`` samples: a square grid of pictures, or 2-D points over real ones.

    Same run, step, ``n`` and ``seed``: same bytes. Raises ``BadInput`` for n outside 1..4096, ``NotFound``
    without a checkpoint.
    """
    if not 1 <= n <= 4096:
        raise BadInput(f"{n} samples.", "n", "Ask for 1 to 4096.")
    folder = RunFolder(path)
    config = {**folder.config(), "device": "cpu"}
    newest = checkpoint.newest(folder)
    if newest is None:
        raise NotFound(f"{path} has no checkpoint yet.", "model", "Let it train for a moment.")
    use_threads(config["kind"])
    trainer = Trainer(config)
    trainer.load_state(checkpoint.load(newest)["trainer"])
    z = torch.randn(n, trainer.recipe.latent_dim, generator=torch.Generator().manual_seed(seed))
    generator = shown_generator(trainer)
    with evaluating(generator):
        samples = trainer.recipe.generate(generator, z).float()
    if isinstance(trainer.source, PointSource):
        real = trainer.source.sample(n, torch.Generator().manual_seed(seed))
        return to_png(scatter([(real, REAL), (samples, FAKE)], trainer.source.extent, side=512))
    columns = math.ceil(math.sqrt(n))
    return to_png(picture_grid(samples, math.ceil(n / columns), columns))
