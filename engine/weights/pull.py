"""Fetching the files that the reference implementation's authors publish, where there is a network.

An interrupted file is gone on with; what a name's file was at first is remembered by its checksum, and
another one is refused later. Nothing is fetched unless somebody asks for it by name.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.options import BadInput, Conflict
from engine.runs.files import read_json, replace, write_json
from engine.weights.adding import GANS_TO_BE, Gan, add

BASES: dict[Gan, str] = {
    "cyclegan": "http://efrosgans.eecs.berkeley.edu/cyclegan/pretrained_models",
    "pix2pix": "http://efrosgans.eecs.berkeley.edu/pix2pix/models-pytorch",
}
Names = tuple[str, str]  # of the two sides
PUBLISHED: dict[Gan, dict[str, Names]] = {
    "cyclegan": {
        "horse2zebra": ("horse", "zebra"),
        "zebra2horse": ("zebra", "horse"),
        "apple2orange": ("apple", "orange"),
        "orange2apple": ("orange", "apple"),
        "summer2winter_yosemite": ("summer", "winter"),
        "winter2summer_yosemite": ("winter", "summer"),
        "monet2photo": ("Monet", "photograph"),
        "style_monet": ("photograph", "Monet"),
        "style_cezanne": ("photograph", "Cezanne"),
        "style_ukiyoe": ("photograph", "ukiyo-e"),
        "style_vangogh": ("photograph", "Van Gogh"),
        "sat2map": ("satellite", "map"),
        "map2sat": ("map", "satellite"),
        "cityscapes_photo2label": ("street", "labels"),
        "cityscapes_label2photo": ("labels", "street"),
        "facades_photo2label": ("facade", "labels"),
        "facades_label2photo": ("labels", "facade"),
        "iphone2dslr_flower": ("phone", "camera"),
    },
    "pix2pix": {
        "edges2shoes": ("edges", "shoe"),
        "sat2map": ("satellite", "map"),
        "map2sat": ("map", "satellite"),
        "facades_label2photo": ("labels", "facade"),
        "day2night": ("day", "night"),
        "edges2handbags": ("edges", "handbag"),
    },
}
MOST_BYTES = 512 << 20
TIMEOUT_S = 30.0  # without a byte
CHUNK = 1 << 20
CHECKSUMS = ".checksums.json"  # beside the added models
LICENCE = "as the authors of pix2pix and CycleGAN state for what they publish"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Published:
    """A file to be had: its ``name`` and ``gan``, the address, and what the two sides show."""

    name: str
    gan: Gan
    address: str
    sides: Names


def published(name: str, gan: Gan | None = None, base: str | None = None) -> Published:
    """The file called ``name``. ``base`` is another place that has it. Raises ``BadInput``."""
    if gan not in (None, *GANS_TO_BE):
        raise BadInput(
            f"there is no {gan[:40]!r} among them.", "as", f"Choose one of: {', '.join(GANS_TO_BE)}."
        )
    found: list[Gan] = [kind for kind in GANS_TO_BE if name in PUBLISHED[kind] and gan in (None, kind)]
    if not found:
        known = "; ".join(
            f"{kind}: {', '.join(PUBLISHED[kind])}" for kind in GANS_TO_BE if gan in (None, kind)
        )
        raise BadInput(f"nothing is published as {name[:80]!r}.", "name", f"There are {known}.")
    if len(found) > 1:
        raise BadInput(f"{name} is published twice.", "as", f"Add --as {found[0]}, or --as {found[1]}.")
    place = (base or BASES[found[0]]).rstrip("/")
    if not place.startswith(("http://", "https://")):
        raise BadInput(f"{place[:80]} is not a web address.", "from", "It begins with http:// or https://.")
    return Published(name, found[0], f"{place}/{name}.pth", PUBLISHED[found[0]][name])


def pull(
    wanted: Published,
    runs: Path,
    chosen: dict[str, Any] | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Fetch a file and make a model of it in ``runs``; returns its card.

    Raises ``BadInput`` if it cannot be had or is none, ``Conflict`` if the model is there, or if the file is
    another one than it was at first.
    """
    shelf = runs / ".models"
    out = shelf / wanted.name
    if out.exists():
        raise Conflict(f"{wanted.name} is there already.", "name", "Delete that model to fetch it again.")
    folder = runs / ".cache" / "pulled" / wanted.gan
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{wanted.name}.pth"
    try:
        fetch(wanted.address, file, progress)
        first_time = check(file, shelf / CHECKSUMS, f"{wanted.gan}/{wanted.name}")
        chosen = {**(chosen or {}), "as": wanted.gan}
        card = add([file], out, wanted.name, chosen, wanted.sides, wanted.address, LICENCE)
        first_time()
    finally:
        file.unlink(missing_ok=True)  # the model has all of it; what is not one is not kept
    return card


def check(file: Path, known: Path, name: str) -> Callable[[], None]:
    """Compare a file with what it was at first. Returns what remembers it, to be called once it has proved
    good. Raises ``Conflict`` if it is another one.
    """
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    checksums: dict[str, str] = read_json(known, {})
    if (before := checksums.get(name, digest)) != digest:
        raise Conflict(
            f"{name} is not the file that it was: sha256 {digest[:16]}, and at first {before[:16]}.",
            "name",
            f"If its authors have replaced it, take its line out of {known} and try again.",
        )
    return lambda: write_json(known, {**checksums, name: digest})


# --- fetching


def fetch(address: str, file: Path, progress: Progress) -> None:
    """Fetch ``address`` into ``file``, going on with what an interrupted attempt has left beside it.

    Raises ``BadInput``; what has come so far is kept for the next attempt.
    """
    part, about = file.with_suffix(".part"), file.with_suffix(".part.json")
    for _ in range(2):
        done = part.stat().st_size if part.exists() else 0
        tag = read_json(about, {}).get("tag") if done else None
        if done and not tag:  # nothing says that the rest would be of the same file
            part.unlink()
            done = 0
        try:
            with _open(address, done, tag) as answer:
                _take(answer, part, about, done, progress)
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and done:
                part.unlink()
                continue
            raise _no_such(address, f"the server answers {error.code} {error.reason}") from None
        except (
            urllib.error.URLError,
            TimeoutError,
            ConnectionError,
            http.client.HTTPException,
            OSError,
        ) as error:
            reason = getattr(error, "reason", None) or error
            raise _no_such(address, " ".join(str(reason).split())[:120] or type(error).__name__) from None
        replace(part, file)
        about.unlink(missing_ok=True)
        return
    raise _no_such(address, "the server does not say how to go on")


def _no_such(address: str, why: str) -> BadInput:
    return BadInput(
        f"{address[:120]} could not be fetched: {why}.",
        "name",
        "Look at the network and try again: it goes on where it stopped. Or name another place with --from, "
        "or fetch the file elsewhere and import it.",
    )


def _open(address: str, done: int, tag: str | None) -> http.client.HTTPResponse:
    headers = {"User-Agent": "ganscope", "Accept-Encoding": "identity"}
    if done and tag:
        headers |= {"Range": f"bytes={done}-", "If-Range": tag}
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT_S)


def _take(answer: http.client.HTTPResponse, part: Path, about: Path, done: int, progress: Progress) -> None:
    """Write an answer's body to ``part``, after its first ``done`` bytes if it is their rest."""
    if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
        done = 0
    elif not (answer.headers.get("Content-Range") or "").startswith(f"bytes {done}-"):
        part.unlink()
        raise http.client.HTTPException("the server sends another part than it was asked for")
    length = answer.headers.get("Content-Length", "")
    total = done + int(length) if length.isdigit() else 0
    tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
    write_json(about, {"tag": "" if tag.startswith("W/") else tag})
    with open(part, "ab" if done else "wb") as file:
        while chunk := answer.read(CHUNK):
            done += len(chunk)
            if max(done, total) > MOST_BYTES:
                part.unlink()
                raise http.client.HTTPException(f"it has more than {MOST_BYTES >> 20} MB")
            file.write(chunk)
            progress(done, total)
    if total and done < total:
        raise ConnectionError(f"the connection ended after {done:,} of {total:,} bytes")
