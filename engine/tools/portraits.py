"""Draws the pictures on the presets' cards: ``python -m engine.tools.portraits`` trains each to its moment.

Two runs that a preset compares stand side by side. The pictures are kept in ``engine/pictures/``.
"""

from __future__ import annotations

import io
import sys

from PIL import Image

from engine import ENGINE
from engine.data import DATASETS
from engine.data.pixels import to_png
from engine.live.picture import picture_of
from engine.presets import PRESETS
from engine.training.request import validate
from engine.training.trainer import Trainer, use_threads

SHOWN_LIVE = ("fashion", "drawn")  # data that are not here until somebody brings them
FOLDER = ENGINE / "pictures"
STEPS = {"points": 2500, "images": 1500, "pairs": 1000, "domains": 1000}


def portrait(name: str) -> Image.Image:
    """The card's picture of preset ``name``, 160 px high: its runs after ``STEPS`` of both players, side by
    side.
    """
    panels = []
    for request in PRESETS[name].runs:
        trainer = Trainer(validate({**request, "device": "cpu"}))
        use_threads(trainer.source.kind)
        for _ in range(trainer.options.pretrain_discriminator + STEPS[trainer.source.kind]):
            trainer.iterate()
            trainer.read()
        panels.append(Image.open(io.BytesIO(picture_of(trainer.shown()).thumbnail())).convert("RGB"))
    sheet = Image.new("RGB", (sum(panel.width for panel in panels), panels[0].height), "white")
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width
    return sheet


def main(names: list[str]) -> None:
    """Draw the presets in ``names``; without any, all of them and the data that ship or are generated."""
    (FOLDER / "data").mkdir(parents=True, exist_ok=True)
    for name, source in ({} if names else DATASETS).items():
        if name not in SHOWN_LIVE and source.missing() is None:
            (FOLDER / "data" / f"{name}.png").write_bytes(source().thumbnail())
    for name in names or PRESETS:
        path = FOLDER / f"{name}.png"
        path.write_bytes(to_png(portrait(name)))
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
