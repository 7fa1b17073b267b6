"""Who moves when: the turns that a GAN declares and the trainer walks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from engine.game.context import Context, Statistics

Direction = Literal["a_to_b", "b_to_a"]
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


@dataclass(frozen=True)
class Stage:
    """A stretch of training: which phases run, for how many iterations (``None``: until the end)."""

    name: str
    phases: tuple[Phase, ...]
    steps: int | None = None


Part = Literal["discriminator", "game"]  # D learns; G plays against it
