"""What there is to know of a model beyond its card for a list, and its weights as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from engine.data import PointSource
from engine.models import loading
from engine.models.library import Loaded
from engine.requests import explore as asked
from engine.requests import pictures
from engine.requests.models import Export
from engine.translation import strip
from engine.weights.export import export

SHOWN_POINTS = 512
LIMITS = {  # the most that one request may ask for
    "places": asked.MOST_PLACES,
    "keys": asked.MOST_KEYS,
    "steps": asked.MOST_STEPS,
    "cells": asked.MOST_CELLS,
    "terms": asked.MOST_TERMS,
    "scored": pictures.MOST_SCORED,
    "scale": asked.MOST_SCALE,
    "restarts": pictures.MOST_RESTARTS,
    "descent": pictures.MOST_DESCENT,
}


def about(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The parts of the latent, directions, sizes; for points, real ones and the extent of their picture."""
    recipe = loaded.model.recipe
    if recipe.directions:
        return {"result": strip.about(loaded)}
    found = loaded.directions()
    codes = [
        {
            "name": code.name,
            "kind": code.kind,
            "size": code.size,
            "start": code.start,
            "labels": list(code.labels),
            "given": code.given,
        }
        for code in recipe.codes
    ]
    directions = [
        {"name": f"d{place + 1}", "sd": float(sd), "share": float(share)}
        for place, (sd, share) in enumerate(zip(found.sd, found.share, strict=True))
    ]
    networks = {
        name: sum(parameter.numel() for parameter in network.parameters())
        for name, network in loaded.model.networks.items()
    }
    result = {
        "noise_dim": recipe.noise_dim,
        "latent_dim": recipe.latent_dim,
        "codes": codes,
        "directions": directions,
        "networks": networks,
        "has_encoder": recipe.has_encoder and "encoder" in networks,
        "has_classifier": recipe.has_classifier and "discriminator" in networks,
        "has_discriminator": "discriminator" in networks,
        "classes": list(loaded.model.shape.names),
        "limits": LIMITS,
    }
    if loaded.model.shape.kind == "points":
        source = loaded.model.source()
        assert isinstance(source, PointSource)
        real = source.sample(SHOWN_POINTS, torch.Generator().manual_seed(0))
        result |= {"extent": [float(bound) for bound in source.extent], "real": real.tolist()}
    return {"result": result}


def weights(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Write a run's networks, averages in place, as a model's folder under ``arguments["out"]``."""
    folder = Path(arguments["out"])
    loading.keep(loaded.model, folder, half=False)
    return {"result": {"file": str(folder / "weights.safetensors")}}


def exported(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Write a model's generator ``to`` a format as the file ``out``, with its card beside it."""
    out = Path(arguments.pop("out"))
    asked = Export.read(arguments)
    return {"result": export(loaded.model, asked.to, out, asked.direction)}
