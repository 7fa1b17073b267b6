"""A generator under evaluation: what its measures share is made once, from fixed latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from engine.data.pixels import to_pixels
from engine.data.source import ImageSource, Source
from engine.game.recipe import Networks, Recipe
from engine.metrics.features import BATCH, FeatureNetwork, Progress, as_input
from engine.metrics.finite import finite
from engine.metrics.real import Real, comparable, real_features

USUAL = 5000  # samples
TEST_PER_SAMPLE, TRAIN_PER_SAMPLE = 2, 12  # labelled images: 5,000 samples go with all of MNIST


@dataclass(frozen=True)
class Outcome:
    """What a measure found. ``floors`` are its figures for real data in the samples' place, or what else is
    put beside them, ``spreads`` the standard deviations that chance gives these; ``details`` say how it was
    done.
    """

    figures: dict[str, float]
    floors: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    spreads: dict[str, float] = field(default_factory=dict)


class Subject:
    """``networks`` in eval mode, averages in place, the data that they were trained on, and the network that
    looks at both.

    ``n`` samples are drawn where a measure needs samples, as many as is usual for it where ``n`` is ``None``;
    real data shrink with it. All draws come from a generator of its own: torch's global one stays as it is.
    """

    def __init__(
        self,
        recipe: Recipe,
        networks: Networks,
        source: Source,
        look: Callable[[], FeatureNetwork],
        n: int | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.recipe, self.networks, self.source = recipe, networks, source
        self.n, self.seed, self.progress, self._look = n, seed, progress, look
        self.device = next(networks[recipe.generators[0]].parameters()).device
        self._random = torch.Generator().manual_seed(seed)  # on the CPU: the same latents everywhere
        self._drawn: list[tuple[Tensor, Tensor]] = []  # (latents, samples) by batch

    # samples
    def drawn(self, count: int) -> tuple[Tensor, Tensor]:
        """The first ``count`` latents (N, latent_dim) and their samples: uint8 (N, C, H, W), as a file would
        hold them, or float32 (N, 2). On the CPU. Raises ``BadInput`` if a sample is no finite number.
        """
        while len(self._drawn) * BATCH < count:
            self.say("drawing samples", len(self._drawn) * BATCH, count)
            latent = self.recipe.draw_latent(BATCH, self._random).to(self.device)
            x = self.recipe.generate(self.networks, latent).float()
            finite(x, "the generator's samples")
            self._drawn.append((latent.cpu(), (to_pixels(x) if x.dim() == 4 else x).cpu()))
        parts = self._drawn[: -(-count // BATCH)]
        latents, samples = (torch.cat(part)[:count] for part in zip(*parts, strict=True))
        return latents, samples

    @property
    def size(self) -> int:
        """How many samples are compared with as many real items."""
        return comparable(self.source, self.n or USUAL)

    # features
    @cached_property
    def network(self) -> FeatureNetwork:
        """What looks at real and generated items."""
        return self._look()

    @cached_property
    def fake(self) -> Tensor:
        """Features (size, D) of samples."""
        return self.network.read(self.drawn(self.size)[1], self.progress)

    @cached_property
    def real(self) -> Real:
        """Features of as many real items, twice."""
        return real_features(self.source, self.network, self.n or USUAL, self.progress)

    # real images
    @property
    def images(self) -> ImageSource:
        """Its data, where a measure takes only images."""
        assert isinstance(self.source, ImageSource)
        return self.source

    def training(self) -> tuple[Tensor, Tensor]:
        """Training images uint8 (N, C, H, W) and labels (N,): all, or 12 for each of ``n`` samples."""
        return self._labelled(self.images.images, self.images.labels, TRAIN_PER_SAMPLE)

    def test(self) -> tuple[Tensor, Tensor]:
        """Test images uint8 (N, C, H, W) and labels (N,): all, or 2 for each of ``n`` samples."""
        images = self.images.test_images
        assert images is not None
        return self._labelled(images, self.images.test_labels, TEST_PER_SAMPLE)

    def _labelled(self, images: Tensor, labels: Tensor | None, factor: int) -> tuple[Tensor, Tensor]:
        assert labels is not None
        if self.n is None or self.n * factor >= len(images):
            return images, labels
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: self.n * factor]
        return images[order], labels[order]

    def ask(self, function: Callable[[Networks, Tensor], Tensor], images: Tensor) -> Tensor:
        """What one of the recipe's networks says of ``images`` uint8 (N, C, H, W): float32 (N, K), on the
        CPU.
        """
        parts: list[Tensor] = []
        for start in range(0, len(images), BATCH):
            self.say("asking the networks", start, len(images))
            x: Any = as_input(images[start : start + BATCH].to(self.device))
            parts.append(finite(function(self.networks, x), "the networks' answers").float().cpu())
        return torch.cat(parts)  # (N, K)

    def say(self, what: str, done: int, total: int) -> None:
        """Tell how far the work is: ``done`` of ``total``."""
        if self.progress:
            self.progress(what, done, total)
