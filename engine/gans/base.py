"""What a GAN declares: networks, data streams, phases and stages. The trainer knows nothing else about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from engine.options import Options

if TYPE_CHECKING:
    from engine.context import Context

Statistics = dict[str, Tensor]
Loss = Callable[["Context"], tuple[Tensor, Statistics]]


@dataclass(frozen=True)
class Phase:
    """One player's turn: ``loss(ctx)`` is minimised over ``networks``.

    It runs at iterations divisible by ``every``, ``repeat`` times in a row, each time with a fresh batch of
    every stream.
    """

    name: str
    networks: tuple[str, ...]
    loss: Loss
    every: int = 1
    repeat: int = 1


@dataclass(frozen=True)
class Stage:
    """A stretch of training: which phases run, for how many iterations (``None``: until the end)."""

    name: str
    phases: tuple[Phase, ...]
    steps: int | None = None


@dataclass(frozen=True)
class Shape:
    """What the data look like, as far as networks care. ``shape`` is (2,) for points, (C, H, W) for pictures
    in [-1, 1].
    """

    kind: str
    shape: tuple[int, ...]
    classes: int = 0


class Recipe(ABC):
    """A GAN. Subclasses declare; they never loop, log or step.

    ``kinds`` are the data it takes; ``Options`` its knobs. ``options`` holds all knobs of the run, read anew
    at every use, since live ones change while it trains.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    paper: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ("points", "images")
    needs_labels: ClassVar[bool] = False
    Options: ClassVar[type[Options]] = Options
    defaults: ClassVar[dict[str, dict[str, Any]]] = {}  # other defaults for shared options, by kind of data

    def __init__(self, options: Any, data: Shape) -> None:
        self.options, self.data = options, data

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """Fresh networks by name, on the CPU. Every GAN has a ``generator`` and a ``discriminator``."""

    @abstractmethod
    def stages(self) -> list[Stage]:
        """What is trained when. Called again whenever a live option has changed."""

    @classmethod
    def check(cls, options: Any, data: Shape) -> None:
        """Raise ``BadInput`` for options that make no sense together or for ``data``."""

    @property
    def latent_dim(self) -> int:
        """Length of z, which is drawn from N(0, 1)."""
        return self.options.latent_dim

    def generate(self, generator: nn.Module, z: Tensor) -> Tensor:
        """Samples for latents (N, latent_dim): (N, 2) or (N, C, H, W)."""
        return generator(z)


class TwoPlayers(Recipe):
    """The game of most GANs: D tells real from fake, ``critic_steps`` times an iteration, then G answers."""

    def stages(self) -> list[Stage]:
        critic = Phase(
            "discriminator", ("discriminator",), self.discriminator_loss, repeat=self.options.critic_steps
        )
        generator = Phase("generator", ("generator",), self.generator_loss)
        play = Stage("play", (critic, generator))
        if not self.options.pretrain_discriminator:
            return [play]
        alone = Phase("discriminator", ("discriminator",), self.discriminator_loss)
        return [Stage("discriminator alone", (alone,), steps=self.options.pretrain_discriminator), play]

    def discriminator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """D's objective on a real and a generated batch, plus whatever the stabilisers add."""
        real, fake = ctx.real(), ctx.fake().detach()
        real_logits, fake_logits = ctx.judge_both(real, fake)
        loss = ctx.objective.discriminator_loss(real_logits, fake_logits, ctx.real_target)
        statistics = {"d_loss": loss.detach(), **ctx.judgement(real_logits, fake_logits)}
        for name, penalty in ctx.penalties(real, fake):
            statistics[name] = penalty.detach()
            loss = loss + penalty
        return loss, statistics

    def generator_loss(self, ctx: Context) -> tuple[Tensor, Statistics]:
        """G's objective on the batch that D has just seen, through D as it is now."""
        fake_logits = ctx.judge(ctx.fake())
        loss = ctx.objective.generator_loss(fake_logits, fake_logits)
        return loss, {"g_loss": loss.detach()}
