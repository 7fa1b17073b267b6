"""Uploaded data sets: one folder an id, made by the intake. No torch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

from engine.options import NotFound
from engine.requests.data import AddDataset
from engine.runs.branches import remove
from engine.runs.cards import Dataset, KeptDataset
from engine.runs.files import keep_if_room
from engine.runs.reading import Damaged, read_record
from engine.server.inference import Inference
from engine.server.intake import Intake

MEMORY = 3 << 30  # bytes beyond what torch takes: 50,000 pictures of 64 px in colour, twice
CPU_S = 240
WAIT_S = 300.0

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Uploads:
    """The data sets under ``folder``. ``inference`` draws thumbnails."""

    def __init__(self, folder: Path, intake: Intake, inference: Inference) -> None:
        self.folder = folder
        self._intake, self._inference = intake, inference

    def list(self) -> list[Dataset]:
        """The cards of all uploads, newest first; a damaged one says why."""
        if not self.folder.is_dir():
            return []
        found = (_card(path) for path in self.folder.iterdir() if self.has(path.name))
        cards = [card for card in found if card is not None]
        return sorted(cards, key=lambda card: card["created"], reverse=True)

    def has(self, dataset: str) -> bool:
        """Whether there is an upload of that id."""
        return (
            isinstance(dataset, str)
            and bool(_ID.fullmatch(dataset))
            and (self.folder / dataset / "card.json").exists()
        )

    def add(self, **given: object) -> Dataset:
        """Make a data set as ``AddDataset`` says; returns its card. Raises ``BadInput``, whatever it gets."""
        asked = AddDataset.read(given)
        made = self._intake.take(
            "ingest",
            self.folder,
            asked.name,
            asked.files,
            memory=MEMORY,
            cpu_s=CPU_S,
            wait_s=WAIT_S,
            noun="pictures",
            **asked.model_dump(exclude={"name", "files"}),
        )
        return cast(Dataset, made)

    def delete(self, dataset: str) -> None:
        """Remove an upload. Raises ``NotFound``."""
        if not self.has(dataset):
            raise NotFound("there is no such data set.", "id", "It may have been deleted already.")
        remove(self.folder / dataset)

    def thumbnail(self, dataset: str) -> bytes:
        """The 160x160 PNG of an upload."""
        path = self.folder / dataset / "thumbnail.png"
        if not path.exists():
            made = self._inference.call("upload_thumbnail", dataset=dataset)
            keep_if_room(path, made)
            return made
        return path.read_bytes()


def _card(folder: Path) -> Dataset | None:
    card: Any = {"layout": "images", "created": 0}  # of a card that was written before these were
    try:
        card = read_record(folder / "card.json", KeptDataset, **card)
    except FileNotFoundError:
        return None  # deleted this moment
    except Damaged as damage:
        card |= {"name": folder.name, "images": 0, "classes": None, "skipped": [], "size": 0, "colour": False}
        card["damaged"] = damage.error
    return cast(Dataset, {**card, "id": folder.name})
