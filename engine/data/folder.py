"""The user's own pictures, from a folder on this machine: made small once, then kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import torch

from engine import options
from engine.data import ingest
from engine.data.cache import cache_folder
from engine.data.source import ImageSource
from engine.options import BadInput, knob

KEPT = 8  # prepared folders in the cache


class FolderOptions(options.Options):
    folder: str = knob(
        "", "Folder", "A folder of pictures; its subfolders become classes.", group="data", max_length=1000
    )
    size: Literal[28, 32, 64] = knob(
        32, "Image size", "Pixels high and wide, after a centre crop.", group="data"
    )
    colour: bool = knob(True, "Colour", "Keep the colours, or turn the pictures grey.", group="data")


class OwnImages(ImageSource):
    """Pictures that were made small by ``engine.data.ingest``."""

    sentence = "Train on pictures of your own: at least 16, better some hundreds of one kind of thing."
    licence = "whatever the pictures' owner says"

    @cached_property
    def _pictures(self) -> ingest.Pictures:
        return self._load()

    def _load(self) -> ingest.Pictures:
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._pictures.images.shape[1:])

    @property
    def classes(self) -> tuple[str, ...] | None:
        return self._pictures.classes

    @property
    def images(self) -> torch.Tensor:
        return self._pictures.images

    @property
    def labels(self) -> torch.Tensor | None:
        return self._pictures.labels

    @property
    def skipped(self) -> list[dict[str, str]]:
        """Files that could not be read: ``{"file", "why"}``."""
        return self._pictures.skipped


class Folder(OwnImages):
    """All pictures under ``folder``, in the order of their paths. They are read when the source is made."""

    name = "folder"
    title = "A folder of pictures"
    Options = FolderOptions

    @classmethod
    def missing(cls, options: FolderOptions | None = None) -> BadInput | None:
        if options is None or not options.folder:
            return BadInput(
                "no folder is named.", "folder", "Give the path of a folder with at least 16 pictures."
            )
        if not os.path.isdir(os.path.expanduser(options.folder)):
            return BadInput(
                f"{options.folder[:200]} is no folder.",
                "folder",
                "Give the path of a folder with at least 16 pictures.",
            )
        return None

    def __init__(self, options: FolderOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing(self.options):
            raise problem
        _ = self._pictures  # what is wrong with them is said now, not in the middle of a run

    def _load(self) -> ingest.Pictures:
        return _prepared(self.options.folder, self.options.size, self.options.colour)


def _prepared(folder: str, size: int, colour: bool) -> ingest.Pictures:
    """The pictures of ``folder``, from the cache if no file has changed since they were put there."""
    root = Path(os.path.expanduser(folder)).resolve()
    listing = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in ingest.walk(root)]
    key = hashlib.sha256(json.dumps([str(root), size, colour, listing]).encode()).hexdigest()[:32]
    kept = cache_folder() / "folders" / f"{key}.safetensors"
    return _from_cache(kept, lambda: ingest.ingest(root, size, colour))


def _from_cache(kept: Path, make: Callable[[], ingest.Pictures]) -> ingest.Pictures:
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        make().save(kept)
        others = sorted(kept.parent.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)
    return _load_once(kept)


@lru_cache(maxsize=2)
def _load_once(kept: Path) -> ingest.Pictures:
    return ingest.Pictures.load(kept)
