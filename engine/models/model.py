"""A trained GAN at one step: its latents, its codes, its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.data.reading.split import FIRST
from engine.data.source import Source
from engine.game.recipe import Code, Recipe, Shape
from engine.models.assembly import open_source
from engine.options import BadInput
from engine.runs.records import RunConfig

MAX_SEED = 2**53  # JavaScript's integers


@dataclass
class Model:
    """A trained GAN at one step. ``networks`` are in eval mode, on the CPU, without gradients."""

    id: str
    title: str
    config: RunConfig
    recipe: Recipe
    networks: dict[str, nn.Module]
    step: int
    stage: int = 0  # how many of the GAN's stages had been entered after the first

    @property
    def shape(self) -> Shape:
        """What its samples look like."""
        return self.recipe.data

    @property
    def options(self) -> Any:
        return self.recipe.options

    def source(self) -> Source:
        """Its data, without test data that look like what it learned from. Raises ``BadInput`` if they are
        not on this machine.
        """
        split = self.config.get("split", FIRST)
        return open_source(self.config["data"], self.options, "unseen" if split == FIRST else split)

    def code(self, name: str) -> Code:
        """One of its codes. Raises ``BadInput``."""
        for code in self.recipe.codes:
            if code.name == name:
                return code
        names = ", ".join(code.name for code in self.recipe.codes)
        raise BadInput(
            f"{self.title} has no code called {name[:80]!r}.",
            "codes",
            f"Choose one of: {names}." if names else "This model has no codes.",
        )

    def latents(
        self, seeds: Sequence[int], codes: dict[str, Any] | None = None, truncation: float = 1.0
    ) -> Tensor:
        """One latent for each seed: (n, latent_dim). A seed gives the same latent whatever its company.

        ``codes`` overrides what the seed has drawn: a category's number or name, or one number for a
        continuous code. ``truncation`` scales the noise: 1 as trained, less is more typical and less varied.
        Raises ``BadInput``.
        """
        if self.recipe.directions:
            raise BadInput(
                f"{self.title} translates pictures, and draws none from a latent.",
                "model",
                "Give it pictures: python -m engine translate, or the Translate page.",
            )
        rows = []
        for seed in seeds:
            if not 0 <= seed <= MAX_SEED:
                raise BadInput(f"{seed} is not a seed.", "seed", f"Give a whole number from 0 to {MAX_SEED}.")
            rows.append(self.recipe.draw_latent(1, torch.Generator().manual_seed(seed)))
        latents = torch.cat(rows) if rows else torch.zeros(0, self.recipe.latent_dim)
        latents[:, : self.recipe.noise_dim] *= truncation
        for name, value in (codes or {}).items():
            code = self.code(name)
            latents[:, code.start : code.start + code.size] = code_values(code, value)
        return latents

    @torch.no_grad()
    def generate(self, latents: Tensor) -> Tensor:
        """Samples (n, 2) or (n, C, H, W) for ``latents`` (n, latent_dim), each the same in any company.

        Each is drawn by itself: sums are taken in another order for another size of batch, and nothing is
        quicker for the one picture that follows a finger.
        """
        with one_thread():
            samples = [self.recipe.generate(self.networks, latent).float() for latent in latents.split(1)]
        return torch.cat(samples) if samples else torch.zeros(0, *self.shape.shape)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch: sums are taken in one order, whatever the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def code_values(code: Code, value: Any) -> Tensor:
    """What ``code``'s columns (size,) hold for ``value``. Raises ``BadInput``."""
    if code.kind == "categorical":
        if isinstance(value, str) and value in code.labels:
            value = code.labels.index(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < code.size:
            raise BadInput(
                f"{code.name} has no value {str(value)[:80]!r}.",
                "codes",
                f"Give a number from 0 to {code.size - 1}.",
            )
        return nn.functional.one_hot(torch.tensor(value), code.size).float()  # (size,)
    numbers = value if isinstance(value, list) else [value] * code.size
    finite = all(isinstance(number, int | float) and abs(number) <= 100 for number in numbers)
    if len(numbers) != code.size or not finite or any(isinstance(number, bool) for number in numbers):
        raise BadInput(f"{code.name} takes {code.size} number(s) from -100 to 100.", "codes", "Try -2 to 2.")
    return torch.tensor(numbers, dtype=torch.float32)  # (size,)
