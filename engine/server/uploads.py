"""Uploaded data sets: one folder an id, made by a process of its own that may not take too much. No torch."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from pathlib import Path
from typing import Any

from engine.options import BadInput, Conflict, NotFound
from engine.runs.branches import remove
from engine.runs.files import read_json, write_bytes
from engine.runs.names import check_name
from engine.server.inference import Inference
from engine.server.processes import Spawn, Zygote

MEMORY = 3 << 30  # bytes beyond what torch takes: 50,000 pictures of 64 px in colour, twice
CPU_S = 240
WAIT_S = 300.0
LAYOUTS = ("images", "pairs", "domains")
SIZES = (28, 32, 64, 128, 256)  # of pairs and domains 64 and more

_LEFTOVER = re.compile(r"\.deleted-.*|\.[a-z0-9-]+-[0-9a-f]{6}\.[a-z0-9_]{8}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Uploads:
    """The data sets under ``folder``. ``inference`` draws thumbnails; new ones get a process each."""

    def __init__(self, folder: Path, processes: Zygote | Spawn, inference: Inference, log_file: Path) -> None:
        self.folder = folder
        self._processes, self._inference, self._log = processes, inference, log_file
        self._turn = threading.Lock()  # one at a time: each may take gigabytes

    def sweep(self) -> None:
        """Remove what an interrupted upload or deletion left behind."""
        for path in self.folder.glob(".*"):
            if _LEFTOVER.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)

    def list(self) -> list[dict[str, Any]]:
        """The cards of all uploads, newest first."""
        if not self.folder.is_dir():
            return []
        cards = [
            {"id": path.name, **read_json(path / "card.json", {})}
            for path in self.folder.iterdir()
            if self.has(path.name)
        ]
        return sorted(cards, key=lambda card: card.get("created", 0), reverse=True)

    def has(self, dataset: str) -> bool:
        """Whether there is an upload of that id."""
        return (
            isinstance(dataset, str)
            and bool(_ID.fullmatch(dataset))
            and (self.folder / dataset / "card.json").is_file()
        )

    def add(
        self, name: object, files: object, size: object, colour: object, layout: object = "images"
    ) -> dict[str, Any]:
        """Make a data set of pictures and zips; returns its card. Raises ``BadInput``, whatever they hold.

        ``layout``: one of ``LAYOUTS``; ``engine.data.reading.sides`` says how pairs and domains are laid out.
        """
        title = check_name(name)
        if isinstance(size, bool) or not isinstance(size, int) or not isinstance(colour, bool):
            raise BadInput(
                "size is a number of pixels, colour is true or false.",
                "size",
                f"Choose one of: {', '.join(map(str, SIZES))}.",
            )
        if layout not in LAYOUTS:
            raise BadInput("there is no such layout.", "layout", f"Choose one of: {', '.join(LAYOUTS)}.")
        if not isinstance(files, list) or not files:
            raise BadInput("there are no files.", "files", "Choose a zip, or at least 16 pictures.")
        words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "pictures"
        dataset = f"{words}-{secrets.token_hex(3)}"
        if not self._turn.acquire(timeout=WAIT_S):
            raise Conflict("another upload is still being read.", "files", "Try again in a minute.")
        reader = Inference(self._processes, self._log, memory=MEMORY, cpu_s=CPU_S)
        try:
            return reader.call(
                "ingest",
                files=[str(Path(file).resolve()) for file in files],
                name=title,
                size=size,
                colour=colour,
                out=str(self.folder / dataset),
                layout=layout,
                timeout_s=WAIT_S,
                retry=False,
            )
        finally:
            reader.close()
            self._turn.release()

    def delete(self, dataset: str) -> None:
        """Remove an upload. Raises ``NotFound``."""
        if not self.has(dataset):
            raise NotFound("there is no such data set.", "id", "It may have been deleted already.")
        remove(self.folder / dataset)

    def thumbnail(self, dataset: str) -> bytes:
        """The 160x160 PNG of an upload."""
        path = self.folder / dataset / "thumbnail.png"
        if not path.exists():
            write_bytes(path, self._inference.call("upload_thumbnail", dataset=dataset))
        return path.read_bytes()
