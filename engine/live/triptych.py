"""The live picture of a run that translates, and what is measured on it: held-out pictures, always the same.

As in ``engine.live.images``, networks are in eval mode and nothing is drawn at random.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from engine.data.pixels import LEVELS, to_floats, to_png
from engine.data.translations.two_sides import Side, TranslationSource
from engine.game.exhibits import Exhibit
from engine.game.recipe import Direction
from engine.game.showing import Shown, evaluating
from engine.live import frames
from engine.live.drawing import EXHIBIT_EVERY_S, FAKE, REAL, THUMBNAIL, picture_grid
from engine.metrics.manifold import compare_manifolds
from engine.metrics.psnr import psnr
from engine.runs.headers import Moment
from engine.runs.records import Values

SHOWN, MEASURED = 4, 32  # pictures of each side
REAL_GRID = (4, 4)
GIVEN: dict[Direction, Side] = {"a_to_b": "a", "b_to_a": "b"}


class TranslationPicture:
    """Input, output and target of the same few held-out pictures; of CycleGAN both ways and back again."""

    def __init__(self, shown: Shown, source: TranslationSource) -> None:
        self.shown, self.source = shown, source
        self.held_out = self._with_the_shown_first({"a": self._some("a"), "b": self._some("b")})
        self._shown_exhibits: list[tuple[Exhibit, bytes]] = []
        self._exhibits_due = 0.0

    def _some(self, side: Side) -> Tensor:
        """Up to MEASURED held-out pictures of a side, (N, C, H, W) in [-1, 1]; training ones without any."""
        test = self.source.test_a if side == "a" else self.source.test_b
        pictures = getattr(self.source, side) if test is None else test
        height, width = (self.source.given if side == "a" else self.source.shape)[1:]
        edge = (pictures.shape[-1] - width) // 2
        some = pictures[:MEASURED, :, edge : edge + height, edge : edge + width]
        return to_floats(some).to(self.shown.device, memory_format=torch.channels_last)

    def _with_the_shown_first(self, sides: dict[Side, Tensor]) -> dict[Side, Tensor]:
        """The pairs that are shown before the others: four from the livelier half, in which the difference of
        input and target varies most from place to place.
        """
        a, b = sides["a"], sides["b"]
        if not self._is_paired or a.shape[2:] != b.shape[2:]:
            return sides
        order = (a.mean(1) - b.mean(1)).flatten(1).std(1).argsort(descending=True)
        every = max(1, len(order) // (2 * SHOWN))
        shown = order[every - 1 :: every][:SHOWN]
        order = torch.cat([shown, order[~torch.isin(order, shown)]])
        return {side: pictures[order] for side, pictures in sides.items()}

    @property
    def _is_paired(self) -> bool:
        has_test = self.source.test_a is not None and self.source.test_b is not None
        return self.source.test_is_paired if has_test else self.source.kind == "pairs"

    def _translate(self, x: Tensor, direction: Direction) -> Tensor:
        networks = self.shown.networks
        return self.shown.recipe.translator(networks, direction)(x).float()

    def measure(self) -> Values:
        """L1 and PSNR against the truth where it is known, how far there and back misses, how much outputs
        vary beside real pictures, whether their light goes with that of the inputs, and how many of them have
        the colours and edges of one side or the other.
        """
        recipe = self.shown.recipe
        found: Values = {"samples": len(self.held_out["a"])}
        with evaluating(*self.shown.networks.values()):
            for direction in recipe.directions:
                ending = "" if direction == "a_to_b" else "_back"
                given = GIVEN[direction]
                x, truth = self.held_out[given], self.held_out["b" if given == "a" else "a"]
                made = self._translate(x, direction)
                if min(len(made), len(truth)) > 1:
                    varies = made.std(0).mean() / truth.std(0).mean().clamp_min(1e-6)
                    found[f"test_variety{ending}"] = float(varies)
                if bool(torch.isfinite(made).all()):
                    for side, real in (("inputs", x), ("targets", truth)):
                        found[f"test_among_{side}{ending}"] = share_among(made, real)
                if made.shape[2:] == x.shape[2:]:
                    found[f"test_light{ending}"] = float(correlation(x.mean(1), made.mean(1)).mean())
                if self._is_paired:
                    found[f"test_l1{ending}"] = float((made - truth).abs().mean())
                    found[f"test_psnr{ending}"] = float(psnr(made, truth).mean())
                if len(recipe.directions) > 1:
                    other: Direction = "b_to_a" if direction == "a_to_b" else "a_to_b"
                    found[f"test_cycle_{given}"] = float((self._translate(made, other) - x).abs().mean())
        return found

    def _row(self, direction: Direction) -> tuple[list[Tensor], list[str]]:
        """What is shown of one direction, each (SHOWN, C, H, W), and what it is called."""
        given: Side = GIVEN[direction]
        x, letter = self.held_out[given][:SHOWN], given.upper()
        made = self._translate(x, direction)
        if len(self.shown.recipe.directions) == 1:
            return [x, made, self.held_out["b"][:SHOWN]], ["input", "output", "target"]
        other: Direction = "b_to_a" if direction == "a_to_b" else "a_to_b"
        there = "B" if letter == "A" else "A"
        return [x, made, self._translate(made, other)], [letter, f"{there}\u2032", f"{letter}\u2033"]

    def _triptych(self, direction: Direction) -> tuple[Tensor, str]:
        parts, names = self._row(direction)
        rows = torch.stack(as_large([in_colour(part) for part in parts]), 1)  # (SHOWN, 3, 3, H, W)
        return rows.flatten(0, 1), " | ".join(names)  # (SHOWN * 3, 3, H, W)

    def _patches(self, direction: Direction) -> Tensor:
        """Outputs, and beside each D's verdict on its patches: (SHOWN * 2, 3, H, W)."""
        networks = self.shown.networks
        x = self.held_out[GIVEN[direction]][:SHOWN]
        made = self._translate(x, direction)
        scores = self.shown.objective.score(self.shown.recipe.patches(networks, direction, x, made).float())
        low, high = self.shown.objective.range or (scores.min(), scores.max())
        share = ((scores - low) / max(float(high - low), 1e-8)).clamp(0, 1)  # 1: taken for real
        overlay = patch_colours(interpolate(share, size=made.shape[2:], mode="nearest"))
        return torch.stack([in_colour(made), in_colour(made) * 0.4 + overlay * 0.6], 1).flatten(0, 1)

    def _exhibits(self) -> list[tuple[Exhibit, bytes]]:
        if time.perf_counter() < self._exhibits_due:
            return self._shown_exhibits
        recipe, found = self.shown.recipe, []
        with evaluating(*self.shown.networks.values()):
            if "b_to_a" in recipe.directions:
                pictures, names = self._triptych("b_to_a")
                sentence = "Pictures of B, what A they become, and B once more."
                found.append(Exhibit("back", names, sentence, pictures, SHOWN, 3, "both"))
            if getattr(self.shown.recipe.options, "adversary", True):
                sentence = (
                    "Outputs, and D's verdict on each patch: green taken for real, purple for generated."
                )
                found.append(Exhibit("patches", "D's patches", sentence, self._patches("a_to_b"), SHOWN, 2))
        self._shown_exhibits = [
            (one, to_png(picture_grid(one.pictures, one.rows, one.columns))) for one in found
        ]
        self._exhibits_due = time.perf_counter() + EXHIBIT_EVERY_S
        return self._shown_exhibits

    def frame(self, header: Moment) -> bytes:
        """A packed frame of the present state: the triptych, and one grid for each exhibit."""
        with evaluating(*self.shown.networks.values()):
            pictures, names = self._triptych("a_to_b")
        cell = list(pictures.shape[1:])
        arrays: dict[str, np.ndarray | bytes] = {"samples": to_png(picture_grid(pictures, SHOWN, 3))}
        shown = []
        for exhibit, png in self._exhibits():
            arrays[f"exhibit_{exhibit.name}"] = png
            words = {"name": exhibit.name, "title": exhibit.title, "sentence": exhibit.sentence}
            words["marks"] = exhibit.marks
            shown.append(words | {"grid": [exhibit.rows, exhibit.columns], "cell": cell})
        extra = {"kind": "images", "grid": [SHOWN, 3], "cell": cell, "exhibits": shown, "title": names}
        return frames.pack({**header, **extra}, arrays)

    def real(self) -> bytes:
        """A packed frame with training pictures: A and B beside each other where they belong together."""
        rows, columns = REAL_GRID
        each = rows * columns // 2
        sides = [in_colour(to_floats(side[:each])) for side in (self.source.a, self.source.b)]
        grid = torch.stack(as_large(sides), 1).flatten(0, 1)
        arrays: dict[str, np.ndarray | bytes] = {"samples": to_png(picture_grid(grid, rows, columns))}
        return frames.pack({"kind": "images", "grid": [rows, columns], "cell": list(grid.shape[1:])}, arrays)

    def thumbnail(self) -> bytes:
        """A small picture: two inputs above their outputs."""
        with evaluating(*self.shown.networks.values()):
            (given, made, *_), _ = self._row("a_to_b")
        grid = picture_grid(torch.cat(as_large([in_colour(given[:2]), in_colour(made[:2])])), 2, 2)
        return to_png(grid.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS))


def share_among(made: Tensor, real: Tensor) -> float:
    """The share of pictures ``made`` (M, C, H, W) that lie among ``real`` ones (N, C, H, W) by their colours
    and edges, 0 to 1: precision on ``colours_and_edges``.
    """
    if min(len(made), len(real)) < 2:
        return 1.0  # nothing can be said
    known, asked = colours_and_edges(real), colours_and_edges(made)
    spread = known.std(0).clamp_min(1e-3)
    return compare_manifolds(known / spread, asked / spread)["precision"]


def colours_and_edges(pictures: Tensor) -> Tensor:
    """Of pictures (N, C, H, W) the mean colour, and at two scales the contrast and the mean steepness along
    both axes, by channel: (N, 21).
    """
    fine = in_colour(pictures).cpu()
    found = [fine.mean((2, 3))]
    for x in (fine, avg_pool2d(fine, 4)):
        found += [x.flatten(2).std(2), x.diff(dim=3).abs().mean((2, 3)), x.diff(dim=2).abs().mean((2, 3))]
    return torch.cat(found, 1)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Of the pixels of each pair of pictures (N, H, W), -1 to 1: (N,). 0 for a flat one."""
    x, y = (part.flatten(1) - part.flatten(1).mean(1, keepdim=True) for part in (x, y))
    return (x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1)).clamp_min(1e-6)


def in_colour(pictures: Tensor) -> Tensor:
    """(N, 3, H, W), of pictures that may be grey."""
    return pictures.expand(-1, 3, -1, -1)


def as_large(parts: list[Tensor]) -> list[Tensor]:
    """Pictures (N, C, H, W) of several sizes as high and wide as the largest, their pixels as they are."""
    high, wide = (max(part.shape[side] for part in parts) for side in (2, 3))
    return [
        part if part.shape[2:] == (high, wide) else interpolate(part, (high, wide), mode="nearest")
        for part in parts
    ]


def patch_colours(share: Tensor) -> Tensor:
    """(N, 1, H, W) from 0 (generated, purple) over one half (white) to 1 (real, green) as (N, 3, H, W)."""
    green, purple = (share.new_tensor(rgb).view(1, 3, 1, 1) for rgb in (REAL, FAKE))
    strength = (2 * share - 1).abs()
    return (255 + strength * (torch.where(share > 0.5, green, purple) - 255)) / LEVELS - 1
