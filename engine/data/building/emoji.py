"""OpenMoji and Twemoji, drawn from the SVGs in their npm packages as sheets of many emoji."""

from __future__ import annotations

import csv
import io
import re
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from PIL import Image

from engine.data.building.zips import write_zip
from engine.data.pictures import openmoji
from engine.data.pictures.openmoji import ACROSS, INDEX, SIDE, Emoji
from engine.data.translations import twemoji
from engine.options import BadInput

FOLDERS = {"colour": "color", "line": "black"}  # of the drawings in OpenMoji's package
# A flag's outline says nothing about what is inside; components are swatches of skin and pieces of hair.
LEFT_OUT = {"flags", "component", "subdivision-flag", "queer-symbols"}


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


def write_large_openmoji(package: Path, out: Path) -> None:
    """Draw the emoji of ``openmoji.FILE`` at 128 px, in its order, and write ``out``: the two sheets."""
    _, pictures = read_openmoji(package)
    emoji = openmoji.index()
    sheets = {}
    for kind, folder in FOLDERS.items():
        drawn = [draw(pictures[f"{folder}/{one.hexcode}"], openmoji.LARGE_SIDE) for one in emoji]
        sheets[f"{kind}.webp"] = sheet(drawn)
    write_zip(out, sheets)


def write_twemoji(package: Path, out: Path) -> None:
    """Draw those of Twemoji that ``openmoji.FILE`` has too, in its order, and write ``out``: a sheet and the
    list of their codes.

    They are drawn smaller than Twemoji's canvas, so that they are as large as OpenMoji's.
    """
    with tarfile.open(package) as archive:
        pictures = dict(_twemoji(archive))
    codes = [one.hexcode for one in openmoji.index() if twemoji.key(one.hexcode) in pictures]
    border = (twemoji.SIDE - twemoji.INNER) // 2
    drawn = [
        np.pad(
            draw(pictures[twemoji.key(code)], twemoji.INNER),
            ((border, border), (border, border), (0, 0)),
            constant_values=255,
        )
        for code in codes
    ]
    write_zip(out, {twemoji.CODES: "\n".join(codes).encode(), twemoji.SHEET: sheet(drawn)})


def _twemoji(archive: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    """(key, SVG text) of every drawing in Twemoji's package."""
    for member in archive:
        if found := re.fullmatch(r"package/([0-9a-f-]+)\.svg", member.name):
            file = archive.extractfile(member)
            assert file
            yield twemoji.key(found[1]), file.read().decode()


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


def draw(svg: str, side: int = SIDE) -> np.ndarray:
    """An SVG on white: uint8 (side, side, 3). Raises ``BadInput`` without resvg-py."""
    try:
        import resvg_py  # not above: only this command needs it
    except ImportError:
        raise BadInput(
            "drawing emoji takes the package resvg-py.",
            None,
            "Install it: pip install 'ganscope[data]', or pip install resvg-py.",
        ) from None
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=side, height=side, background="#ffffff", skip_system_fonts=True
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
    """All square ``pictures`` (H, W, 3), ``ACROSS`` a row, as one lossless WebP; what is left of the last row
    is white.
    """
    side = len(pictures[0])
    missing = -len(pictures) % ACROSS
    cells = np.stack([*pictures, *[np.full_like(pictures[0], 255)] * missing])  # (N, H, W, 3)
    rows = cells.reshape(-1, ACROSS, side, side, 3).swapaxes(1, 2)  # (rows, H, columns, W, 3)
    file = io.BytesIO()
    Image.fromarray(rows.reshape(-1, ACROSS * side, 3)).save(file, "WEBP", lossless=True)
    return file.getvalue()
