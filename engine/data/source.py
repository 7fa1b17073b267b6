"""What a source of training data offers: points in the plane with a known density, or images with or without
classes.

Letters in shapes: N images or points, C channels, H height, W width, K modes or centres, M asked points.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw

from engine import options
from engine.data.pixels import to_png
from engine.data.reading.split import SPLIT, Part, Split
from engine.options import BadInput, knob

REAL = (0x1B, 0x78, 0x37)  # the colour of real data, everywhere
THUMBNAIL = 160  # px
TOLD = 8  # files that are named, of those left out
Extent = tuple[float, float, float, float]


class Source:
    """Base of all sources. A subclass names itself, declares its knobs in ``Options`` and is listed in
    ``DATASETS``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    subject: ClassVar[str] = ""  # how a sentence names it, where the title would not do
    sentence: ClassVar[str]
    kind: ClassVar[str]  # one of ``engine.data.kinds``
    licence: ClassVar[str]
    Options: ClassVar[type[options.Options]] = options.Options
    offered: ClassVar[bool] = True  # whether one can choose to learn from it
    classifier: ClassVar[str | None] = None  # folder in pretrained/ of the one that knows these classes
    split: Split = SPLIT  # by which rule data are held out

    def __init__(self, options: Any = None) -> None:
        """``options`` is an instance of ``self.Options``; ``None`` takes its defaults. Raises ``BadInput`` if
        data are missing.
        """
        self.options: Any = self.Options() if options is None else options

    @classmethod
    def missing(cls, options: Any = None) -> BadInput | None:
        """Why these data are not on this machine and what to do about it; ``None`` if they are here."""
        return None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one item: ``(2,)`` or ``(C, H, W)``."""
        raise NotImplementedError

    @property
    def skipped(self) -> list[dict[str, str]]:
        """Files that are left out: ``{"file", "why"}``."""
        return []

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is to be said about how the data were understood, in sentences."""
        return ()

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes that labels count, or ``None`` without labels."""
        return None

    def describe(self) -> dict[str, Any]:
        """What a run's configuration says of its data, as plain data."""
        return {
            "title": self.title,
            "kind": self.kind,
            "shape": list(self.shape),
            "classes": list(self.classes or []) or None,
            **({"notes": notes} if (notes := self.told()) else {}),
        }

    def told(self) -> list[str]:
        """What a user is told when a run starts: how the data were understood, and what is left out."""
        left_out = [f"{one['file']} ({one['why']})" for one in self.skipped[:TOLD]]
        more = f" and {len(self.skipped) - TOLD} more" if len(self.skipped) > TOLD else ""
        count = "1 file is" if len(self.skipped) == 1 else f"{len(self.skipped):,} files are"
        return [*self.notes, *([f"{count} left out: {', '.join(left_out)}{more}."] if left_out else [])]

    def thumbnail(self) -> bytes:
        """A picture of the data, 160x160 px, as PNG."""
        raise NotImplementedError


class PointSource(Source):
    """Points in the plane: ``centres`` blurred by a Gaussian of standard deviation ``sd``, unless a subclass
    says otherwise.

    A mixture has few centres (its modes); a curve is cut into so many that they lie closer than ``sd``.
    Either way density and cell masses have a closed form, so the optimal discriminator can be known.
    """

    kind = "points"
    licence = "generated here; no rights attached"
    extent: (
        Extent  # x0, x1, y0, y1 of the square that the picture shows, with room for a generator that strays
    )
    sd: float | None = None
    modes: np.ndarray = np.zeros((0, 2), np.float32)  # (K, 2); K = 0 for what is not a mixture
    centres: np.ndarray  # (K, 2) float64, all equally likely

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """``n`` points, float32 ``(n, 2)``, drawn with ``generator`` (on the CPU)."""
        modes = torch.from_numpy(self.modes)
        chosen = modes[torch.randint(len(modes), (n,), generator=generator)]  # (n, 2)
        return chosen.add_(torch.randn(n, 2, generator=generator), alpha=float(self.sd or 0.0))

    def density(self, points: np.ndarray) -> np.ndarray | None:
        """Probability density at ``points`` (M, 2), per square unit: float64 ``(M,)``; ``None`` where it is
        not known.
        """
        assert self.sd
        asked = torch.from_numpy(np.asarray(points, np.float64))
        centres = torch.from_numpy(self.centres)
        parts = []
        for part in asked.split(512):  # keeps the (512, K) table in the processor's cache
            distance = (part[:, :1] - centres[:, 0]) ** 2 + (part[:, 1:] - centres[:, 1]) ** 2  # (m, K)
            parts.append(torch.exp((distance / (-2 * self.sd**2)).float()).double().mean(1))
        return torch.cat(parts).numpy() / (2 * np.pi * self.sd**2)

    def mass(self, cells: int) -> np.ndarray:
        """Probability of each of ``cells`` x ``cells`` equal cells of ``extent``: float64, row 0 = y min,
        column 0 = x min.

        Exact for Gaussians, however thin. The sum falls short of 1 by what lies outside of ``extent``.
        """
        assert self.sd
        x0, x1, y0, y1 = self.extent
        across = _between(np.linspace(x0, x1, cells + 1), self.centres[:, 0], self.sd)  # (K, cells)
        up = _between(np.linspace(y0, y1, cells + 1), self.centres[:, 1], self.sd)  # (K, cells)
        return (up.T @ across / len(self.centres)).numpy()

    def describe(self) -> dict[str, Any]:
        own = {"extent": list(self.extent), "modes": self.modes.tolist(), "sd": self.sd}
        return super().describe() | own

    def thumbnail(self) -> bytes:
        """1,000 points in green on a transparent ground."""
        points = self.sample(1000, torch.Generator().manual_seed(0)).numpy()
        x0, x1, y0, y1 = self.extent
        scale = 4  # drawn larger and reduced: smooth dots
        picture = Image.new("RGBA", (THUMBNAIL * scale, THUMBNAIL * scale), (*REAL, 0))
        draw = ImageDraw.Draw(picture)
        for x, y in (points - (x0, y0)) / (x1 - x0, y1 - y0) * THUMBNAIL * scale:
            draw.circle((x, THUMBNAIL * scale - y), 1.5 * scale, fill=(*REAL, 255))
        return to_png(picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS), effort=9)


class CurveSource(PointSource):
    """A blurred curve: ``curve(u)`` maps ``u`` in [0, 1) to points, equal steps of ``u`` to equal lengths."""

    def curve(self, u: torch.Tensor) -> torch.Tensor:
        """Points ``(n, 2)`` of the curve at ``u`` (n,), in the dtype of ``u``."""
        raise NotImplementedError

    @cached_property
    def centres(self) -> np.ndarray:  # type: ignore[override]
        assert self.sd
        steps = self.curve(torch.linspace(0, 1, 200, dtype=torch.float64)).diff(dim=0)
        pieces = math.ceil(float(steps.norm(dim=1).sum()) / (self.sd / 4))
        return self.curve((torch.arange(pieces, dtype=torch.float64) + 0.5) / pieces).numpy()

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        on_curve = self.curve(torch.rand(n, generator=generator))  # (n, 2)
        return on_curve.add_(torch.randn(n, 2, generator=generator), alpha=float(self.sd or 0.0))


class TableSource(Source):
    """Items of any shape in memory, as numbers in the range that networks make of them."""

    @property
    def items(self) -> torch.Tensor:
        """The training part: float32 ``(N, *shape)``."""
        raise NotImplementedError

    @property
    def labels(self) -> torch.Tensor | None:
        """Class numbers of the training part: int64 ``(N,)``, or ``None``."""
        return None


def flips_knob() -> Any:
    """The option of pictures that may be seen in a mirror."""
    return knob(
        False,
        "Horizontal flips",
        "Half of the training pictures are flipped at random: as if there were twice as many, where left "
        "and right do not matter.",
        group="data",
    )


class Labelled(NamedTuple):
    """Images uint8 (N, C, H, W), and their class numbers int64 (N,), or ``None`` without classes."""

    images: torch.Tensor
    labels: torch.Tensor | None


class ImageSource(Source):
    """Images in memory as bytes. They are read on first use and shared by all sources of one process."""

    kind = "images"

    @property
    def flips(self) -> bool:
        """Whether training mirrors half of them, for sources that have the option."""
        return bool(getattr(self.options, "flips", False))

    @property
    def images(self) -> torch.Tensor:
        """The training part: uint8 ``(N, C, H, W)``."""
        raise NotImplementedError

    @property
    def labels(self) -> torch.Tensor | None:
        """Class numbers of the training part: int64 ``(N,)``, or ``None``."""
        return None

    @property
    def val_images(self) -> torch.Tensor | None:
        """The validation part, to choose by while a run trains, as ``test_images``."""
        return None

    @property
    def val_labels(self) -> torch.Tensor | None:
        return None

    @property
    def test_images(self) -> torch.Tensor | None:
        """The test part, neither trained on nor chosen by: uint8 ``(N, C, H, W)``, or ``None`` if the data
        have none.
        """
        return None

    @property
    def test_labels(self) -> torch.Tensor | None:
        return None

    def held(self, part: Part) -> Labelled | None:
        """The images and labels of one part; ``None`` if the data have no such part."""
        if part == "train":
            return Labelled(self.images, self.labels)
        images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
        return None if images is None else Labelled(images, labels)

    def first_held(self, *parts: Part) -> tuple[Part, Labelled]:
        """The first of ``parts`` that there is, and its name; else what is learned from."""
        for part in parts:
            if (held := self.held(part)) is not None:
                return part, held
        return "train", Labelled(self.images, self.labels)

    def thumbnail(self) -> bytes:
        """The first 25 training images, 5 x 5."""
        side, across = 32, 5
        sheet = Image.new("RGB", (side * across, side * across))
        for place, item in enumerate(self.images[: across * across].numpy()):
            picture = Image.fromarray(item[0] if len(item) == 1 else item.transpose(1, 2, 0))
            if picture.size != (28, 28):  # 28 px go in as they are, with a border
                picture = picture.resize((side, side), Image.Resampling.BOX)
            border = (side - picture.width) // 2
            sheet.paste(picture, (place % across * side + border, place // across * side + border))
        return to_png(sheet, effort=9)


class PartedSource(ImageSource):
    """An image source that looks its parts up by name."""

    def held(self, part: Part) -> Labelled | None:
        raise NotImplementedError

    def _images(self, part: Part) -> torch.Tensor | None:
        return held.images if (held := self.held(part)) else None

    def _labels(self, part: Part) -> torch.Tensor | None:
        return held.labels if (held := self.held(part)) else None

    @property
    def images(self) -> torch.Tensor:
        images = self._images("train")
        assert images is not None, "there is always something to learn from"
        return images

    @property
    def labels(self) -> torch.Tensor | None:
        return self._labels("train")

    @property
    def val_images(self) -> torch.Tensor | None:
        return self._images("val")

    @property
    def val_labels(self) -> torch.Tensor | None:
        return self._labels("val")

    @property
    def test_images(self) -> torch.Tensor | None:
        return self._images("test")

    @property
    def test_labels(self) -> torch.Tensor | None:
        return self._labels("test")


def pad(images: torch.Tensor, size: int) -> torch.Tensor:
    """``images`` (N, C, H, W) with a black border, so that they are ``size`` px high and wide."""
    border = (size - images.shape[-1]) // 2
    return torch.nn.functional.pad(images, [border] * 4) if border else images


def _between(edges: np.ndarray, centres: np.ndarray, sd: float) -> torch.Tensor:
    """Share of a Gaussian around each of ``centres`` (K,) that falls between neighbouring ``edges`` (n + 1,):
    (K, n).
    """
    reach = torch.from_numpy((edges[None] - centres[:, None]) / (sd * 2**0.5))
    return torch.erf(reach).diff(dim=1) / 2
