"""What a run shows of itself: its networks in eval mode, without gradients, with their averages in place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.data import Source
from engine.game.exhibits import Networks
from engine.game.recipe import Recipe
from engine.objectives import OBJECTIVES, Objective


@dataclass(frozen=True)
class Shown:
    """What the pictures of a run are made of: the recipe, its data, and ``newest`` networks with the
    ``averages`` of some of them. All are those of the run itself, so what is shown is their present state.
    """

    recipe: Recipe
    source: Source
    newest: Networks
    averages: Networks
    device: torch.device
    seed: int

    @property
    def networks(self) -> Networks:
        """All networks, with their averages in place where there are any."""
        return {**self.newest, **self.averages}

    @property
    def generators(self) -> Networks:
        """What makes a sample: the averages where there are any, otherwise the networks themselves."""
        networks = self.networks
        return {name: networks[name] for name in self.recipe.generators}

    @property
    def objective(self) -> Objective:
        """The objective under the options that hold now."""
        options = self.recipe.options
        return OBJECTIVES[options.objective].of(options)

    def latents(self, n: int) -> Tensor:
        """(n, latent_dim) from the GAN's prior, the same for every run of one seed."""
        generator = torch.Generator("cpu").manual_seed(self.seed * 1_000_003 + 3)
        return self.recipe.draw_latent(n, generator).to(self.device)


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Networks in eval mode and without gradients: running statistics stay as they are."""
    was = [network.training for network in networks]
    for network in networks:
        network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for network, training in zip(networks, was, strict=True):
            network.train(training)
