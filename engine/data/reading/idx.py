"""The idx files in which MNIST and its relatives are handed round, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from engine.options import BadInput

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
_UNSIGNED_BYTE = 0x08


def find(folder: Path) -> dict[str, Path] | None:
    """The four files of ``FILES`` in ``folder``, plain or with ``.gz``; ``None`` unless all are there."""
    found: dict[str, Path] = {}
    for part, name in FILES.items():
        for path in (folder / name, folder / f"{name}.gz"):
            if os.path.isfile(path):  # says no to names that no file can have; Path.is_file raises
                found[part] = path
                break
    return found if len(found) == len(FILES) else None


def read(path: Path) -> np.ndarray:
    """The array of bytes in an idx file, in the shape that it states. Raises ``BadInput`` if it is damaged or
    something else.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as problem:
        raise BadInput(f"{path} cannot be read: {problem}.", "folder", "Fetch the file again.") from None
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE:
        raise BadInput(f"{path} is not an idx file of bytes.", "folder", "Fetch the file again.")
    start = 4 + 4 * raw[3]
    shape = [int.from_bytes(raw[at : at + 4], "big") for at in range(4, start, 4)]
    if len(raw) != start + math.prod(shape):
        raise BadInput(f"{path} is cut short or too long.", "folder", "Fetch the file again.")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def read_all(files: dict[str, Path]) -> dict[str, np.ndarray]:
    """The four arrays: images uint8 (N, 28, 28), labels uint8 (N,). Raises ``BadInput`` if they do not fit
    together.
    """
    arrays = {part: read(path) for part, path in files.items()}
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        fits = (
            images.ndim == 3
            and images.shape[1:] == (28, 28)
            and labels.shape == images.shape[:1]
            and len(labels)
        )
        if not fits or labels.max() > 9:
            where = files[f"{part}_images"].parent
            raise BadInput(
                f"the {part} files in {where} do not hold 28 x 28 pictures and labels 0-9.",
                "folder",
                "Fetch them again.",
            )
    return arrays
