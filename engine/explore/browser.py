"""A model for the reader's own browser: its generator, and what turns places into latents there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.explore.places import latents_of
from engine.live.frames import pack
from engine.models.library import Loaded
from engine.options import BadInput
from engine.requests.explore import Latents
from engine.runs.files import write_bytes
from engine.weights.export import small_onnx

LARGEST = 64  # pixels a side: what a phone draws within a frame
MOST_BYTES = 24 << 20  # of a generator: what a class can load over one access point
LEVEL = 2 / 255  # a grey level of 255, of outputs in [-1, 1]


def latents(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The latents (n, latent_dim) at ``places``, undrawn, as the array ``latents`` of a frame."""
    found = latents_of(loaded, Latents.read(arguments).places)
    return {"result": {"frame": pack({}, {"latents": found.numpy().astype(np.float32)})}}


def for_browser(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Write ``packed`` to the file ``arguments["out"]``."""
    write_bytes(Path(arguments["out"]), packed(loaded))
    return {"result": {}}


def packed(loaded: Loaded) -> bytes:
    """A frame of the array ``onnx``, the generator with weights in half precision, and of ``directions``
    (K, latent_dim). Its header has ``latent_dim``, ``noise_dim``, ``shape``, ``codes`` and ``difference``,
    the largest from this model's own outputs. Raises ``BadInput`` for what no browser should draw.
    """
    model, recipe = loaded.model, loaded.model.recipe
    remedy = "The server draws it."
    if model.shape.kind != "images" or max(model.shape.shape[1:]) > LARGEST:
        raise BadInput(f"only pictures up to {LARGEST} pixels are drawn in a browser.", "model", remedy)
    size = sum(weight.numel() for name in recipe.generators for weight in model.networks[name].parameters())
    if 2 * size > MOST_BYTES:
        raise BadInput(f"{size:,} weights are too many to send to browsers.", "model", remedy)
    onnx, difference = small_onnx(model)
    if not difference <= LEVEL:  # weights beyond half precision, or numbers that are none
        raise BadInput(f"in half precision it differs from the model by {difference:.2g}.", "model", remedy)
    codes = [
        {"name": code.name, "kind": code.kind, "start": code.start, "size": code.size}
        for code in recipe.codes
    ]
    header = {
        "step": model.step,
        "latent_dim": recipe.latent_dim,
        "noise_dim": recipe.noise_dim,
        "shape": list(model.shape.shape),
        "codes": codes,
        "difference": difference,
    }
    vectors = loaded.directions().vectors.to(torch.float32)  # (K, latent_dim)
    arrays = {"onnx": np.frombuffer(onnx, np.uint8), "directions": vectors.numpy()}
    return pack(header, arrays)
