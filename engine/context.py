"""What a phase's loss sees: networks, fresh batches, seeded draws, and the iteration's generated batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from engine.data.stream import Stream
from engine.gans.base import Recipe, Statistics
from engine.objectives import OBJECTIVES, Objective
from engine.stabilisers import STABILISERS, Stabiliser

RANDOM_STREAMS = ("data", "z", "noise", "display")


def random_streams(seed: int, device: torch.device) -> dict[str, torch.Generator]:
    """One generator for each purpose, so that drawing more of one (say, noise) leaves the others where they
    were.
    """
    streams = {}
    for number, name in enumerate(RANDOM_STREAMS):
        streams[name] = torch.Generator("cpu" if name == "display" else device)
        streams[name].manual_seed(seed * 1_000_003 + number)
    return streams


class Context:
    """The state of play, handed to every loss and stabiliser.

    ``step`` counts finished iterations. ``sampling`` says whether this iteration's optional statistics will
    be read: a loss may skip what only a chart needs when they will not.
    """

    def __init__(
        self,
        recipe: Recipe,
        networks: dict[str, nn.Module],
        averages: dict[str, nn.Module],
        streams: dict[str, Stream],
        random: dict[str, torch.Generator],
        device: torch.device,
    ) -> None:
        self.recipe, self.networks, self.averages = recipe, networks, averages
        self.streams, self.random, self.device = streams, random, device
        self.step = 0
        self.sampling = True
        self._keeps_graph = True
        self._fake: Tensor | None = None
        self._batch: tuple[Tensor, Tensor | None] | None = None
        self._trainable: tuple[str, ...] | None = None
        # walking the modules at every turn would cost a tenth of a small step
        self.weights = {name: list(network.parameters()) for name, network in networks.items()}
        # concatenating real and fake makes one pass of two, but batch norm must see them apart
        self._judges_together = not any(
            isinstance(part, nn.BatchNorm2d) for part in networks["discriminator"].modules()
        )
        self.refresh(recipe.options)

    def refresh(self, options: Any) -> None:
        """Take over new values of the options."""
        self.options = self.recipe.options = options
        self.objective: Objective = OBJECTIVES[options.objective]
        self.active: list[Stabiliser] = [piece for piece in STABILISERS.values() if piece.is_on(options)]
        self.real_target = min((piece.target(options) for piece in self.active), default=1.0)

    # turns
    def begin_turn(self, networks: tuple[str, ...], keeps_graph: bool) -> None:
        """A phase's repeat begins: fresh batches, and only ``networks`` require gradients.

        ``keeps_graph`` says that a later phase of this iteration steps the generator and reuses the batch
        generated now.
        """
        self._batch = None
        self._keeps_graph = keeps_graph
        self.freeze_all_but(networks)

    def freeze_all_but(self, networks: tuple[str, ...]) -> None:
        """Let only ``networks`` collect gradients."""
        if self._trainable == networks:
            return
        self._trainable = networks
        for name in self.networks:
            self._require_gradients(name, name in networks)

    def _require_gradients(self, network: str, wanted: bool) -> None:
        for weight in self.weights[network]:
            weight.requires_grad = wanted

    def forget_fake(self) -> None:
        """The generated batch is void: the generator has stepped, or an iteration or repeat begins."""
        self._fake = None

    # data and draws
    def real(self) -> Tensor:
        """This turn's real batch, (N, 2) or (N, C, H, W)."""
        return self.labelled()[0]

    def labelled(self) -> tuple[Tensor, Tensor | None]:
        """This turn's real batch and its labels (N,), if the data have labels."""
        if self._batch is None:
            self._batch = self.streams["real"].next()
        return self._batch

    def latent(self, n: int) -> Tensor:
        """Fresh z for training, (n, latent_dim), from N(0, 1)."""
        return torch.randn(n, self.recipe.latent_dim, device=self.device, generator=self.random["z"])

    def fake(self) -> Tensor:
        """The iteration's generated batch, made once. D detaches it, G reuses its graph."""
        if self._fake is None:
            generator = self.networks["generator"]
            z = self.latent(self.options.batch_size)
            if self._keeps_graph:
                self._require_gradients("generator", True)
                self._fake = self.recipe.generate(generator, z)
                self._require_gradients(
                    "generator", self._trainable is None or "generator" in self._trainable
                )
            else:
                with torch.no_grad():
                    self._fake = self.recipe.generate(generator, z)
        return self._fake

    def uniform(self, n: int) -> Tensor:
        """(n,) from U(0, 1), out of the noise stream."""
        return torch.rand(n, device=self.device, generator=self.random["noise"])

    def normal_like(self, x: Tensor) -> Tensor:
        """N(0, 1) in the shape of ``x``, out of the noise stream."""
        return torch.randn(x.shape, device=self.device, generator=self.random["noise"])

    # judging
    def judge_raw(self, x: Tensor) -> Tensor:
        """D's logits (N,) for ``x`` exactly as it is."""
        return self.networks["discriminator"](x)

    def judge(self, x: Tensor) -> Tensor:
        """D's logits (N,) for ``x`` as the stabilisers let D see it."""
        for piece in self.active:
            x = piece.inputs(self, x)
        return self.judge_raw(x)

    def judge_both(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits for a real and a generated batch, in one pass unless D has batch norm."""
        if not self._judges_together:
            return self.judge(real), self.judge(fake)
        return self.judge(torch.cat([real, fake])).split([len(real), len(fake)])  # type: ignore[return-value]

    def judgement(self, real_logits: Tensor, fake_logits: Tensor) -> Statistics:
        """D's scores and accuracy on a batch, or nothing when nobody will read them."""
        if not self.sampling:
            return {}
        with torch.no_grad():
            return {
                "d_real": self.objective.score(real_logits).mean(),
                "d_fake": self.objective.score(fake_logits).mean(),
                "d_logit_gap": real_logits.mean() - fake_logits.mean(),
                "d_accuracy": self.objective.accuracy(real_logits, fake_logits),
            }

    def penalties(self, real: Tensor, fake: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The penalties that are on, as (name of the switch, scalar)."""
        for piece in self.active:
            penalty = piece.penalty(self, real, fake)
            if penalty is not None:
                yield f"penalty_{piece.switch}", penalty
