"""Who moves when: the turns that a GAN declares and the trainer walks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from engine.game.context import Context, Statistics

Direction = Literal["a_to_b", "b_to_a"]
PLAYERS = {"discriminator": "d", "generator": "g"}  # as charts call them
Loss = Callable[[Context], tuple[Tensor, Statistics]]


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

    @property
    def gradients(self) -> dict[str, tuple[str, ...]]:
        """The networks whose gradients' norm is recorded, by the name of that statistic.

        ``d_grad`` is of discriminators, ``g_grad`` of generators, where they play; beside them another
        network has one of its own, such as ``encoder_grad``. Networks of several kinds that learn together
        outside the game, as those that reconstruct, have one in common, called after the phase.
        """
        kinds = {name: PLAYERS.get(name.partition("_")[0], name) for name in self.networks}
        if len(set(kinds.values())) > 1 and self.name not in PLAYERS:
            return {f"{self.name}_grad": self.networks}
        found: dict[str, tuple[str, ...]] = {}
        for name, kind in kinds.items():
            found[f"{kind}_grad"] = (*found.get(f"{kind}_grad", ()), name)
        return found


@dataclass(frozen=True)
class Stage:
    """A stretch of training: which phases run, for how many iterations (``None``: until the end)."""

    name: str
    phases: tuple[Phase, ...]
    steps: int | None = None


Part = Literal["discriminator", "game"]  # D learns; G plays against it
