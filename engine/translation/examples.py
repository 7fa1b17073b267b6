"""Pictures to try a translator on: held-out ones of its own data."""

from __future__ import annotations

from typing import Any, cast

import torch
from PIL import Image

from engine.data.pixels import to_png
from engine.data.translations.two_sides import Side, TranslationSource
from engine.game.recipe import Direction
from engine.metrics.features import as_input
from engine.models.library import Loaded
from engine.options import BadInput

SHOWN = 8  # pictures of each side
DIRECTIONS: dict[Side, Direction] = {"a": "a_to_b", "b": "b_to_a"}
LOOKED_AT = 32  # to find such with something to see: half of the Earth is plain sea


def examples(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """PNGs of up to ``SHOWN`` held-out pictures of either side: ``{"a", "b"}``; none where its data are not
    on this machine, or of another kind. Those with much to do; of these, what it does best comes first, since
    an example is to show what it can do (its figures say how well it does on average).
    """
    try:
        source = loaded.model.source()
    except BadInput:
        return {"result": {"a": [], "b": []}}
    if not isinstance(source, TranslationSource):
        return {"result": {"a": [], "b": []}}
    return {"result": {side: _pictures(loaded, source, cast(Side, side)) for side in ("a", "b")}}


def _pictures(loaded: Loaded, source: TranslationSource, side: Side) -> list[bytes]:
    given, truth = (source.test_a, source.test_b) if side == "a" else (source.test_b, source.test_a)
    if given is None or not len(given):
        return []
    rows = torch.linspace(0, len(given) - 1, min(LOOKED_AT, len(given))).long()
    if not source.test_is_paired or truth is None or truth.shape[2:] != given.shape[2:]:
        lively = given[rows].float().flatten(1).std(1).argsort(descending=True)[:SHOWN]
        return [_png(picture.numpy()) for picture in given[rows[lively]]]
    apart = (given[rows].float().mean(1) - truth[rows].float().mean(1)).flatten(1).std(1)
    rows = rows[apart.argsort(descending=True)[: 2 * SHOWN]]
    best = _errors(loaded, side, given[rows], truth[rows]).argsort()[:SHOWN]
    return [_png(picture.numpy()) for picture in given[rows[best]]]


@torch.inference_mode()
def _errors(loaded: Loaded, side: Side, given: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """How far each translation of uint8 ``given`` (N, C, H, W) is from ``truth``: (N,); 0 where the model
    does not translate this side.
    """
    recipe, direction = loaded.model.recipe, DIRECTIONS[side]
    if direction not in recipe.directions:
        return torch.zeros(len(given))
    network = recipe.translator(loaded.model.networks, direction)
    return (network(as_input(given)) - as_input(truth)).abs().flatten(1).mean(1)


def _png(picture: Any) -> bytes:
    """Of uint8 (C, H, W) in RGB or grey."""
    made = Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0))
    return to_png(made, effort=9)
