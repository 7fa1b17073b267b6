"""What a browser asks for that draws by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.explore.places import latents_of
from engine.live.frames import pack
from engine.models.library import Loaded
from engine.requests.explore import Latents
from engine.runs.files import write_bytes
from engine.weights.browser import packed


def latents(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The latents (n, latent_dim) at ``places``, undrawn, as the array ``latents`` of a frame."""
    found = latents_of(loaded, Latents.read(arguments).places)
    return {"result": {"frame": pack({}, {"latents": found.numpy().astype(np.float32)})}}


def for_browser(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Write a model, ``packed``, to the file ``arguments["out"]``."""
    whole, _ = packed(loaded.model, loaded.directions().vectors)
    write_bytes(Path(arguments["out"]), whole)
    return {"result": {}}
