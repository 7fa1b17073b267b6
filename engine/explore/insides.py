"""What happens inside of a network: the feature maps of one sample, and first-layer filters, each beside
those of the same network before training.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from engine.data.pixels import to_png
from engine.explore.places import latent_of
from engine.explore.reading import as_input
from engine.live.drawing import picture_grid
from engine.models.library import Loaded, seen_layers
from engine.models.loading import untrained
from engine.options import BadInput
from engine.requests.pictures import Features

MOST_MAPS = 64
Networks = dict[str, nn.Module]
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def features(loaded: Loaded, request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The layers of a ``network`` (generator, discriminator) for the sample at ``place`` or a picture
    (``image``: its pixels): ``{"layers": [{"name", "shape", "maps", "untrained"}], "filters"}``.
    """
    asked = Features.read(request)
    network = asked.network
    if asked.image is not None and network == "generator":
        raise BadInput("G begins with a place.", "place", "Project the picture first, and give its place.")
    model = loaded.model
    if "before" not in loaded.found:
        loaded.found["before"] = untrained(model)
    before: Networks = loaded.found["before"]
    z = latent_of(loaded, asked.place)[None]  # (1, latent_dim)
    x = model.generate(z) if asked.image is None else as_input(asked.image, model.shape)[None]
    shown = []
    for networks in (model.networks, before):
        with torch.no_grad(), loaded.asking():
            shown.append(_layers(loaded, networks, network, z, x))
    layers = [
        {"name": name, "shape": list(maps.shape), "maps": maps_png(maps), "untrained": maps_png(old)}
        for (name, maps), (_, old) in zip(*shown, strict=True)
    ]
    return {
        "result": {"layers": layers, "filters": _filters(model.networks, before, network, model.shape.shape)}
    }


def _layers(
    loaded: Loaded, networks: Networks, network: str, z: Tensor, x: Tensor
) -> list[tuple[str, Tensor]]:
    """What each activation of a network lets through, (C, H, W) or (F,), in the order of the pass."""
    seen: list[tuple[str, Tensor]] = []

    def keep(name: str) -> Any:
        return lambda _module, _inputs, out: seen.append((name, out[0].clone()))

    hooks = [module.register_forward_hook(keep(name)) for name, module in seen_layers(networks[network])]
    try:
        if network in loaded.model.recipe.generators:
            loaded.model.recipe.generate(networks, z)
        else:
            loaded.model.recipe.logits(networks, x)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def maps_png(maps: Tensor) -> bytes:
    """Feature maps (C, H, W), or (F,), as a grid of at most ``MOST_MAPS``, each from its least value (black)
    to its greatest.
    """
    if maps.dim() == 1:
        side = math.ceil(math.sqrt(len(maps)))
        maps = torch.cat([maps, maps.new_full((side * side - len(maps),), float(maps.min()))])
        maps = maps.view(1, side, side)  # (1, side, side)
    return _grid(maps[:MOST_MAPS, None])  # (n, 1, H, W)


def _grid(pictures: Tensor) -> bytes:
    """Pictures (n, C, H, W), each stretched to its own range, with a line of a pixel between them."""
    flat = pictures.float().flatten(1)
    low, high = flat.amin(1)[:, None], flat.amax(1)[:, None]
    stretched = ((flat - low) / (high - low).clamp_min(1e-12) * 2 - 1).view_as(pictures)
    framed = nn.functional.pad(stretched, (0, 1, 0, 1), value=-1.0)
    columns = math.ceil(math.sqrt(len(framed)))
    return to_png(picture_grid(framed, math.ceil(len(framed) / columns), columns))


def _filters(now: Networks, before: Networks, network: str, shape: tuple[int, ...]) -> dict[str, Any] | None:
    """The weights between pixels and the layer next to them, if they can be seen as pictures."""
    trained, old = (_pixel_weights(networks[network], network, shape) for networks in (now, before))
    if trained is None or old is None:
        return None
    return {"trained": _grid(trained[:MOST_MAPS]), "untrained": _grid(old[:MOST_MAPS])}


def _pixel_weights(network: nn.Module, role: str, shape: tuple[int, ...]) -> Tensor | None:
    """D's first or G's last weights as pictures (n, C, h, w)."""
    layers = [m for m in network.modules() if isinstance(m, (*CONVOLUTIONS, nn.Linear))]
    layer = layers[0] if role == "discriminator" else layers[-1]
    if len(shape) != 3:
        return None
    weight = layer.weight.detach()
    if isinstance(layer, nn.Linear):
        by_pixel = weight if role == "discriminator" else weight.T  # (units, pixels)
        return by_pixel.view(-1, *shape) if by_pixel.shape[1] == math.prod(shape) else None
    if isinstance(layer, nn.Conv2d) and role == "generator":
        weight = weight.transpose(0, 1)  # (in, out, k, k)
    return weight if weight.shape[1] == shape[0] else None
