"""The kinds of samples: one table. To add one: a folder with its source, its live picture and its ``Kind``,
and a line here.

What stands above the data in the engine is named as "module:object" and looked up when it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

import torch


@dataclass(frozen=True)
class Kind:
    """What a run does differently because its samples are points, pictures, or something else.

    ``picture`` is a class that is called with an ``engine.game.showing.Shown`` and its source, and is an
    ``engine.live.picture.Picture``. ``sheet(model, samples, seed, columns)`` draws samples (N, ...) as one
    ``PIL.Image``. ``layout`` is that of batches and weights in memory. ``evaluates`` says whether the
    measures of pictures, such as FID, are for it.
    """

    watch: str  # what to watch while it trains, a sentence
    picture: str
    sheet: str
    layout: torch.memory_format = torch.channels_last
    report_every: int = 5  # steps, where a run leaves it open
    measure_every: int = 100
    snapshot_every: int = 25  # doubled each time that there are too many
    checkpoint_every_s: float = 20.0  # of training
    evaluates: bool = True
    keeps_weights: bool = False  # with every snapshot, where networks are small: to branch from there
    one_thread: bool = False  # where kernels are too small to be shared

    def live_picture(self, shown: Any) -> Any:
        """The live picture of a run."""
        return resolve_name(self.picture)(shown, shown.source)

    def draw(self, model: Any, samples: torch.Tensor, seed: int = 0, columns: int | None = None) -> Any:
        """``samples`` (N, ...) of a model as one ``PIL.Image``."""
        return resolve_name(self.sheet)(model, samples, seed, columns)


_PICTURES = "engine.explore.sample:pictures_sheet"

KINDS: dict[str, Kind] = {
    "points": Kind(
        watch="Watch the generated points find the real ones while D's map loses its colours.",
        picture="engine.live.points:PointsPicture",
        sheet="engine.explore.sample:points_sheet",
        layout=torch.preserve_format,
        report_every=40,
        measure_every=200,
        snapshot_every=800,
        checkpoint_every_s=10.0,
        evaluates=False,
        keeps_weights=True,
        one_thread=True,
    ),
    "images": Kind(
        watch="Watch strokes turn into pictures while D(x) and D(G(z)) stay short of 1 and 0.",
        picture="engine.live.images:ImagesPicture",
        sheet=_PICTURES,
    ),
    "pairs": Kind(
        watch="Watch the outputs beside their targets: L1 finds the colours, the adversary makes edges "
        "sharp.",
        picture="engine.live.triptych:TranslationPicture",
        sheet=_PICTURES,
        checkpoint_every_s=60.0,
    ),
    "domains": Kind(
        watch="Watch B' become one of B while A'' still comes back to A.",
        picture="engine.live.triptych:TranslationPicture",
        sheet=_PICTURES,
        checkpoint_every_s=60.0,
    ),
}
