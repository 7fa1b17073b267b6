"""Fashion-MNIST: 70,000 pictures of clothes (Xiao, Rasul and Vollgraf 2017). Does not ship; found, named or
downloaded.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import torch

from engine.data.pictures.mnist import DigitsOptions, validated
from engine.data.reading import idx
from engine.data.reading.cache import cache_folder
from engine.data.reading.split import Part, Split
from engine.data.source import Labelled, PartedSource, flips_knob, pad
from engine.options import BadInput, knob

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
VARIABLE = "GANSCOPE_FASHION_MNIST"
THREE_WAYS = (
    "Any of three ways: (1) on Debian or Ubuntu: apt install dataset-fashion-mnist; (2) get the four idx "
    "files and name their folder in the option 'folder' or in the environment variable "
    f"{VARIABLE}; (3) with a network, switch the option 'download' on: torchvision fetches them (31 MB)."
)


class FashionOptions(DigitsOptions):
    folder: str = knob(
        "",
        "Folder",
        "Where the four idx files are, if not where Debian puts them.",
        group="data",
        max_length=1000,
    )
    download: bool = knob(
        False, "Download", "Fetch the files with torchvision (31 MB) if they are not found.", group="data"
    )
    flips: bool = flips_knob()


class Fashion(PartedSource):
    """Ten kinds of clothes, grey: 55,000 images to learn from, 5,000 to choose by and 10,000 to test on."""

    name = "fashion"
    title = "Fashion-MNIST"
    sentence = "70,000 small pictures of clothes in ten classes: harder than digits, as quick to train on."
    licence = "MIT, Zalando SE"
    Options = FashionOptions
    classifier = "fashion-classifier"

    @classmethod
    def missing(cls, options: FashionOptions | None = None) -> BadInput | None:
        """``None`` if the files are here - or if ``options`` permit to download them."""
        folder = options.folder if options else ""
        if _find(folder) or (options and options.download and not folder):
            return None
        where = (
            f"Fashion-MNIST's four idx files are not in {folder}."
            if folder
            else "Fashion-MNIST is not on this machine."
        )
        return BadInput(where, "folder" if folder else "data", THREE_WAYS)

    def __init__(self, options: FashionOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing(self.options):
            raise problem
        self._files = _find(self.options.folder) or _download()

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.options.size, self.options.size)

    @property
    def classes(self) -> tuple[str, ...]:
        return (
            "T-shirt",
            "trousers",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        )

    def held(self, part: Part) -> Labelled | None:
        return _read(tuple(self._files.items()), part, self.options.size, self.split)


def _downloaded() -> Path:
    return cache_folder() / "FashionMNIST" / "raw"  # the layout is torchvision's


def _find(folder: str) -> dict[str, Path] | None:
    """The four files: in ``folder`` if one is named, otherwise in the first known place that has them."""
    if folder:
        return idx.find(Path(os.path.expanduser(folder)))
    named = os.environ.get(VARIABLE)
    places = [Path(named)] if named else []
    return next((files for place in [*places, DEBIAN, _downloaded()] if (files := idx.find(place))), None)


def _download() -> dict[str, Path]:
    from torchvision.datasets import FashionMNIST  # not above: its import takes a second, and few need it

    try:
        FashionMNIST(str(cache_folder()), download=True)
    except (OSError, RuntimeError) as problem:  # no network, a mirror that is gone, a damaged file
        raise BadInput(f"Fashion-MNIST could not be downloaded: {problem}.", "download", THREE_WAYS) from None
    files = idx.find(_downloaded())
    assert files, "torchvision said that it had downloaded the files"
    return files


@cache
def _arrays(files: tuple[tuple[str, Path], ...]) -> dict[str, torch.Tensor]:
    return {part: torch.from_numpy(array.copy()) for part, array in idx.read_all(dict(files)).items()}


@cache
def _read(files: tuple[tuple[str, Path], ...], part: Part, size: int, split: Split) -> Labelled | None:
    """Images uint8 (N, 1, size, size) and labels int64 (N,), read once a process."""
    arrays, which = _arrays(files), "test" if part == "test" else "train"
    found = Labelled(pad(arrays[f"{which}_images"][:, None], size), arrays[f"{which}_labels"].long())
    return found if part == "test" else validated(found, part, split)
