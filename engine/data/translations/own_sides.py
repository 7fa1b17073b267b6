"""The user's own pictures to translate, from a folder or an upload: the part that all such sources share."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import torch

from engine import options
from engine.data.pictures.folder import listed, no_folder, value_range
from engine.data.pictures.upload import SIDES, UploadOptions, datasets_folder, no_upload, read_card
from engine.data.reading.cache import prepared
from engine.data.reading.sides import Layout, Sides, ingest_sides, kept_side
from engine.data.translations.two_sides import TranslationSource
from engine.options import BadInput, knob


class OwnSidesOptions(options.Options):
    folder: str = knob(
        "", "Folder", "A folder of pictures on this machine.", group="data", max_length=1000, path=True
    )
    upload: str = UploadOptions.model_fields["upload"]  # type: ignore[assignment]
    size: Literal[64, 128, 256] = knob(
        128,
        "Picture size",
        "Pixels high and wide, after a centre crop; uploads keep the size that they were read at.",
        group="data",
    )
    value_range: str = value_range()


class OwnSides(TranslationSource):
    """Pictures that ``engine.data.reading.sides`` has prepared. Their windows differ between epochs."""

    licence = "as the pictures' owner states"
    flips = True
    layout: Layout
    Options = OwnSidesOptions

    @classmethod
    def missing(cls, options: OwnSidesOptions | None = None) -> BadInput | None:
        if options is None or not (options.folder or options.upload):
            return BadInput(
                "no pictures have been chosen.", "upload", "Upload a zip, or name a folder on this machine."
            )
        if options.folder and options.upload:
            return BadInput("both a folder and an upload are named.", "folder", "Name one of them.")
        return no_folder(options.folder) if options.folder else cls.unfit(options)

    @classmethod
    def unfit(cls, options: OwnSidesOptions) -> BadInput | None:
        """Why the upload that ``options`` name cannot be used; ``None`` if it can."""
        if problem := no_upload(options.upload):
            return problem
        card = read_card(options.upload)
        if card.get("layout", "images") != cls.layout:
            return BadInput(
                f"this was uploaded as {card.get('layout', 'images')}.",
                "upload",
                f"Choose an upload of {cls.layout}, or upload it again as such.",
            )
        if card["size"] != options.size:
            return BadInput(
                f"these pictures were uploaded at {card['size']} pixels.",
                "size",
                f"Choose {card['size']}, or upload them again.",
            )
        return None

    def __init__(self, options: OwnSidesOptions | None = None) -> None:
        super().__init__(options)
        if problem := self.missing(self.options):
            raise problem
        self.margin = kept_side(self.options.size) - self.options.size
        _ = self._sides  # what is wrong with them is said now, not in the middle of a run

    @cached_property
    def _sides(self) -> Sides:
        if self.options.upload:
            return load_once(datasets_folder() / self.options.upload / SIDES)
        root, listing = listed(self.options.folder)
        given = self._reading()
        key = [str(root), self.layout, given, listing]
        return load_once(
            prepared("sides", key, lambda path: ingest_sides(root, self.layout, **given).save(path))
        )

    def _reading(self) -> dict[str, Any]:
        """How a folder is read."""
        return {"size": self.options.size, "value_range": self.options.value_range}

    @property
    def skipped(self) -> list[dict[str, str]]:
        """Files that are left out: ``{"file", "why"}``."""
        return self._sides.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        return self._sides.notes

    @property
    def a(self) -> torch.Tensor:
        return self._sides.a

    @property
    def b(self) -> torch.Tensor:
        return self._sides.b

    @property
    def val_a(self) -> torch.Tensor | None:
        return self._held(self._sides.val_a)

    @property
    def val_b(self) -> torch.Tensor | None:
        return self._held(self._sides.val_b)

    @property
    def test_a(self) -> torch.Tensor:
        return self._middle(self._sides.test_a)

    @property
    def test_b(self) -> torch.Tensor:
        return self._middle(self._sides.test_b)

    def _held(self, pictures: torch.Tensor) -> torch.Tensor | None:
        return self._middle(pictures) if len(pictures) else None  # prepared before there was such a part

    def _middle(self, pictures: torch.Tensor) -> torch.Tensor:
        """The middle window of kept pictures: uint8 (N, 3, H, W), at the scale of the training windows."""
        size, begin = pictures.shape[-1] - self.margin, self.margin // 2
        return pictures[:, :, begin : begin + size, begin : begin + size]


@lru_cache(maxsize=2)
def load_once(path: Path) -> Sides:
    """What ``Sides.save`` wrote, kept in memory."""
    return Sides.load(path)
