"""Pictures to try a translator on: held-out ones of its own data."""

from __future__ import annotations

from typing import Any, cast

import torch
from PIL import Image

from engine.data.source import png
from engine.data.translation import Side, TranslationSource
from engine.explore.loaded import Loaded
from engine.options import BadInput

SHOWN = 8  # pictures of each side
LOOKED_AT = 32  # to find such with something to see: half of the Earth is plain sea


def examples(loaded: Loaded, arguments: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """PNGs of up to ``SHOWN`` held-out pictures of either side: ``{"a", "b"}``; none where its data are not
    on this machine, or of another kind.
    """
    try:
        source = loaded.model.source()
    except BadInput:
        return {"result": {"a": [], "b": []}}
    if not isinstance(source, TranslationSource):
        return {"result": {"a": [], "b": []}}
    return {"result": {side: _pictures(source, cast(Side, side)) for side in ("a", "b")}}


def _pictures(source: TranslationSource, side: Side) -> list[bytes]:
    held_out = source.test_a if side == "a" else source.test_b
    if held_out is None or not len(held_out):
        return []
    rows = torch.linspace(0, len(held_out) - 1, min(LOOKED_AT, len(held_out))).long()
    some = held_out[rows]  # (N, C, H, W)
    shown = some[_to_do(source, rows, some).argsort(descending=True)[:SHOWN]]
    return [_png(picture.numpy()) for picture in shown]


def _to_do(source: TranslationSource, rows: torch.Tensor, some: torch.Tensor) -> torch.Tensor:
    """How much there is to see in each picture (N,): how much its difference from its translation varies from
    place to place where that is known, otherwise how much it varies itself.
    """
    a, b = source.test_a, source.test_b
    if source.test_is_paired and a is not None and b is not None and a.shape[2:] == b.shape[2:]:
        return (a[rows].float().mean(1) - b[rows].float().mean(1)).flatten(1).std(1)
    return some.float().flatten(1).std(1)


def _png(picture: Any) -> bytes:
    """Of uint8 (C, H, W) in RGB or grey."""
    return png(Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)))
