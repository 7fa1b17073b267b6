"""Many picture files to two sides: pairs, of equal names or side by side in one file, or sets without pairs.

Letters in shapes: N pictures, S the side in px at which they are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from engine.data.reading import ingest, pictures
from engine.data.reading.archive import LIMITS, Limits
from engine.data.reading.split import lot
from engine.options import BadInput
from engine.runs.files import replacing

SIZES = (64, 128, 256)
TEST_SHARE = 0.1
MOST_BYTES = 1 << 30  # of both sides as kept: 5,400 pairs of 256 px, or 21,000 of 128
ALIKE = 0.02  # how much the shapes of two pictures that belong together may differ, as a share
LAYOUTS = "Give files with A and B side by side, or two folders, A and B."
SIDES = {"a": "a", "b": "b"} | {f"{part}{side}": side for part in ("train", "test", "val") for side in "ab"}
TESTS = {"test", "testa", "testb", "val", "vala", "valb"}
PARTS = {"train", "test", "val"}
Layout = Literal["pairs", "domains"]


@dataclass(frozen=True)
class Sides:
    """Prepared pictures of two sides, uint8 (N, 3, S, S), S = ``kept_side(size)``, and what was skipped."""

    a: torch.Tensor
    b: torch.Tensor
    test_a: torch.Tensor
    test_b: torch.Tensor
    size: int
    skipped: list[dict[str, str]]

    def save(self, path: Path) -> None:
        """Write everything as one safetensors file, whole or not at all."""
        tensors = {"a": self.a, "b": self.b, "test_a": self.test_a, "test_b": self.test_b}
        notes = {"size": str(self.size), "skipped": json.dumps(self.skipped)}
        with replacing(path) as beside:
            save_file(tensors, beside, notes)

    @classmethod
    def load(cls, path: Path) -> Sides:
        """What ``save`` wrote."""
        with safe_open(path, "pt") as file:
            notes = file.metadata()
            tensors = {name: file.get_tensor(name) for name in ("a", "b", "test_a", "test_b")}
        return cls(**tensors, size=int(notes["size"]), skipped=json.loads(notes["skipped"]))


class Place(NamedTuple):
    """Where a file belongs: its side, its part if a folder says so, and the name that its partner shares."""

    side: str | None  # "a" or "b"; None if no folder says so
    test: bool
    key: str


class Picture(NamedTuple):
    """One picture as kept, uint8 (3, S, S), the path of its file, and its width by its height before."""

    values: np.ndarray
    file: str
    aspect: float


Pair = tuple[Place, Picture, Picture]


def kept_side(size: int) -> int:
    """How large pictures are kept so that windows of ``size`` can be taken: 286 for 256, as pix2pix does."""
    return size * 286 // 256


def ingest_sides(given: Path | Sequence[Path], layout: Layout, size: int, limits: Limits = LIMITS) -> Sides:
    """The pictures of a folder, or of uploaded files (pictures and zips), as two sides.

    "pairs": files that show A and B side by side, or folders A and B (or trainA, trainB, testA, testB) with
    equal names. "domains": such folders, whatever the names. What lies in a folder test or val is held out;
    if nothing does, a tenth by a hash of the names. What cannot be read or has no partner is skipped and
    listed. Raises ``BadInput`` for what ``ingest.ingest`` refuses, and if a side is missing.
    """
    if size not in SIZES:
        raise BadInput(f"{size} is no picture size.", "size", "Choose one of: 64, 128, 256.")
    reader = _Reader(layout, size, limits)
    for name, raw in ingest.read_files(given, reader.budget):
        try:
            reader.take(name, raw)
        except pictures.UnreadableError as why:
            reader.skip(name, str(why))
    if layout == "pairs":
        pairs = reader.pairs()
        _check_enough(len(pairs), "pairs", reader)
        train, test = held_out([(place, pair) for place, *pair in pairs])
        parts = [[pair[side] for pair in part] for part in (train, test) for side in (0, 1)]
        a, b, test_a, test_b = (_stack(part) for part in parts)
    else:
        reader.check_sides()
        for side in ("a", "b"):
            _check_enough(len(reader.sides[side]), f"pictures in {side.upper()}", reader)
        (a, test_a), (b, test_b) = (
            (_stack(part) for part in held_out(list(reader.sides[side].items()))) for side in ("a", "b")
        )
    return Sides(a, b, test_a, test_b, size, reader.skipped)


def place_of(name: str) -> Place:
    """Where the file at the path ``name`` belongs, by the folders around it. The innermost that names a side
    counts.
    """
    *folders, file = PurePosixPath(name).parts
    words = [folder.lower() for folder in folders]
    sided = [word for word in words if word in SIDES]
    tests = [word for word in words if word in TESTS]
    rest = [folder for folder, word in zip(folders, words, strict=True) if word not in {*SIDES, *PARTS}]
    stem = PurePosixPath(file).stem
    key = re.sub(r"[_-][AB]$", "", stem) if sided else stem  # 12_A.jpg and 12_B.jpg belong together
    return Place(SIDES[sided[-1]] if sided else None, bool(tests), "/".join([*rest, key]))


class _Reader:
    """Reads one file after the other and sorts pictures by the side on which they are."""

    def __init__(self, layout: Layout, size: int, limits: Limits) -> None:
        self.layout, self.side, self.limits = layout, kept_side(size), limits
        self.budget = ingest.Budget(limits)
        self.sides: dict[str, dict[Place, Picture]] = {"a": {}, "b": {}}
        self.joined: list[Pair] = []  # of files with both sides
        self.skipped: list[dict[str, str]] = []
        self._bytes = 0

    def skip(self, name: str, why: str) -> None:
        self.skipped.append({"file": ingest.clean(name), "why": why})

    def take(self, name: str, raw: bytes | None) -> None:
        """Read one file. Raises ``UnreadableError``; ``BadInput`` if it is over a limit."""
        place = place_of(name)
        if place.side:
            partner = place._replace(side=None)  # the same on both sides
            if partner in self.sides[place.side]:
                raise pictures.UnreadableError("another picture on its side has that name")
            picture = ingest.open_picture(name, raw, self.budget)
            self.sides[place.side][partner] = self._keep(name, picture)
        elif self.layout == "domains":
            raise pictures.UnreadableError("it lies neither in a folder A nor in a folder B")
        else:
            left, right = pictures.halves(ingest.open_picture(name, raw, self.budget))
            self.joined.append((place, self._keep(name, left), self._keep(name, right)))

    def _keep(self, name: str, picture: Image.Image) -> Picture:
        plain = pictures.upright(picture, self.side)
        kept = Picture(pictures.fitted(plain, self.side, True), name, plain.width / plain.height)
        self._bytes += kept.values.nbytes
        if self._bytes > MOST_BYTES:
            most = MOST_BYTES // kept.values.nbytes
            raise BadInput(
                f"at this size there is room for {most:,} pictures.",
                "size",
                "Choose a smaller size, or fewer.",
            )
        return kept

    def check_sides(self) -> None:
        """Raises ``BadInput`` if a side is empty."""
        for side, other in (("a", "b"), ("b", "a")):
            if self.sides[other] and not self.sides[side]:
                raise BadInput(
                    f"there are pictures in {other.upper()}, but none in {side.upper()}.", "files", LAYOUTS
                )
        if not self.sides["a"]:
            raise BadInput(ingest.too_few(0, self.skipped), "files", LAYOUTS)

    def pairs(self) -> list[Pair]:
        """What belongs together; what does not is skipped. Raises ``BadInput`` if a side is empty."""
        if self.joined and not any(self.sides.values()):
            return self.joined
        if self.joined:
            raise BadInput(
                f"some pictures lie in A or B and some beside them, such as {self.joined[0][1].file[:80]!r}.",
                "files",
                LAYOUTS,
            )
        self.check_sides()
        a, b = self.sides["a"], self.sides["b"]
        for lone, other in ((a, "B"), (b, "A")):
            for place in [place for place in lone if place not in a or place not in b]:
                self.skip(lone[place].file, f"there is no picture of that name in {other}")
        together = [(place, a[place], b[place]) for place in a if place in b]
        for _, left, right in together:
            if not _alike(left, right):
                self.skip(left.file, "its shape is another than that of its partner in B")
        return [pair for pair in together if _alike(pair[1], pair[2])]


def held_out(items: Sequence[tuple[Place, Any]]) -> tuple[list[Any], list[Any]]:
    """``items`` as (training part, test part), ordered by name: what folders hold out, or a tenth, at least
    one. Raises ``BadInput`` if none is left to learn from.
    """
    ordered = sorted(items, key=lambda item: item[0].key)
    if not any(place.test for place, _ in ordered):
        lots = {place: lot(f"own {place.key}") for place, _ in ordered}
        least = max(TEST_SHARE, *sorted(lots.values())[:1])
        ordered = [(place._replace(test=lots[place] <= least), item) for place, item in ordered]
    if all(place.test for place, _ in ordered):
        raise BadInput("all pictures lie in test or val.", "files", "Put those to learn from into train.")
    return [item for place, item in ordered if not place.test], [
        item for place, item in ordered if place.test
    ]


def _check_enough(count: int, what: str, reader: _Reader) -> None:
    if count >= reader.limits.min_pictures:
        return
    listed = "; ".join(f"{item['file']}: {item['why']}" for item in reader.skipped[:3])
    left_out = f" {len(reader.skipped)} files are left out ({listed})." if listed else ""
    raise BadInput(
        f"there are only {count} {what}.{left_out}",
        "files",
        f"Give at least {reader.limits.min_pictures}. {LAYOUTS}",
    )


def _alike(a: Picture, b: Picture) -> bool:
    return abs(a.aspect / b.aspect - 1) <= ALIKE


def _stack(part: Sequence[Picture]) -> torch.Tensor:
    return torch.from_numpy(np.stack([picture.values for picture in part]))  # (N, 3, S, S)
