"""Who moves when: the turns that a GAN declares and the trainer walks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from engine.game.context import Context, Statistics

Direction = Literal["a_to_b", "b_to_a"]
PLAYERS = {"discriminator": "d", "generator": "g"}  # as charts call them
Loss = Callable[[Context], tuple[Tensor | dict[str, Tensor], Statistics]]


@dataclass(frozen=True)
class Phase:
    """One player's turn: ``loss(ctx)`` is minimised over ``networks``, which may name parts of networks, such
    as "discriminator.trunk".

    Where several players take one turn, the loss may be one for each: ``{"discriminator": ..., "generator":
    ...}``, each minimised over its own weights alone; ``ctx.gradients`` lets one see another's gradient. It
    runs at iterations divisible by ``every``, ``repeat`` times in a row, each time with a fresh batch of
    every stream.
    """

    name: str
    networks: tuple[str, ...]
    loss: Loss
    every: int = 1
    repeat: int = 1

    @property
    def gradients(self) -> dict[str, tuple[str, ...]]:
        """The networks whose gradients' norm is recorded, by the name of that statistic.

        ``d_grad`` is of discriminators, ``g_grad`` of generators, where they play; beside them another
        network has one of its own, such as ``encoder_grad``. Networks of several kinds that learn together
        outside the game, as those that reconstruct, have one in common, called after the phase.
        """
        kinds = {name: PLAYERS.get(network_of(name).partition("_")[0], name) for name in self.networks}
        if len(set(kinds.values())) > 1 and self.name not in PLAYERS:
            return {f"{self.name}_grad": self.networks}
        found: dict[str, tuple[str, ...]] = {}
        for name, kind in kinds.items():
            found[f"{kind}_grad"] = (*found.get(f"{kind}_grad", ()), name)
        return found


def network_of(name: str) -> str:
    """The network that a phase's ``name`` is, or is a part of."""
    return name.partition(".")[0]


@dataclass(frozen=True)
class Stage:
    """A stretch of training: which phases run, for how many iterations (``None``: until the end).

    ``build(networks)`` is called before it begins, to grow networks in place or to put fresh ones among them.
    It is called again, in the order of the stages, wherever a checkpoint or a model of a later stage is
    opened, before its weights are loaded: what it builds must follow from the options alone. What stabilisers
    put into networks it has to keep; they change what it adds. ``enter(ctx)`` is called once, after that: to
    weigh the data anew, to begin a memory. ``options`` are values of live options while it lasts.
    """

    name: str
    phases: tuple[Phase, ...]
    steps: int | None = None
    build: Callable[[dict[str, nn.Module]], None] | None = None
    enter: Callable[[Context], None] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def stage_at(stages: Sequence[Stage], step: int) -> int:
    """The number of the stage that ``step`` falls into."""
    begin = 0
    for number, stage in enumerate(stages):
        if stage.steps is None or step < begin + stage.steps:
            return number
        begin += stage.steps
    return len(stages) - 1


Part = Literal["discriminator", "game"]  # D learns; G plays against it
