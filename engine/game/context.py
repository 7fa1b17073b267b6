"""What a phase's loss sees: networks, fresh batches, seeded draws, and the iteration's generated batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from engine.data.stream import AnyStream
from engine.objectives import OBJECTIVES, Objective

Statistics = dict[str, Tensor]
Judge = Callable[[Tensor], Tensor]

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


class Game(Protocol):
    """What the state of play asks of a GAN (``engine.game.recipe.Recipe``)."""

    judges: ClassVar[tuple[str, ...]]
    generators: ClassVar[tuple[str, ...]]
    options: Any

    def draw_latent(self, n: int, generator: torch.Generator) -> Tensor: ...
    def latents(self, ctx: Context) -> Tensor: ...
    def generate(self, networks: dict[str, nn.Module], z: Tensor) -> Tensor: ...
    def observe(self, ctx: Context, name: str, average: nn.Module) -> None: ...


class Hooks(Protocol):
    """What the state of play asks of a stabiliser (``engine.stabilisers.base.Stabiliser``)."""

    switch: ClassVar[str]
    is_lazy: ClassVar[bool]
    judges_fake: ClassVar[bool]

    def is_on(self, options: Any) -> bool: ...
    def inputs(self, ctx: Context, x: Tensor) -> Tensor: ...
    def target(self, options: Any) -> float: ...
    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor | None: ...
    def recorded(self, ctx: Context) -> dict[str, Tensor]: ...
    def generator_term(self, ctx: Context, fake: Tensor) -> Tensor | None: ...
    def replaces_objective(self, options: Any) -> bool: ...
    def after_step(self, ctx: Context, networks: Sequence[str]) -> None: ...


class Witness(Protocol):
    """Whoever wants to know what a turn is made of (``engine.training.tracing.Trace``)."""

    def drew(self, latent: Tensor) -> None: ...
    def came(self, stream: str, batch: tuple[Tensor, Tensor | None]) -> None: ...


class Context:
    """The state of play, handed to every loss and stabiliser.

    ``step`` counts finished iterations. ``sampling`` says whether this iteration's optional statistics will
    be read: a loss may skip what only a chart needs when they will not. ``memory`` holds whatever tensors a
    GAN or a stabiliser must keep from step to step; it is part of the checkpoint. ``carried`` is what one
    turn leaves for the next ones of its iteration. ``optimizers`` are for reading. ``observers`` are the
    averaged networks that gather statistics of batch norm by themselves. ``witness`` is told of every draw
    while a turn is followed.
    """

    def __init__(
        self,
        recipe: Game,
        networks: dict[str, nn.Module],
        averages: dict[str, nn.Module],
        streams: dict[str, AnyStream],
        random: dict[str, torch.Generator],
        device: torch.device,
        stabilisers: Sequence[Hooks] = (),
        observers: Sequence[str] = (),
    ) -> None:
        self.recipe, self.networks, self.averages = recipe, networks, averages
        self.streams, self.random, self.device = streams, random, device
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.memory: dict[str, Tensor] = {}
        self.witness: Witness | None = None
        self.step = 0
        self.sampling = True
        self._keeps_graph = True
        self.carried: dict[str, Tensor] = {}
        self._fake: Tensor | None = None
        self._latent: Tensor | None = None
        self._held: dict[str, tuple[Tensor, Tensor | None]] = {}
        self._batches: dict[str, tuple[Tensor, Tensor | None]] = {}
        self.stabilisers, self.observers = stabilisers, observers
        self.adopt()
        self.refresh(recipe.options)

    def adopt(self) -> None:
        """Take over the networks as they are: when they are new, and after a stage has changed them."""
        # walking the modules at every turn would cost a tenth of a small step
        self.weights = {name: list(network.parameters()) for name, network in self.networks.items()}
        self._parts: dict[str, list[nn.Parameter]] = {}
        self._trainable: tuple[str, ...] | None = None
        # concatenating real and fake makes one pass of two, but batch norm must see them apart
        judges = [self.networks[name] for name in self.recipe.judges if name in self.networks]
        self._judges_together = not any(map(mixes_batch, judges))

    def weights_of(self, name: str) -> list[nn.Parameter]:
        """The weights of a network, or of a part of one such as "discriminator.trunk"."""
        if name in self.weights:
            return self.weights[name]
        if name not in self._parts:
            network, _, part = name.partition(".")
            self._parts[name] = list(self.networks[network].get_submodule(part).parameters())
        return self._parts[name]

    def refresh(self, options: Any) -> None:
        """Take over new values of the options."""
        self.options = self.recipe.options = options
        self.objective: Objective = OBJECTIVES[options.objective].of(options)
        self.active = [piece for piece in self.stabilisers if piece.is_on(options)]
        self.real_target = min((piece.target(options) for piece in self.active), default=1.0)

    # turns
    def begin_turn(self, networks: tuple[str, ...], keeps_graph: bool) -> None:
        """A phase's repeat begins: fresh batches, and only ``networks`` require gradients.

        ``keeps_graph`` says that a later phase of this iteration steps the generator and reuses the batch
        generated now.
        """
        self._batches = {}
        self._keeps_graph = keeps_graph
        self.freeze_all_but(networks)

    def freeze_all_but(self, networks: tuple[str, ...]) -> None:
        """Let only ``networks`` collect gradients."""
        if self._trainable == networks:
            return
        self._trainable = networks
        for name in self.networks:
            if name not in networks:
                self._require_gradients(name, False)
        for name in networks:
            self._require_gradients(name, True)

    def _require_gradients(self, name: str, wanted: bool) -> None:
        for weight in self.weights_of(name):
            weight.requires_grad = wanted

    def gradients(self, loss: Tensor, *networks: str) -> list[Tensor]:
        """The gradient of ``loss`` by the weights of these networks, which are among the phase's, in order;
        it can be differentiated again. Zeros where ``loss`` does not depend on a weight.
        """
        weights = [weight for name in networks for weight in self.weights_of(name)]
        return list(torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True))

    def forget_fake(self) -> None:
        """The generated batch is void: the generator has stepped, or an iteration or repeat begins."""
        self._fake = self._latent = None
        self._held = {}

    # data and draws
    def real(self) -> Tensor:
        """This turn's real batch, (N, 2) or (N, C, H, W)."""
        return self.batch()[0]

    def batch(self, stream: str = "real") -> tuple[Tensor, Tensor | None]:
        """This turn's batch of a stream and its labels (N,), if the data have labels."""
        if stream not in self._batches:
            self._batches[stream] = self._next(stream)
        return self._batches[stream]

    def held(self, stream: str) -> tuple[Tensor, Tensor | None]:
        """A batch of a stream that stays the same for as long as the generated one, which is made of it."""
        if stream not in self._held:
            self._held[stream] = self._next(stream)
        return self._held[stream]

    def _next(self, stream: str) -> tuple[Tensor, Tensor | None]:
        batch = self.streams[stream].next()
        if self.witness is not None:
            self.witness.came(stream, batch)
        return batch

    def draw_latent(self, n: int) -> Tensor:
        """Fresh latents for training, (n, latent_dim), from the GAN's prior."""
        latent = self.recipe.draw_latent(n, self.random["z"])
        if self.witness is not None:
            self.witness.drew(latent)
        return latent

    def latents(self) -> Tensor:
        """The latents (N, latent_dim) of the iteration's generated batch, or pictures to translate."""
        if self._latent is None:
            self._latent = self.recipe.latents(self)
        return self._latent

    def fake(self) -> Tensor:
        """The iteration's generated batch, made once. D detaches it, G reuses its graph."""
        if self._fake is None:
            latent = self.latents()
            if self._keeps_graph:
                also = [name for name in self.recipe.generators if name not in (self._trainable or ())]
                for name in also:
                    self._require_gradients(name, True)
                self._fake = self.recipe.generate(self.networks, latent)
                self._freeze_again(also)
            else:
                with torch.no_grad():
                    self._fake = self.recipe.generate(self.networks, latent)
        return self._fake

    def _freeze_again(self, networks: Sequence[str]) -> None:
        """What required gradients only while it made a sample; what it shares with those who move stays."""
        if self._trainable is None or not networks:
            return
        for name in networks:
            self._require_gradients(name, False)
        for name in self._trainable:
            self._require_gradients(name, True)

    def uniform(self, n: int) -> Tensor:
        """(n,) from U(0, 1), out of the noise stream."""
        return torch.rand(n, device=self.device, generator=self.random["noise"])

    def normal_like(self, x: Tensor) -> Tensor:
        """N(0, 1) in the shape of ``x``, out of the noise stream."""
        return torch.randn(x.shape, device=self.device, generator=self.random["noise"])

    # judging
    def judge_raw(self, x: Tensor, *given: Tensor) -> Tensor:
        """D's logits (N,) for ``x`` exactly as it is, beside whatever else this D is given."""
        return self.networks["discriminator"](x, *given)

    def shown(self, x: Tensor) -> Tensor:
        """``x`` as the stabilisers let D see it."""
        for piece in self.active:
            x = piece.inputs(self, x)
        return x

    def judge(self, x: Tensor, *given: Tensor) -> Tensor:
        """D's logits (N,) for ``x`` as the stabilisers let D see it."""
        return self.judge_raw(self.shown(x), *given)

    def judge_both(self, real: Tensor, fake: Tensor, *given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """D's logits for a real and a generated batch, in one pass unless D mixes the samples of a batch.
        ``given`` are pairs of whatever else this D is given beside the one and beside the other.
        """
        if not self._judges_together:
            return self.judge(real, *(a for a, _ in given)), self.judge(fake, *(b for _, b in given))
        both = self.judge(torch.cat([real, fake]), *(torch.cat(pair) for pair in given))
        real_logits, fake_logits = both.split([len(real), len(fake)])
        return real_logits, fake_logits

    def judgement(self, real_logits: Tensor, fake_logits: Tensor) -> Statistics:
        """D's scores and accuracy on a batch, or nothing when nobody will read them."""
        if not self.sampling:
            return {}
        with torch.no_grad():
            return {
                "d_real": self.objective.score(real_logits).mean(),
                "d_fake": self.objective.score(fake_logits).mean(),
                "d_logit_gap": real_logits.mean() - fake_logits.mean(),
                "d_accuracy": self.objective.accuracy(real_logits, fake_logits, self.real_target),
            }

    def with_penalties(
        self,
        loss: Tensor,
        statistics: Statistics,
        real: Tensor,
        fake: Tensor,
        judge: Judge | None = None,
        judge_fake: Judge | None = None,
    ) -> tuple[Tensor, Statistics]:
        """D's ``loss`` with the penalties that are on. ``judge`` is how they ask D about samples beside real
        ones, and ``judge_fake`` about generated ones, for a D that is given more than a sample.
        """
        judge = judge or self.judge_raw
        for piece in self.active:
            every = self.options.penalty_every if piece.is_lazy else 1
            if self.step % every:
                continue
            asks = (judge_fake or judge) if piece.judges_fake else judge
            penalty = piece.penalty(self, real, fake, asks)
            if penalty is not None:
                statistics[f"penalty_{piece.switch}"] = penalty.detach()
                loss = loss + penalty * every
        for piece in self.active:
            statistics |= piece.recorded(self)
        return loss, statistics

    def with_generator_terms(self, loss: Tensor, fake: Tensor) -> tuple[Tensor, Statistics]:
        """G's ``loss`` with what the stabilisers add to it, or have it replaced by."""
        statistics = {"g_loss": loss.detach()}
        if any(piece.replaces_objective(self.options) for piece in self.active):
            loss = torch.zeros_like(loss)
        for piece in self.active:
            term = piece.generator_term(self, fake)
            if term is not None:
                statistics[f"generator_term_{piece.switch}"] = term.detach()
                if piece.replaces_objective(self.options):
                    statistics["g_loss"] = term.detach()  # what G minimises instead
                loss = loss + term
        return loss, statistics


def mixes_batch(network: nn.Module) -> bool:
    """Whether a sample's output depends on the others in its batch while training."""
    return any(
        isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) or getattr(part, "mixes_batch", False)
        for part in network.modules()
    )
