"""Many picture files to one data set: read, refused with the reason, made small, sorted into classes by
subfolder.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from engine.data.reading import archive, pictures
from engine.data.reading.archive import LIMITS, Limits
from engine.data.reading.classes import sort_pictures
from engine.data.reading.depth import Depth, read_scales
from engine.data.reading.split import Part
from engine.options import BadInput
from engine.runs.files import replacing

SIZES = (28, 32, 64, 128, 256)  # of uploads; those above 64 are for pairs made out of them
MOST_BYTES = 1 << 30  # of the prepared pictures
Given = Path | Sequence[Path]  # a folder, or uploaded pictures and zips
Contents = bytes | pictures.UnreadableError  # of a file, or why it was not read


@dataclass(frozen=True)
class Pictures:
    """A prepared data set: ``images`` uint8 (N, C, size, size), ``labels`` int64 (N,) or ``None``, what was
    skipped, the path of each picture (a number where that was not kept), the part that each belongs to, and
    what else is to be said.
    """

    images: torch.Tensor
    labels: torch.Tensor | None
    classes: tuple[str, ...] | None
    skipped: list[dict[str, str]]
    names: tuple[str, ...]
    parts: tuple[Part, ...] = ()  # empty: all are to be learned from
    notes: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write everything as one safetensors file, whole or not at all."""
        tensors = {"images": self.images} | ({} if self.labels is None else {"labels": self.labels})
        told = {name: getattr(self, name) for name in ("classes", "skipped", "parts", "notes")}
        told["names"] = [clean(name) for name in self.names]
        with replacing(path) as beside:
            save_file(tensors, beside, {name: json.dumps(value) for name, value in told.items()})

    @classmethod
    def load(cls, path: Path) -> Pictures:
        """What ``save`` wrote."""
        with safe_open(path, "pt") as file:
            told = {name: json.loads(value) for name, value in file.metadata().items()}
            labels = file.get_tensor("labels") if "labels" in file.keys() else None  # noqa: SIM118 - no mapping
            images = file.get_tensor("images")
        names = told.get("names") or map(str, range(len(images)))
        classes, parts, notes = (tuple(told.get(name) or ()) for name in ("classes", "parts", "notes"))
        return cls(images, labels, classes or None, told["skipped"], tuple(names), parts, notes)

    def part(self, *which: Part) -> torch.Tensor:
        """The numbers of the pictures of these parts: int64 (n,)."""
        parts = self.parts or ("train",) * len(self.images)
        return torch.tensor([number for number, part in enumerate(parts) if part in which], dtype=torch.int64)


class Budget:
    """Counts what has been read and refuses what is over the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.files, self.bytes, self.pixels = limits, 0, 0, 0

    def file(self, size: int) -> None:
        """Account for one file of ``size`` bytes before it is read. Raises ``BadInput``; ``UnreadableError``
        if it alone is too large.
        """
        self.files += 1
        if size > self.limits.file_bytes:
            raise archive.too_large(size, self.limits)
        self.bytes += size
        if self.files > self.limits.files:
            raise BadInput(f"there are more than {self.limits.files:,} files.", "files", "Leave some out.")
        if self.bytes > self.limits.bytes:
            raise BadInput(
                f"the files have more than {self.limits.bytes >> 20:,} MiB.",
                "files",
                "Leave some out, or make them smaller.",
            )

    def picture(self, pixels: int) -> None:
        """Account for one picture of ``pixels`` before it is decoded. Raises ``BadInput``, or
        ``UnreadableError`` if it alone is too large.
        """
        if pixels > self.limits.image_pixels:
            raise too_many_pixels(f"{pixels / 1e6:.0f} million pixels", self.limits)
        self.pixels += pixels
        if self.pixels > self.limits.pixels:
            most = f"{self.limits.pixels / 1e6:,.0f} million"
            raise BadInput(
                f"the pictures have more than {most} pixels together.",
                "files",
                "Leave some out, or make them smaller.",
            )


def ingest(
    given: Given,
    size: int,
    colour: bool,
    limits: Limits = LIMITS,
    most_bytes: int = MOST_BYTES,
    value_range: str = "",
) -> Pictures:
    """The pictures of a folder, or of uploaded files (pictures and zips), scaled and centre-cropped to
    ``size``. ``value_range`` as ``depth.read_scales`` takes it: the values that are black and white.

    ``sort_pictures`` says what subfolders mean; of several zips each counts as a folder. What cannot be read,
    and a picture that is too large, is skipped and listed. Raises ``BadInput`` with the reason for: fewer
    than 16 readable pictures, too many bytes, pixels or files, archive bombs, archives in archives, paths
    that lead out, links.
    """
    budget, depth = Budget(limits), Depth(read_scales(value_range)[0])
    images: list[np.ndarray] = []
    names: list[str] = []
    skipped: list[dict[str, str]] = []
    for name, raw in read_files(given, budget):
        try:
            images.append(depth.keep(open_picture(raw, budget), size, colour))
            names.append(name)
            if len(images) * size**2 * (3 if colour else 1) > most_bytes:
                most = most_bytes // (size**2 * (3 if colour else 1))
                raise BadInput(
                    f"at this size there is room for {most:,} pictures.",
                    "size",
                    "Choose a smaller size, or fewer.",
                )
        except pictures.UnreadableError as why:
            skipped.append({"file": clean(name), "why": str(why)})
    sorted_ = sort_pictures(names)
    skipped += [{"file": clean(names[number]), "why": why} for number, why in sorted_.left_out.items()]
    kept = [number for number in range(len(names)) if number not in sorted_.left_out]
    parts: tuple[Part, ...] = tuple(sorted_.parts[number] for number in kept)
    if parts.count("train") < limits.min_pictures:
        remedy = f"Give at least {limits.min_pictures} pictures (PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF)."
        raise BadInput(too_few(parts.count("train"), skipped), "files", remedy)
    classes, labels = sorted_.classes, None
    if classes:
        labels = torch.tensor([classes.index(sorted_.folder[number]) for number in kept])
    return Pictures(
        torch.from_numpy(np.stack([depth.to_levels(images[number], colour) for number in kept])),
        labels,
        tuple(map(clean, classes)) if classes else None,
        skipped,
        tuple(names[number] for number in kept),
        parts if set(parts) != {"train"} else (),
        (*sorted_.notes, *depth.notes("the pictures")),
    )


def walk(root: Path, limits: Limits = LIMITS) -> list[Path]:
    """All files under ``root`` but hidden ones, sorted. Raises ``BadInput`` for links and for more files than
    permitted.
    """
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not archive.is_hidden(name)]
        for name in [*folders, *files]:
            path = Path(folder, name)
            if path.is_symlink():
                shown = clean(str(path.relative_to(root)))
                raise BadInput(
                    f"{shown!r} is a link.", "folder", "Put the pictures themselves into the folder."
                )
            if path.is_file() and not archive.is_hidden(name):
                found.append(path)
        if len(found) > limits.files:
            raise BadInput(
                f"there are more than {limits.files:,} files.", "folder", "Name a folder that holds fewer."
            )
    return sorted(found)


def clean(name: str) -> str:
    """A file's name as text that can be shown and sent: control characters and broken Unicode replaced, at
    most 200 long.
    """
    text = name.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


def too_many_pixels(count: str, limits: Limits) -> pictures.UnreadableError:
    """Why a picture that is too large is left out."""
    most = f"{limits.image_pixels / 1e6:.0f} million"
    return pictures.UnreadableError(f"it has {count}; a picture may have {most}")


def open_picture(raw: Contents, budget: Budget) -> Image.Image:
    """The picture in one file, not yet decoded. Raises ``UnreadableError``, too large ones included."""
    if isinstance(raw, pictures.UnreadableError):
        raise raw
    try:
        picture, pixels = pictures.size_of(raw)
    except pictures.TooLargeError as count:
        raise too_many_pixels(str(count), budget.limits) from None
    budget.picture(pixels)
    return picture


def read_files(given: Given, budget: Budget) -> Iterator[tuple[str, Contents]]:
    """Each file of a folder, or of uploaded files and zips, as (its path in there, contents). Accents in
    paths are composed. Raises ``BadInput`` for what may not be read, as ``ingest`` says.
    """
    return _folder_files(given, budget) if isinstance(given, Path) else _uploaded_files(given, budget)


def names_of(given: Given, limits: Limits) -> list[str]:
    """The paths that ``read_files`` gives. Raises ``BadInput`` as it does."""
    if isinstance(given, Path):
        return [_composed(path.relative_to(given)) for path in walk(given, limits)]
    names = []
    for path in given:
        if archive.is_zip(path):
            names += [_around(path, given) + name for name in archive.names_in(path, limits)]
        elif not archive.is_hidden(path.name):
            names.append(_composed(path.name))
    return names


def _folder_files(root: Path, budget: Budget) -> Iterator[tuple[str, Contents]]:
    for path in walk(root, budget.limits):
        yield _composed(path.relative_to(root)), _contents(path, budget)


def _contents(path: Path, budget: Budget) -> Contents:
    try:
        budget.file(path.stat().st_size)
        return path.read_bytes()
    except pictures.UnreadableError as why:
        return why
    except OSError:  # no permission, gone since, a broken disk
        return pictures.UnreadableError("it cannot be opened")


def _uploaded_files(files: Sequence[Path], budget: Budget) -> Iterator[tuple[str, Contents]]:
    for path in files:
        if archive.is_zip(path):
            for name, raw in archive.read_zip(path, budget.limits):
                if isinstance(raw, bytes):
                    budget.file(len(raw))
                    if archive.is_archive(name, raw[:8]):
                        raise archive.nested_archive(name)
                yield _around(path, files) + name, raw
        elif archive.is_archive(path.name, b""):
            raise BadInput(
                f"{clean(path.name)!r} is an archive, but no zip.",
                "files",
                "Pack the pictures as a zip, or give them one by one.",
            )
        elif not archive.is_hidden(path.name):
            yield _composed(path.name), _contents(path, budget)


def _around(path: Path, files: Sequence[Path]) -> str:
    """The folder in which the files of a zip are: none if it is the only one."""
    return f"{_composed(path.stem)}/" if len(files) > 1 else ""


def _composed(path: str | Path) -> str:
    return unicodedata.normalize("NFC", PurePosixPath(path).as_posix())


def too_few(readable: int, skipped: list[dict[str, str]]) -> str:
    """That ``readable`` pictures are too few, and an example of what could not be read."""
    if not skipped:
        return f"there are only {readable} pictures."
    first = skipped[0]
    example = f"{first['file']!r} ({first['why']})"
    return f"only {readable} pictures can be read; {len(skipped)} cannot, such as {example}."
