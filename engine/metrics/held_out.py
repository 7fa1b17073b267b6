"""How well a translator does on held-out pictures whose truth is known.

Each figure stands beside what the input itself would give in the output's place; the mean colour of all
targets, another translator that learned nothing, is among the details.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.data.pixels import to_pixels
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Direction
from engine.metrics.features import as_input
from engine.metrics.finite import finite
from engine.metrics.frechet import frechet_distance
from engine.metrics.kernel import kernel_distance
from engine.metrics.picture_network import WINDOW
from engine.metrics.psnr import psnr
from engine.metrics.subject import Outcome, Subject

AT_ONCE = 16
Measure = Callable[[Tensor, Tensor], Tensor]  # of made and true pictures (N, C, H, W) in [-1, 1]: (N,)


class Held:
    """Held-out pictures of one direction: the inputs, the truth, and what the translator makes of it."""

    def __init__(self, subject: Subject, direction: Direction) -> None:
        source = subject.source
        assert isinstance(source, TranslationSource)
        self.subject = subject
        self.direction: Direction = direction
        a, b = source.test_a, source.test_b
        assert a is not None and b is not None
        some = slice(subject.n) if subject.n else slice(None)
        self.given, self.truth = (a[some], b[some]) if direction == "a_to_b" else (b[some], a[some])
        learned = source.b if direction == "a_to_b" else source.a
        self.learned = learned[: len(self.truth)]

    @cached_property
    def made(self) -> Tensor:
        """The translations, uint8 (N, C, H, W), as a file would hold them."""
        network = self.subject.recipe.translator(self.subject.networks, self.direction)
        parts = []
        for start in range(0, len(self.given), AT_ONCE):
            self.subject.say("translating", start, len(self.given))
            x = as_input(self.given[start : start + AT_ONCE].to(self.subject.device))
            parts.append(to_pixels(finite(network(x), "the translator's outputs")).cpu())
        return torch.cat(parts)

    @property
    def untouched(self) -> Tensor:
        """The inputs in the outputs' place, as large and as grey or colour as the truth."""
        given, channels = self.given, self.truth.shape[1]
        if given.shape[2:] != self.truth.shape[2:]:
            size = self.truth.shape[2:]
            given = to_pixels(interpolate(as_input(given), size, mode="bicubic", antialias=True))
        if given.shape[1] == channels:
            return given
        if channels == 3:
            return given.expand(-1, 3, -1, -1)
        return given.float().mean(1, keepdim=True).round().to(torch.uint8)

    @property
    def mean_colour(self) -> Tensor:
        """The mean of all targets that could be learned from, as flat pictures."""
        colour = self.learned.float().mean((0, 2, 3)).round().to(torch.uint8)
        return colour.view(1, -1, 1, 1).expand_as(self.truth)

    def mean(self, measure: Measure, pictures: Tensor) -> float:
        """The mean of ``measure`` over all pictures."""
        pairs = zip(pictures.split(AT_ONCE), self.truth.split(AT_ONCE), strict=True)
        return float(torch.cat([measure(as_input(one), as_input(other)) for one, other in pairs]).mean())


def _l1(made: Tensor, truth: Tensor) -> Tensor:
    return (made - truth).abs().flatten(1).mean(1)


def _ssim(made: Tensor, truth: Tensor) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(made, truth, data_range=2.0, reduction="none")
    assert isinstance(found, Tensor)
    return found.view(-1)


def _compare(subject: Subject, measures: dict[str, Measure], **details: str) -> Outcome:
    figures, floors, flat, n = {}, {}, {}, 0
    for direction in subject.recipe.directions:
        held, ending = Held(subject, direction), "" if direction == "a_to_b" else "_back"
        for name, measure in measures.items():
            figures[name + ending] = held.mean(measure, held.made)
            floors[name + ending] = held.mean(measure, held.untouched)
            flat[f"mean_colour_{name}{ending}"] = held.mean(measure, held.mean_colour)
        n = len(held.truth)
    return Outcome(figures, floors, {"n": n, **details, **flat})


def differences(subject: Subject) -> Outcome:
    """L1, PSNR and SSIM against the truth."""
    return _compare(subject, {"l1": _l1, "psnr": psnr, "ssim": _ssim})


def feature_distance(subject: Subject) -> Outcome:
    """How differently output and truth look to the feature network."""
    network = subject.network
    return _compare(subject, {"feature_distance": network.distance}, network=network.title)


def distributions(subject: Subject) -> Outcome:
    """FID and KID of windows of outputs and of true pictures. The floor is windows of training targets."""
    network = subject.network
    figures, floors, details = {}, {}, {"network": network.title, "window": WINDOW}
    for direction in subject.recipe.directions:
        held, ending = Held(subject, direction), "" if direction == "a_to_b" else "_back"
        real, made, untouched, learned = (
            network.read(in_windows(pictures))
            for pictures in (held.truth, held.made, held.untouched, centre(held.learned, held.truth))
        )
        figures[f"window_fid{ending}"] = frechet_distance(real, made)
        floors[f"window_fid{ending}"] = frechet_distance(real, learned)
        figures[f"window_kid{ending}"] = kernel_distance(real, made, subject.seed)[0]
        floors[f"window_kid{ending}"] = kernel_distance(real, learned, subject.seed)[0]
        details |= {f"input_window_fid{ending}": frechet_distance(real, untouched), "n": len(real)}
    return Outcome(figures, floors, details)


def cycles(subject: Subject) -> Outcome:
    """How far there and back misses where it started."""
    recipe, figures, n = subject.recipe, {}, 0
    for direction in recipe.directions:
        held = Held(subject, direction)
        back = recipe.translator(subject.networks, "b_to_a" if direction == "a_to_b" else "a_to_b")
        parts = [
            _l1(
                finite(back(as_input(made.to(subject.device))), "the way back's outputs").cpu(),
                as_input(given),
            )
            for made, given in zip(held.made.split(AT_ONCE), held.given.split(AT_ONCE), strict=True)
        ]
        figures["cycle_a" if direction == "a_to_b" else "cycle_b"] = float(torch.cat(parts).mean())
        n = len(held.truth)
    return Outcome(figures, {}, {"n": n})


def in_windows(pictures: Tensor) -> Tensor:
    """uint8 (N, C, H, W) cut into windows of 64 px, (M, 3, 64, 64); smaller pictures are enlarged."""
    pictures = pictures.expand(-1, 3, -1, -1)
    if min(pictures.shape[2:]) < WINDOW:
        return to_pixels(interpolate(as_input(pictures), (WINDOW, WINDOW), mode="bilinear"))
    cut = pictures.unfold(2, WINDOW, WINDOW).unfold(3, WINDOW, WINDOW)  # (N, 3, rows, columns, 64, 64)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, WINDOW, WINDOW)


def centre(pictures: Tensor, like: Tensor) -> Tensor:
    """The middle of ``pictures`` (N, C, H, W), as high and wide as ``like``."""
    height, width = like.shape[2:]
    top, left = (pictures.shape[2] - height) // 2, (pictures.shape[3] - width) // 2
    return pictures[:, :, top : top + height, left : left + width]
