"""What Explore's lists say and show of translators, which have no latent to play with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.data import DATASETS, ImageSource
from engine.data.pixels import to_floats, to_png
from engine.data.translations.two_sides import TranslationSource
from engine.live.drawing import picture_grid
from engine.models.library import Loaded
from engine.models.model import one_thread
from engine.options import BadInput
from engine.weights.subject import as_used, trains

SHOWN = 4  # pictures, each beside its translation
LARGEST = 256  # px of a picture in the strip
STAND_IN = "openmoji"  # what is translated where a model's own data are not at hand


def about(loaded: Loaded) -> dict[str, Any]:
    """The sizes of its networks; of a latent it has nothing."""
    networks = {
        name: sum(parameter.numel() for parameter in network.parameters())
        for name, network in loaded.model.networks.items()
    }
    nothing = {"noise_dim": 0, "latent_dim": 0, "codes": [], "directions": [], "classes": [], "limits": {}}
    has = {"has_encoder": False, "has_classifier": False, "has_discriminator": "discriminator" in networks}
    return {**nothing, **has, "networks": networks}


@torch.no_grad()
def strip(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """A PNG of pictures and their translations in turn, side by side."""
    model = loaded.model
    given = pictures(loaded)
    network = model.recipe.translator(model.networks, model.recipe.directions[0])
    network = as_used(network, trains(model))
    with one_thread():
        made = torch.cat([network(picture[None]) for picture in given])  # (N, C, H, W)
    given, made = given[:, :3], made[:, :3]  # of RGBA the colours
    side = max(made.shape[1], given.shape[1])
    both = torch.stack([part.expand(-1, side, -1, -1) for part in (given, made)], 1).flatten(0, 1)
    return {"result": {"png": to_png(picture_grid(both, 1, 2 * SHOWN))}}


def pictures(loaded: Loaded) -> Tensor:
    """``SHOWN`` held-out pictures of side A as the model takes them, (N, C, H, W) in [-1, 1]: of its own data
    or, where these are not on this machine, drawings.
    """
    channels, height, width = loaded.model.shape.given
    try:
        source = loaded.model.source()
    except BadInput:
        source = DATASETS[STAND_IN]()
    if isinstance(source, TranslationSource):
        found = source.a[:SHOWN] if source.test_a is None else source.test_a
    else:
        assert isinstance(source, ImageSource)
        found = source.images
    some = to_floats(found[torch.linspace(0, len(found) - 1, SHOWN).long()])  # (N, C, H, W)
    if channels == 4:  # RGBA: opaque
        return _sized(torch.cat([some.expand(-1, 3, -1, -1), torch.ones_like(some[:, :1])], 1), height, width)
    if some.shape[1] != channels:
        some = some.mean(1, keepdim=True).expand(-1, channels, -1, -1)
    return _sized(some, height, width)


def _sized(some: Tensor, height: int, width: int) -> Tensor:
    return interpolate(some, (min(height, LARGEST), min(width, LARGEST)), mode="bilinear", antialias=True)
