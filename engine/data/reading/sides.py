"""Many picture files to two sides: pairs, of equal names or side by side in one file, or sets without pairs.

Letters in shapes: N pictures, S the side in px at which they are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from engine.data.reading import ingest, layouts, pictures
from engine.data.reading.archive import LIMITS, Limits
from engine.data.reading.classes import STRAYS
from engine.data.reading.depth import Depth, read_scales
from engine.data.reading.layouts import Place
from engine.data.reading.split import Part, lot
from engine.options import BadInput
from engine.runs.files import replacing

SIZES = (64, 128, 256)
TEST_SHARE = VAL_SHARE = 0.05  # of pictures that no folder assigns
FEWEST = 2  # pictures to test on, and to validate on: a distance of two distributions needs two of each
MOST_BYTES = 1 << 30  # of both sides as kept: 5,400 pairs of 256 px, or 21,000 of 128
ALIKE = 0.02  # how much the shapes of two pictures that belong together may differ, as a share
SQUARE = 1.25  # how much longer one side of a half may be than the other, if nobody says that it is one
LAYOUTS = "Give files with A and B side by side, or two folders, A and B."
Layout = Literal["pairs", "domains"]
SideBySide = Literal["auto", "always"]
_TENSORS = ("a", "b", "val_a", "val_b", "test_a", "test_b")


@dataclass(frozen=True)
class Sides:
    """Prepared pictures of two sides, uint8 (N, 3, S, S), S = ``kept_side(size)``: to train, validate and
    test on; what was skipped, and what else is to be said.
    """

    a: torch.Tensor
    b: torch.Tensor
    val_a: torch.Tensor
    val_b: torch.Tensor
    test_a: torch.Tensor
    test_b: torch.Tensor
    size: int
    skipped: list[dict[str, str]]
    notes: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write everything as one safetensors file, whole or not at all."""
        notes = {"size": str(self.size), "skipped": json.dumps(self.skipped), "notes": json.dumps(self.notes)}
        with replacing(path) as beside:
            save_file({name: getattr(self, name) for name in _TENSORS}, beside, notes)

    @classmethod
    def load(cls, path: Path) -> Sides:
        """What ``save`` wrote; older files have no validation part."""
        with safe_open(path, "pt") as file:
            told, names = file.metadata(), set(file.keys())
            tensors = {name: file.get_tensor(name) for name in _TENSORS if name in names}
        for side in ("a", "b"):
            tensors.setdefault(f"val_{side}", tensors[side][:0])
        notes = tuple(json.loads(told.get("notes", "[]")))
        return cls(**tensors, size=int(told["size"]), skipped=json.loads(told["skipped"]), notes=notes)


class Picture(NamedTuple):
    """One picture as ``Depth.keep`` gives it, the path of its file, and its width by its height before."""

    values: np.ndarray
    file: str
    aspect: float


Pair = tuple[Place, Picture, Picture]


def kept_side(size: int) -> int:
    """How large pictures are kept so that windows of ``size`` can be taken: 286 for 256, as pix2pix does."""
    return size * 286 // 256


def ingest_sides(
    given: ingest.Given,
    layout: Layout,
    size: int,
    limits: Limits = LIMITS,
    value_range: str = "",
    side_by_side: SideBySide = "auto",
) -> Sides:
    """The pictures of a folder, or of uploaded files (pictures and zips), as two sides.

    ``layouts.plan`` says which belong to A and B, and to each other. "pairs": of equal names, or files that
    show A and B side by side; with ``side_by_side`` "auto" only where halves are about square and do not
    continue each other. "domains": whatever the names. What folders call test or val is held out; else a
    tenth by a hash of the names. ``value_range`` as ``depth.read_scales`` takes it. What cannot be read or
    has no partner is skipped and listed. Raises ``BadInput`` for what ``ingest.ingest`` refuses, if a side is
    missing, and where it is not clear what is A and what B.
    """
    if size not in SIZES:
        raise BadInput(f"{size} is not a picture size.", "size", "Choose one of: 64, 128, 256.")
    plan = layouts.plan(ingest.names_of(given, limits), layout == "pairs")
    reader = _Reader(layout, size, limits, plan, value_range, side_by_side)
    for name, raw in ingest.read_files(given, reader.budget):
        try:
            reader.take(name, raw)
        except pictures.UnreadableError as why:
            reader.skip(name, str(why))
    notes = list(plan.notes)
    if layout == "pairs":
        pairs = reader.pairs()
        _check_enough(len(pairs), "pairs", reader)
        parts = split([(place, pair) for place, *pair in pairs], notes)
        both = {side: [[pair[at] for pair in part] for part in parts] for at, side in enumerate("ab")}
    else:
        reader.check_sides()
        for side in ("a", "b"):
            _check_enough(len(reader.sides[side]), f"pictures in {side.upper()}", reader)
        both = {side: list(split(list(reader.sides[side].items()), notes)) for side in "ab"}
    tensors = {
        f"{part}{side}": reader.stack(side, items)
        for side in "ab"
        for part, items in zip(("", "val_", "test_"), both[side], strict=True)
    }
    notes += reader.depth_notes()
    return Sides(**tensors, size=size, skipped=reader.skipped, notes=tuple(dict.fromkeys(notes)))


class _Reader:
    """Reads one file after the other and sorts pictures by the side on which they are."""

    def __init__(
        self,
        layout: Layout,
        size: int,
        limits: Limits,
        plan: layouts.Plan,
        value_range: str,
        side_by_side: SideBySide,
    ) -> None:
        self.layout, self.side, self.limits = layout, kept_side(size), limits
        self.plan, self.side_by_side = plan, side_by_side
        self.budget = ingest.Budget(limits)
        self.sides: dict[str, dict[Place, Picture]] = {"a": {}, "b": {}}
        self.joined: list[Pair] = []  # of files with both sides
        self.skipped: list[dict[str, str]] = []
        self._doubtful: list[str] = []  # files that may be A and B side by side, or one picture
        self._seams: list[tuple[float, float]] = []
        self._bytes = 0
        a, b = (Depth(scale) for scale in read_scales(value_range))
        self._depth = {"a": a, "b": b if plan.sided or a.chosen else a}  # one file has one scale

    def skip(self, name: str, why: str) -> None:
        self.skipped.append({"file": ingest.clean(name), "why": why})

    def take(self, name: str, raw: ingest.Contents) -> None:
        """Read one file. Raises ``UnreadableError``; ``BadInput`` if there are too many."""
        place = self.plan.places[name]
        if place.side:
            partner = place._replace(side=None)  # the same on both sides
            if partner in self.sides[place.side]:
                raise pictures.UnreadableError("another picture on its side has that name")
            picture = ingest.open_picture(raw, self.budget)
            self.sides[place.side][partner] = self._keep(name, picture, place.side)
        elif self.layout == "domains":
            raise pictures.UnreadableError("it lies neither in a folder A nor in a folder B")
        elif self.plan.sided and self._strays() <= STRAYS:
            raise pictures.UnreadableError("it belongs neither to A nor to B")
        else:
            whole = ingest.open_picture(raw, self.budget)
            left, right = pictures.halves(whole)
            if self.side_by_side == "auto":
                self._doubt(name, whole, left)
            self.joined.append((place, self._keep(name, left, "a"), self._keep(name, right, "b")))

    def _strays(self) -> float:
        places = self.plan.places.values()
        return sum(place.side is None for place in places) / len(places)

    def _doubt(self, name: str, whole: Image.Image, half: Image.Image) -> None:
        if not 1 / SQUARE <= half.width / half.height <= SQUARE:
            self._doubtful.append(name)
            raise pictures.UnreadableError(
                f"its halves have {half.width} x {half.height} px: it may be one picture, not a pair A|B"
            )
        self._seams.append(seam(whole))

    def _keep(self, name: str, picture: Image.Image, side: str) -> Picture:
        aspect = picture.width / picture.height
        pictures.check_exif(picture)
        if picture.getexif().get(0x0112, 1) >= 5:  # it lies on its side
            aspect = 1 / aspect
        kept = Picture(self._depth[side].keep(picture, self.side, True), name, aspect)
        self._bytes += 3 * self.side**2
        if self._bytes > MOST_BYTES:
            most = MOST_BYTES // (3 * self.side**2)
            raise BadInput(
                f"at this size there is room for {most:,} pictures.",
                "size",
                "Choose a smaller size, or fewer.",
            )
        return kept

    def stack(self, side: str, part: Sequence[Picture]) -> torch.Tensor:
        """The values of ``part`` as uint8 (N, 3, S, S)."""
        levels = [self._depth[side].to_levels(picture.values, True) for picture in part]
        return (
            torch.from_numpy(np.stack(levels)) if levels else torch.empty(0, 3, self.side, self.side).byte()
        )

    def depth_notes(self) -> list[str]:
        a, b = self._depth["a"], self._depth["b"]
        return a.notes("both sides") if a is b else [*a.notes("A"), *b.notes("B")]

    def ask(self) -> None:
        """Raises ``BadInput`` if it is not clear that files show A and B side by side."""
        doubtful = len(self._doubtful)
        if doubtful > STRAYS * (doubtful + len(self.joined)):
            shown = ingest.clean(self._doubtful[0])
            others = f" and {doubtful - 1} others" if doubtful > 1 else ""
            what = f"{shown!r}{others} may be single pictures: their halves are not about square."
        elif self._seams and continues(self._seams):
            what = "these may be single pictures: their halves continue each other."
        else:
            return
        remedy = f"If each file shows A and B side by side, choose side_by_side: always. If not: {LAYOUTS}"
        raise BadInput(what, "side_by_side", remedy)

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
        if not any(self.sides.values()) and (self.joined or self._doubtful):
            self.ask()
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


def split(
    items: Sequence[tuple[Place, Any]], notes: list[str] | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """``items`` to train, validate and test on, each ordered by name: as folders say, or a twentieth each to
    validate and to test, at least ``FEWEST``. If folders say only one of the two, half of it is the other,
    or, where it is too small, a twentieth of what was to be learned from. ``notes`` gets what is to be said.
    Raises ``BadInput`` if none is left to learn from.
    """
    parts: dict[Part, list[tuple[Place, Any]]] = {"train": [], "val": [], "test": []}
    for place, item in sorted(items, key=lambda item: item[0].key):
        parts[place.part or "train"].append((place, item))
    if not parts["train"]:
        raise BadInput("all pictures lie in test or val.", "files", "Put those to learn from into train.")
    if not parts["test"] and not parts["val"]:
        _move(parts, "train", "test", TEST_SHARE, 0)
        _move(parts, "train", "val", VAL_SHARE, TEST_SHARE)
    ways: tuple[tuple[Part, Part], ...] = (("test", "val"), ("val", "test"))
    for other, missing in ways:
        if not parts[missing] and len(parts[other]) >= 2 * FEWEST:
            _move(parts, other, missing, 0.5, 0)
        elif not parts[missing] and len(parts["train"]) > 2 * FEWEST:
            _move(parts, "train", missing, VAL_SHARE, 0)
    few = len(parts["test"])
    if notes is not None and few < FEWEST:
        notes.append(
            f"Only {few} picture{'s are' if few != 1 else ' is'} there to test on: measures that need "
            "more are left out. Put more into test."
        )
    train, val, test = ([item for _, item in parts[part]] for part in ("train", "val", "test"))
    return train, val, test


def _move(
    parts: dict[Part, list[tuple[Place, Any]]], source: Part, to: Part, share: float, taken: float
) -> None:
    """Move the items whose lots are lowest: those below ``share`` (of what is left when ``taken`` is gone),
    at least ``FEWEST``.
    """
    lots = {place: lot(f"own {place.key}") for place, _ in parts[source]}
    lowest = sorted(lots, key=lambda place: lots[place])
    count = max(FEWEST, sum(drawn < share + taken for drawn in lots.values()))
    moved = set(lowest[: min(count, len(lowest) - 1)])
    parts[to] = [item for item in parts[source] if item[0] in moved]
    parts[source] = [item for item in parts[source] if item[0] not in moved]


def seam(picture: Image.Image) -> tuple[float, float]:
    """How far the two columns in the middle of a picture are apart, on average, and those around them."""
    middle, reach = picture.width // 2, min(8, picture.width // 2)
    strip = picture.crop((middle - reach, 0, middle + reach, picture.height))
    values = np.asarray(strip if pictures.is_deep(strip) else strip.convert("L")).astype(np.float64)
    steps = np.abs(np.diff(values, axis=1)).mean(0)  # (2 reach - 1,)
    around = np.concatenate([steps[: max(1, reach - 3)], steps[reach + 2 :]])
    return float(steps[reach - 1]), float(around.mean())


def continues(seams: Sequence[tuple[float, float]]) -> bool:
    """Whether the halves of most pictures go on where the other ends: their middle is as any other place."""
    middle, around = np.median(np.array(seams), 0)
    return bool(around > 0.5 and 0.5 * around <= middle <= 1.5 * around)


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
