"""What is recorded of training: each turn, who stepped in it and in which phase, and its statistics."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from engine.game.phases import Phase


class Observer(Protocol):
    """Whoever follows turns as they are played: around the loss, once it is computed, once it has been
    differentiated, and once the phase's networks have stepped. It changes nothing.
    """

    def watching(self, phase: Phase) -> AbstractContextManager[None]: ...
    def computed(
        self, phase: Phase, loss: Tensor | dict[str, Tensor], statistics: dict[str, Tensor]
    ) -> None: ...
    def learned(self, phase: Phase) -> None: ...
    def stepped(self, phase: Phase) -> None: ...


class Turn(NamedTuple):
    """One update of ``networks`` in ``phase``, at ``step`` (the first is 1).

    ``statistics`` and the norms of ``gradients``, scalars on the device, were computed before the update.
    ``at_once`` says that all updates of its step were made together, after the last of its turns.
    """

    step: int
    phase: str
    networks: tuple[str, ...]
    at_once: bool
    statistics: dict[str, Tensor]
    gradients: dict[str, Tensor]


class Divergence(NamedTuple):
    """Where training broke: ``networks`` were updated at ``step``, and with the weights that this left
    ``statistic`` was no finite number.
    """

    step: int
    networks: tuple[str, ...]
    statistic: str


class Trail:
    """The turns since the last report. Their statistics stay on the device until they are read, all at
    once.
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._earlier: list[Turn] = []  # those of the last step that has been read, without statistics

    def read(self, clear: bool = True) -> tuple[dict[str, float], Divergence | None]:
        """The mean of each statistic since the last report, in one read back, and where it broke if it did.

        With ``clear=False`` the newest value of each, and the means go on gathering.
        """
        if not self.turns:
            return {}, None
        values = iter(self._values().tolist())
        sums: dict[str, list[float]] = {}
        broken = None
        for number, turn in enumerate(self.turns):
            for name in (*turn.statistics, *turn.gradients):
                value = next(values)
                sums.setdefault(name, []).append(value)
                if broken is None and not math.isfinite(value):
                    broken = self._broken(number, name)
        if clear:
            last = self.turns[-1].step
            self._earlier = [_bare(turn) for turn in self.turns if turn.step == last]
            self.turns.clear()
            return {name: sum(items) / len(items) for name, items in sums.items()}, broken
        return {name: items[-1] for name, items in sums.items()}, broken

    def _values(self) -> Tensor:
        parts = [part for turn in self.turns for part in (turn.statistics, turn.gradients)]
        return torch.stack([value for part in parts for value in part.values()])

    def _broken(self, number: int, statistic: str) -> Divergence:
        """A gradient breaks the update that is made along it; a loss was broken by the update before."""
        turn = self.turns[number]
        before = [*self._earlier, *self.turns[:number]]
        if turn.at_once:
            before = [other for other in before if other.step != turn.step]
        if statistic in turn.gradients or not before:
            return Divergence(turn.step, turn.networks, statistic)
        last = before[-1]
        together = [other for other in before if other.at_once and other.step == last.step] or [last]
        networks = dict.fromkeys(name for other in together for name in other.networks)
        return Divergence(last.step, tuple(networks), statistic)

    def state(self) -> dict[str, Any]:
        """For a checkpoint: plain data, and the values as one tensor."""
        return {
            "trail": [_described(turn) for turn in self.turns],
            "trail_earlier": [_described(turn) for turn in self._earlier],
            "trail_values": self._values().cpu() if self.turns else torch.zeros(0),
        }

    def load_state(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on from what ``state()`` gave, or from the trail of an older checkpoint."""
        values = iter(state["trail_values"].to(device))
        described = state["trail"]
        if described and isinstance(described[0], list):
            described = _grouped(described)
        self.turns = [_read(turn, values) for turn in described]
        self._earlier = [_read(turn, values) for turn in state.get("trail_earlier", [])]


def _bare(turn: Turn) -> Turn:
    return turn._replace(statistics={}, gradients={})


def _described(turn: Turn) -> dict[str, Any]:
    return {
        **turn._asdict(),
        "networks": list(turn.networks),
        "statistics": list(turn.statistics),
        "gradients": list(turn.gradients),
    }


def _read(described: dict[str, Any], values: Any) -> Turn:
    parts = {part: {name: next(values) for name in described[part]} for part in ("statistics", "gradients")}
    return Turn(**{**described, **parts, "networks": tuple(described["networks"])})


def _grouped(entries: list[list[Any]]) -> list[dict[str, Any]]:
    """The turns in an older checkpoint's trail: ``[finished steps, network, statistic]`` for each value."""
    turns: list[dict[str, Any]] = []
    for finished, network, name in entries:
        last = turns[-1] if turns else None
        known = last and (last["step"], last["phase"]) == (finished + 1, network)
        if not known or last is None or name in (*last["statistics"], *last["gradients"]):
            turns.append(
                {
                    "step": finished + 1,
                    "phase": network,
                    "networks": [network],
                    "at_once": False,
                    "statistics": [],
                    "gradients": [],
                }
            )
        turns[-1]["gradients" if name.endswith("_grad") else "statistics"].append(name)
    return turns
