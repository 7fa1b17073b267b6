"""The user's own pictures, from a folder on this machine: made small once, then kept in the cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import torch

from engine import options
from engine.data.reading import ingest
from engine.data.reading.cache import prepared
from engine.data.reading.split import Part, hold_out
from engine.data.source import Labelled, PartedSource, flips_knob
from engine.options import BadInput, knob

HELD_OUT: tuple[Part, ...] = ("test", "val")
SHARE, FEWEST = 0.05, 2  # of pictures that no folder assigns, to test on and to choose by


def value_range() -> str:
    """The knob for pictures of more than 8 bits."""
    return knob(
        "",
        "Range of values",
        "For pictures with more than 8 bits: the values shown as black and as white, such as -1024 3071. "
        "Empty: chosen from all pictures.",
        group="data",
        max_length=100,
    )


class FolderOptions(options.Options):
    folder: str = knob(
        "",
        "Folder",
        "A folder of pictures; its subfolders become classes.",
        group="data",
        max_length=1000,
        path=True,
    )
    size: Literal[28, 32, 64] = knob(
        32, "Picture size", "Pixels high and wide, after a centre crop.", group="data"
    )
    colour: bool = knob(True, "Colour", "Keep the colours, or turn the pictures grey.", group="data")
    value_range: str = value_range()
    flips: bool = flips_knob()


class OwnImages(PartedSource):
    """Pictures that were made small by ``engine.data.reading.ingest``."""

    sentence = "Train on your own pictures: at least 16, better a few hundred of one kind of thing."
    licence = "as the pictures' owner states"

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

    @cached_property
    def _parts(self) -> Sequence[Part]:
        """The part of each picture: as folders say or, of what they leave open, by a hash of its path."""
        found = self._pictures
        parts: list[Part] = list(found.parts or ("train",) * len(found.images))
        if self.split != "families":
            return ["test" if part == "val" else part for part in parts]
        kinds = [-1] * len(parts) if found.labels is None else found.labels.tolist()
        for part in HELD_OUT:
            if part not in parts:
                open_ = [number for number, its in enumerate(parts) if its == "train"]
                names = [found.names[number] for number in open_]
                for place in hold_out(names, SHARE, FEWEST, [kinds[number] for number in open_]):
                    parts[open_[place]] = part
        return parts

    def held(self, part: Part) -> Labelled | None:
        return self._held.get(part)

    @cached_property
    def _held(self) -> dict[Part, Labelled]:
        images, labels, held = self._pictures.images, self._pictures.labels, dict[Part, Labelled]()
        for part in set(self._parts):
            chosen = torch.tensor([number for number, its in enumerate(self._parts) if its == part])
            whole = len(chosen) == len(images)  # no copy
            its_labels = labels if whole or labels is None else labels[chosen]
            held[part] = Labelled(images if whole else images[chosen], its_labels)
        return held

    @property
    def skipped(self) -> list[dict[str, str]]:
        """Files that are left out: ``{"file", "why"}``."""
        return self._pictures.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        return self._pictures.notes


class Folder(OwnImages):
    """All pictures under ``folder``, in the order of their paths. They are read when the source is made."""

    name = "folder"
    title = "A folder of pictures"
    subject = "a folder of pictures"
    Options = FolderOptions

    @classmethod
    def missing(cls, options: FolderOptions | None = None) -> BadInput | None:
        return no_folder(options.folder if options else "")

    def __init__(self, options: FolderOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing(self.options):
            raise problem
        _ = self._pictures  # what is wrong with them is said now, not in the middle of a run

    def _load(self) -> ingest.Pictures:
        return _prepared(self.options)


def _prepared(options: FolderOptions) -> ingest.Pictures:
    """The pictures of the folder, from the cache if no file has changed since they were put there."""
    root, listing = listed(options.folder)
    key = [str(root), options.size, options.colour, options.value_range, listing]

    def write(path: Path) -> None:
        made = ingest.ingest(root, options.size, options.colour, value_range=options.value_range)
        made.save(path)

    return _load_once(prepared("folders", key, write))


def listed(folder: str) -> tuple[Path, list[tuple[str, int, int]]]:
    """The folder that a user named, and its files with size and time, which tell whether pictures change."""
    root = Path(os.path.expanduser(folder)).resolve()
    files = [(path, path.stat()) for path in ingest.walk(root)]
    return root, [(str(path), about.st_size, about.st_mtime_ns) for path, about in files]


def no_folder(folder: str) -> BadInput | None:
    """What is wrong with the path of a folder of pictures; ``None`` if there is such a folder."""
    remedy = "Give the path of a folder with at least 16 pictures."
    if not folder:
        return BadInput("no folder is named.", "folder", remedy)
    if not os.path.isdir(os.path.expanduser(folder)):
        return BadInput(f"{folder[:200]} is not a folder.", "folder", remedy)
    return None


@lru_cache(maxsize=2)
def _load_once(kept: Path) -> ingest.Pictures:
    return ingest.Pictures.load(kept)
