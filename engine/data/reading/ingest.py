"""Many picture files to one data set: read, refused with the reason, made small, sorted into classes by
subfolder.
"""

from __future__ import annotations

import json
import os
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
from engine.options import BadInput
from engine.runs.files import replacing

SIZES = (28, 32, 64, 128, 256)  # of uploads; those above 64 are for pairs made out of them
MOST_BYTES = 1 << 30  # of the prepared pictures
MOST_CLASSES = 256


@dataclass(frozen=True)
class Pictures:
    """A prepared data set: ``images`` uint8 (N, C, size, size), ``labels`` int64 (N,) or ``None``, what was
    skipped, and the path of each picture (a number where that was not kept).
    """

    images: torch.Tensor
    labels: torch.Tensor | None
    classes: tuple[str, ...] | None
    skipped: list[dict[str, str]]
    names: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write everything as one safetensors file, whole or not at all."""
        tensors = {"images": self.images} | ({} if self.labels is None else {"labels": self.labels})
        notes = {"classes": json.dumps(self.classes), "skipped": json.dumps(self.skipped)}
        notes["names"] = json.dumps([clean(name) for name in self.names])
        with replacing(path) as beside:
            save_file(tensors, beside, notes)

    @classmethod
    def load(cls, path: Path) -> Pictures:
        """What ``save`` wrote."""
        with safe_open(path, "pt") as file:
            notes = file.metadata()
            labels = file.get_tensor("labels") if "labels" in file.keys() else None  # noqa: SIM118 - no mapping
            classes, images = json.loads(notes["classes"]), file.get_tensor("images")
            names = json.loads(notes["names"]) if "names" in notes else map(str, range(len(images)))
            return cls(
                images,
                labels,
                tuple(classes) if classes else None,
                json.loads(notes["skipped"]),
                tuple(names),
            )


class Budget:
    """Counts what has been read and refuses what is over the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.files, self.bytes, self.pixels = limits, 0, 0, 0

    def file(self, name: str, size: int) -> None:
        """Account for one file of ``size`` bytes before it is read. Raises ``BadInput``."""
        self.files += 1
        self.bytes += size
        if self.files > self.limits.files:
            raise BadInput(f"there are more than {self.limits.files:,} files.", "files", "Leave some out.")
        if size > self.limits.file_bytes:
            remedy = f"Keep each file under {self.limits.file_bytes >> 20} MiB."
            raise BadInput(f"{clean(name)!r} has {size >> 20:,} MiB.", "files", remedy)
        if self.bytes > self.limits.bytes:
            raise BadInput(
                f"the files have more than {self.limits.bytes >> 20:,} MiB.",
                "files",
                "Leave some out, or make them smaller.",
            )

    def picture(self, name: str, pixels: int) -> None:
        """Account for one picture of ``pixels`` before it is decoded. Raises ``BadInput``."""
        self.pixels += pixels
        if pixels > self.limits.image_pixels:
            raise too_many_pixels(name, f"{pixels / 1e6:.0f} million pixels", self.limits)
        if self.pixels > self.limits.pixels:
            most = f"{self.limits.pixels / 1e6:,.0f} million"
            raise BadInput(
                f"the pictures have more than {most} pixels together.",
                "files",
                "Leave some out, or make them smaller.",
            )


def ingest(
    given: Path | Sequence[Path],
    size: int,
    colour: bool,
    limits: Limits = LIMITS,
    most_bytes: int = MOST_BYTES,
) -> Pictures:
    """The pictures of a folder, or of uploaded files (pictures and zips), scaled and centre-cropped to
    ``size``.

    Subfolders become classes if every picture lies in one and there are at least two; of several zips each
    counts as a folder. UnreadableError files are skipped and listed. Raises ``BadInput`` with the reason for:
    fewer than 16 readable pictures, too many bytes, pixels or files, archive bombs, archives in archives,
    paths that lead out, links.
    """
    budget = Budget(limits)
    images: list[np.ndarray] = []
    names: list[str] = []
    skipped: list[dict[str, str]] = []
    for name, raw in read_files(given, budget):
        try:
            images.append(pictures.shrink(open_picture(name, raw, budget), size, colour))
            names.append(name)
            if len(images) * images[0].nbytes > most_bytes:
                most = most_bytes // images[0].nbytes
                raise BadInput(
                    f"at this size there is room for {most:,} pictures.",
                    "size",
                    "Choose a smaller size, or fewer.",
                )
        except pictures.UnreadableError as why:
            skipped.append({"file": clean(name), "why": str(why)})
    if len(images) < limits.min_pictures:
        remedy = f"Give at least {limits.min_pictures} pictures (PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF)."
        raise BadInput(too_few(len(images), skipped), "files", remedy)
    labels, classes = sort_into_classes(names)
    return Pictures(torch.from_numpy(np.stack(images)), labels, classes, skipped, tuple(names))


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


def sort_into_classes(names: Sequence[str]) -> tuple[torch.Tensor | None, tuple[str, ...] | None]:
    """Labels int64 (N,) and class names from the paths ``names``; ``(None, None)`` if subfolders do not tell.

    Folders around all pictures are looked through; below them the topmost folder is the class. Digits sort as
    numbers.
    """
    parts = [PurePosixPath(name).parts for name in names]
    depth = 0
    while all(len(part) > depth + 1 for part in parts) and len({part[depth] for part in parts}) == 1:
        depth += 1
    if any(len(part) <= depth + 1 for part in parts):
        return None, None  # some lie beside the subfolders
    folders = sorted(
        {part[depth] for part in parts},
        key=lambda name: (not name.isdecimal(), len(name) * name.isdecimal(), name),
    )
    if len(folders) > MOST_CLASSES:
        return None, None
    number = {folder: place for place, folder in enumerate(folders)}
    return torch.tensor([number[part[depth]] for part in parts]), tuple(clean(folder) for folder in folders)


def clean(name: str) -> str:
    """A file's name as text that can be shown and sent: control characters and broken Unicode replaced, at
    most 200 long.
    """
    text = name.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


def too_many_pixels(name: str, count: str, limits: Limits) -> BadInput:
    """The refusal of one picture that is too large."""
    most = f"{limits.image_pixels / 1e6:.0f} million"
    return BadInput(
        f"{clean(name)!r} has {count}.",
        "files",
        f"Make it smaller, or leave it out; a picture may have {most}.",
    )


def open_picture(name: str, raw: bytes | None, budget: Budget) -> Image.Image:
    """The picture in one file, not yet decoded. Raises ``UnreadableError``; ``BadInput`` if too large."""
    if raw is None:
        raise pictures.UnreadableError("it cannot be opened")
    try:
        picture, pixels = pictures.size_of(raw)
    except pictures.TooLargeError as count:
        raise too_many_pixels(name, str(count), budget.limits) from None
    budget.picture(name, pixels)
    return picture


def read_files(given: Path | Sequence[Path], budget: Budget) -> Iterator[tuple[str, bytes | None]]:
    """Each file of a folder, or of uploaded files and zips, as (its path in there, contents); ``None`` if it
    cannot be opened. Raises ``BadInput`` for what may not be read, as ``ingest`` says.
    """
    return _folder_files(given, budget) if isinstance(given, Path) else _uploaded_files(given, budget)


def _folder_files(root: Path, budget: Budget) -> Iterator[tuple[str, bytes | None]]:
    for path in walk(root, budget.limits):
        name = path.relative_to(root).as_posix()
        budget.file(name, path.stat().st_size)
        try:
            raw = path.read_bytes()
        except OSError:  # no permission, gone since, a broken disk
            raw = None
        yield name, raw


def _uploaded_files(files: Sequence[Path], budget: Budget) -> Iterator[tuple[str, bytes | None]]:
    for path in files:
        if archive.is_zip(path):
            around = f"{path.stem}/" if len(files) > 1 else ""
            for name, raw in archive.read_zip(path, budget.limits):
                budget.file(name, len(raw))
                if archive.is_archive(name, raw[:8]):
                    raise archive.nested_archive(name)
                yield around + name, raw
        elif archive.is_archive(path.name, b""):
            raise BadInput(
                f"{clean(path.name)!r} is an archive, but no zip.",
                "files",
                "Pack the pictures as a zip, or give them one by one.",
            )
        else:
            budget.file(path.name, path.stat().st_size)
            yield path.name, path.read_bytes()


def too_few(readable: int, skipped: list[dict[str, str]]) -> str:
    """That ``readable`` pictures are too few, and an example of what could not be read."""
    if not skipped:
        return f"there are only {readable} pictures."
    first = skipped[0]
    example = f"{first['file']!r} ({first['why']})"
    return f"only {readable} pictures can be read; {len(skipped)} cannot, such as {example}."
