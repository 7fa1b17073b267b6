"""Zips that are the same whenever they are made."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """``members`` (name to contents) as a zip that does not tell when it was made."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in members.items():
            archive.writestr(zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED, compresslevel=9)
