"""What a source of pictures to translate offers: two sides, A and B, each with held-out pictures.

Letters in shapes: N pictures, C channels, H height, W width, M the margin.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from PIL import Image

from engine.data.pixels import to_png
from engine.data.reading.split import Part
from engine.data.source import THUMBNAIL, Source

Side = Literal["a", "b"]


class TranslationSource(Source):
    """Pictures of two sides, uint8 in RGB or grey.

    ``kind`` is "pairs" where picture i of A and picture i of B show the same, aligned to the pixel, and
    "domains" where they have nothing to do with each other. Training pictures may be ``margin`` px larger
    than ``shape`` in each direction: whoever trains takes a window of them, the same on both sides of a pair.
    B may be a whole number of times as large as A; ``made_margin``, B's, is then larger by as much.
    """

    names: tuple[str, str] = ("A", "B")  # what the two sides show
    margin: int = 0
    flips: bool = False  # whether a mirrored picture is as good as the original
    test_is_paired: bool = True  # whether test_a[i] and test_b[i] show the same

    @property
    def a(self) -> torch.Tensor:
        """Training pictures of side A: uint8 (N, C, H + M, W + M)."""
        raise NotImplementedError

    @property
    def b(self) -> torch.Tensor:
        """Training pictures of side B: uint8 (N, C, H + M, W + M); as many as of A if ``kind`` is "pairs"."""
        raise NotImplementedError

    @property
    def made_margin(self) -> int:
        """By how many px training pictures of side B are larger than ``shape``."""
        return self.margin * self.b.shape[-1] // self.a.shape[-1] if self.margin else 0

    @property
    def val_a(self) -> torch.Tensor | None:
        """Held-out pictures of side A to choose by, uint8 (N, C, H, W): neither trained nor tested on;
        ``None`` if there are none.
        """
        return None

    @property
    def val_b(self) -> torch.Tensor | None:
        """The same of side B."""
        return None

    @property
    def test_a(self) -> torch.Tensor | None:
        """Held-out pictures of side A, never trained on: uint8 (N, C, H, W); ``None`` if there are none."""
        return None

    @property
    def test_b(self) -> torch.Tensor | None:
        """Held-out pictures of side B: uint8 (N, C, H, W); ``None`` if there are none."""
        return None

    def first_held(self, *parts: Part) -> tuple[Part, torch.Tensor, torch.Tensor]:
        """The first of ``parts`` of which both sides have pictures, and these; else what is learned from,
        which has a margin.
        """
        for part in parts:
            a, b = getattr(self, f"{part}_a"), getattr(self, f"{part}_b")
            if a is not None and b is not None:
                return part, a, b
        return "train", self.a, self.b

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what is made, (C, H, W): B's, without the margin."""
        return self._shape(self.b, self.made_margin)

    @property
    def given(self) -> tuple[int, ...]:
        """Shape of what is translated, (C, H, W): A's, without the margin."""
        return self._shape(self.a, self.margin)

    def _shape(self, pictures: torch.Tensor, margin: int) -> tuple[int, ...]:
        channels, height, width = pictures.shape[1:]
        return channels, height - margin, width - margin

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"given": list(self.given), "names": list(self.names)}

    def thumbnail(self) -> bytes:
        """Two pictures of A above two of B."""
        half, sheet = THUMBNAIL // 2, Image.new("RGB", (THUMBNAIL, THUMBNAIL))
        for row, side in enumerate((self.a, self.b)):
            for column, item in enumerate(side[:2].numpy()):
                picture = Image.fromarray(item[0] if len(item) == 1 else item.transpose(1, 2, 0))
                place = (column * half, row * half)
                sheet.paste(picture.resize((half, half), Image.Resampling.LANCZOS), place)
        return to_png(sheet, effort=9)


class SquareSource(TranslationSource):
    """A source in colour whose option ``size`` is the height and width of both sides: no picture needs to be
    read to know it. Training pictures are an eighth larger.
    """

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        if problem := self.missing():
            raise problem
        self.margin = self.options.size // 8

    def pictures(self, side: Side, part: Part) -> torch.Tensor:
        """The pictures of a side: uint8 (N, 3, H, W), those to train on with the margin; none where the split
        has no such part.
        """
        raise NotImplementedError

    def _validation(self, side: Side) -> torch.Tensor | None:
        return self.pictures(side, "val") if self.split == "families" else None

    @property
    def a(self) -> torch.Tensor:
        return self.pictures("a", "train")

    @property
    def b(self) -> torch.Tensor:
        return self.pictures("b", "train")

    @property
    def val_a(self) -> torch.Tensor | None:
        return self._validation("a")

    @property
    def val_b(self) -> torch.Tensor | None:
        return self._validation("b")

    @property
    def test_a(self) -> torch.Tensor:
        return self.pictures("a", "test")

    @property
    def test_b(self) -> torch.Tensor:
        return self.pictures("b", "test")

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.options.size, self.options.size)

    @property
    def given(self) -> tuple[int, ...]:
        return self.shape
