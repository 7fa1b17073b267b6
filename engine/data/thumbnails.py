"""A small picture of a data set, 160x160 px as PNG."""

from __future__ import annotations

from engine.data import DATASETS
from engine.data.pictures.upload import read_card
from engine.options import NotFound


def of_dataset(name: str) -> bytes:
    """Of the data set ``name`` by default. Raises ``NotFound``, ``BadInput`` if it is missing."""
    if name not in DATASETS:
        raise NotFound(
            f"there is no data set called {name[:80]!r}.", "data", f"Choose one of: {', '.join(DATASETS)}."
        )
    source = DATASETS[name]
    if (missing := source.missing()) is not None:
        raise missing
    return source(source.Options()).thumbnail()


def of_upload(upload: str) -> bytes:
    """Of an upload of any layout. Raises ``BadInput``."""
    card = read_card(upload)
    layout = card.get("layout", "images")
    kind = DATASETS["upload" if layout == "images" else f"own_{layout}"]
    chosen = {"upload": upload} | ({} if layout == "images" else {"size": card["size"]})
    return kind(kind.Options(**chosen)).thumbnail()
