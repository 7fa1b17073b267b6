"""A generator for the reader's own browser, with what turns places into latents there."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from engine.live.frames import pack
from engine.models.model import Model
from engine.options import BadInput
from engine.weights.onnx_files import small_onnx

LARGEST = 64  # pixels a side: what a phone draws within a frame
MOST_BYTES = 24 << 20  # of a generator: what a class can load over one access point
LEVEL = 2 / 255  # a grey level of 255, of outputs in [-1, 1]


def packed(model: Model, vectors: Tensor, latents: Tensor | None = None) -> tuple[bytes, float]:
    """A frame of the arrays ``onnx``, the generator with weights in half precision, ``directions``
    (``vectors``, (K, latent_dim)) and perhaps ``latents`` (n, latent_dim). Its header has ``latent_dim``,
    ``noise_dim``, ``shape``, ``codes`` and ``difference``, the largest from the model's own outputs, which is
    also returned. Raises ``BadInput`` for what no browser should draw.
    """
    recipe = model.recipe
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
        {
            "name": code.name,
            "kind": code.kind,
            "start": code.start,
            "size": code.size,
            "labels": list(code.labels),
        }
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
    arrays = {"onnx": np.frombuffer(onnx, np.uint8), "directions": vectors.numpy().astype(np.float32)}
    if latents is not None:
        arrays["latents"] = latents.numpy().astype(np.float32)
    return pack(header, arrays), difference
