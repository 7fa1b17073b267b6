"""Picture files, zips and idx files that tests make for themselves."""

import io
import zipfile

import numpy as np
from PIL import Image


def picture_bytes(number=0, size=(20, 20), kind="PNG"):
    """A noisy picture, different for each number."""
    noise = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, kind)
    return file.getvalue()


def write_pictures(folder, count=16, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:03}.png").write_bytes(picture_bytes(number))
    return folder


def write_zip(path, files, **options):
    """A zip of ``files``: names (or ZipInfo) to bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return path


def pictures_in_zip(path, count=16, **more):
    return write_zip(path, {f"{n}.png": picture_bytes(n) for n in range(count)} | more)


def idx_bytes(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return head + array.tobytes()
