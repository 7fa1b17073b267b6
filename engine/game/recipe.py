"""What a GAN declares: networks, data streams, phases and stages. The trainer knows nothing else about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from engine.data import Source
from engine.game.codes import Code
from engine.game.context import Context, Statistics
from engine.game.exhibits import Exhibit, Networks, Show
from engine.game.phases import Direction, Part, Phase, Stage
from engine.objectives import Objective
from engine.options import Options

__all__ = [
    "Code", "Direction", "Exhibit", "Judged", "Networks", "Phase", "Recipe", "Shape", "Show", "Stage",
    "Statistics", "TwoPlayers",
]  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What the data look like, as far as networks care. ``shape`` is (2,) for points, (C, H, W) for pictures
    in [-1, 1]; ``names`` are those of the ``classes``, if there are any. Where pictures are translated,
    ``shape`` is that of what is made and ``given`` that of what it is made of.
    """

    kind: str
    shape: tuple[int, ...]
    classes: int = 0
    names: tuple[str, ...] = ()
    given: tuple[int, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What D tells apart, as charts name it: its answer to what counts as ``real`` and to what counts as
    ``fake``, in formulas and in words; ``alone`` is its answer to a sample by itself, where that is not
    ``real``, and ``player`` who deceives it.
    """

    real: str = "D(x)"
    fake: str = "D(G(z))"
    real_kind: str = "real data"
    fake_kind: str = "generated data"
    tags: tuple[str, str] = ("real", "gen.")  # at the ends of lines
    alone: str = ""
    player: str = "G"


class Recipe(ABC):
    """A GAN. Subclasses declare; they never loop, log or step.

    ``kinds`` are the data it takes; ``Options`` its knobs. ``options`` holds all knobs of the run, read anew
    at every use, since live ones change while it trains.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    paper: ClassVar[str]
    deviations: ClassVar[tuple[str, ...]] = ()  # from the paper or its authors' code, each a sentence
    kinds: ClassVar[tuple[str, ...]] = ("points", "images")
    needs_labels: ClassVar[bool] = False
    has_encoder: ClassVar[bool] = False
    judges_samples: ClassVar[bool] = True  # whether D looks at samples: then G can collapse
    judged: ClassVar[Judged] = Judged()
    at_rest: ClassVar[str] = ""  # what to know of its losses at equilibrium, a sentence
    watch: ClassVar[str] = ""  # what to watch while it trains, where its kind of data says it wrong
    has_classifier: ClassVar[bool] = False
    reads_codes: ClassVar[bool] = False
    measured: ClassVar[
        tuple[str, ...]
    ] = ()  # more of ``engine.metrics.best``'s measures that its ``figures`` has
    averaged: ClassVar[tuple[str, ...]] = ("generator",)  # what EMA keeps averages of
    observed: ClassVar[tuple[str, ...]] = ("generator", "encoder")  # of these, what ``observe`` knows
    discriminators: ClassVar[tuple[str, ...]] = ("discriminator",)  # these learn at D's rate, others at G's
    judges: ClassVar[tuple[str, ...]] = ("discriminator",)  # what bounds on D's slope are for
    has_features: ClassVar[bool] = True  # whether D's features are those of a sample
    generators: ClassVar[tuple[str, ...]] = ("generator",)  # the networks that a sample passes through
    directions: ClassVar[tuple[Direction, ...]] = ()  # in which it translates pictures, if it does
    min_batch_size: ClassVar[int] = 2  # samples in a batch
    disables: ClassVar[dict[str, tuple[Part, ...]]] = {}  # what takes no part where an option is not default
    adversarial_options: ClassVar[tuple[str, ...]] = ()  # own knobs that do nothing without the game
    Options: ClassVar[type[Options]] = Options
    defaults: ClassVar[dict[str, dict[str, Any]]] = {}  # other defaults for shared options, by kind of data
    idle: ClassVar[dict[str, tuple[str, ...]]] = {}  # own knobs without effect, by kind of data

    def __init__(self, options: Any, data: Shape) -> None:
        self.options, self.data = options, data

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """Fresh networks by name, on the CPU: the ``generators`` and the ``judges`` among them.

        Networks may share parts: a weight that several hold is stepped once, in a phase that names one of
        them.
        """

    @abstractmethod
    def stages(self) -> list[Stage]:
        """What is trained when. Called again whenever a live option has changed."""

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        """Raise ``BadInput`` for options that make no sense together or for ``data``."""

    # the latent: one tensor (N, latent_dim) = [noise | codes in order], passed around whole
    @property
    def noise_dim(self) -> int:
        """How many numbers of the latent mean nothing by themselves."""
        return self.options.latent_dim

    @property
    def codes(self) -> tuple[Code, ...]:
        """The parts of the latent that mean something; they follow the noise."""
        return ()

    @property
    def latent_dim(self) -> int:
        """Length of the latent."""
        return self.noise_dim + sum(code.size for code in self.codes)

    def draw_latent(self, n: int, generator: torch.Generator) -> Tensor:
        """(n, latent_dim) on the generator's device: noise from N(0, 1), each code from its own prior."""
        noise = torch.randn(n, self.noise_dim, device=generator.device, generator=generator)
        codes = [code.draw(n, generator) for code in self.codes]
        return torch.cat([noise, *codes], 1) if codes else noise

    def latents(self, ctx: Context) -> Tensor:
        """What an iteration's generated batch is made of: fresh latents, or pictures to translate."""
        return ctx.draw_latent(ctx.options.batch_size)

    def generate(self, networks: Networks, z: Tensor) -> Tensor:
        """Samples for latents (N, latent_dim): (N, 2) or (N, C, H, W). ``networks`` are at least the
        ``generators``: stages one after the other, a mixture's components, an encoder and a painter.
        """
        return networks["generator"](z)

    def observe(self, ctx: Context, name: str, average: nn.Module) -> None:
        """Run the average of an ``observed`` network on what this turn ran the newest one on."""
        if name in self.generators:
            self.generate({**ctx.networks, name: average}, ctx.latents())
        elif name == "encoder":
            average(ctx.real())
        else:
            self.classify({name: average}, ctx.real())

    # what its networks know, for pictures, evaluation and exploring
    def logits(self, networks: Networks, x: Tensor) -> Tensor:
        """D's verdict (N,) on ``x`` alone, as it is."""
        return networks["discriminator"](x)

    def encode(self, networks: Networks, x: Tensor) -> Tensor:
        """Latents (N, latent_dim) of ``x``. Only where ``has_encoder``."""
        raise NotImplementedError

    def classify(self, networks: Networks, x: Tensor) -> Tensor:
        """Class logits (N, K) of ``x``. Only where ``has_classifier``."""
        raise NotImplementedError

    def translator(self, networks: Networks, direction: Direction) -> nn.Module:
        """The network that translates (N, C, H, W) in one of ``directions``."""
        raise NotImplementedError

    def patches(self, networks: Networks, direction: Direction, x: Tensor, y: Tensor) -> Tensor:
        """D's logits (N, 1, H', W') for each patch of ``y``, into which ``x`` was translated."""
        raise NotImplementedError

    def read_codes(self, networks: Networks, x: Tensor) -> Tensor:
        """Logits (N, size) of the first categorical code that ``x`` shows. Only where ``reads_codes``."""
        raise NotImplementedError

    def exhibits(self, show: Show) -> list[Exhibit]:
        """What is special about this GAN, drawn beside the samples while it trains."""
        return []

    def figures(self, networks: Networks, source: Source) -> dict[str, float]:
        """Numbers of its own, measured on data every ``measure_every`` steps."""
        return {}

    def equilibrium(self, objective: Objective) -> dict[str, float]:
        """What ``d_loss``, ``g_loss``, ``d_real`` and ``d_fake`` come to where D cannot tell and G cannot do
        better, without stabilisers; what is not known is left out.
        """
        return dict(objective.equilibrium or {})

    # data
    def subsets(self, source: Source, seed: int) -> dict[str, Tensor | None]:
        """The data streams by name, each with the numbers of the images in it (``None``: all)."""
        return {"real": None}


class TwoPlayers(Recipe):
    """The game of most GANs: D tells real from fake, ``critic_steps`` times an iteration, then G answers."""

    critics: ClassVar[tuple[str, ...]] = ("discriminator",)  # what learns in D's turn; D itself last

    def stages(self) -> list[Stage]:
        critic = Phase(
            "discriminator", self.critics, self.discriminator_loss, repeat=self.options.critic_steps
        )
        generator = Phase("generator", ("generator",), self.generator_loss)
        play = Stage("play", (critic, generator))
        if not self.options.pretrain_discriminator:
            return [play]
        alone = Phase("discriminator", self.critics, self.discriminator_loss)
        return [Stage("discriminator alone", (alone,), steps=self.options.pretrain_discriminator), play]

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """D's objective on a real and a generated batch, plus whatever the stabilisers add."""
        real, fake = ctx.real(), ctx.fake().detach()
        real_logits, fake_logits = ctx.judge_both(real, fake)
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        return ctx.with_penalties(loss, statistics, real, fake)

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """G's objective on the batch that D has just seen, through D as it is now."""
        fake = ctx.fake()
        fake_logits = ctx.judge(fake)
        real_logits = ctx.judge(ctx.real()) if ctx.objective.needs_real else fake_logits
        return ctx.with_generator_terms(ctx.objective.generator_loss(real_logits, fake_logits), fake)
