"""The texts of the live socket (``WS /api/live``), server to browser. No torch."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from engine.runs.drawn import Game, Turns
from engine.runs.records import Row, RunConfig, RunEvent, Status, exact


class _Said(TypedDict):
    v: int
    run: str


@exact
class Hello(_Said):
    """The first message of a run. ``snapshots``, ``checkpoints`` and ``weights`` are steps that were kept;
    from those of weights it can be branched.
    """

    type: Literal["hello"]
    config: RunConfig
    status: Status
    snapshots: list[int]
    checkpoints: list[int]
    weights: list[int]


@exact
class Rows(_Said):
    """New rows; where ``thinned``, each stands for so many."""

    type: Literal["rows"]
    rows: list[Row]
    thinned: NotRequired[int]


@exact
class Events(_Said):
    """New events."""

    type: Literal["events"]
    events: list[RunEvent]


@exact
class StatusChanged(_Said):
    """The run's status is another one."""

    type: Literal["status"]
    status: Status


@exact
class Snapshots(_Said):
    """The steps of the frames, checkpoints and weights that are kept."""

    type: Literal["snapshots"]
    steps: list[int]
    checkpoints: list[int]
    weights: list[int]


@exact
class Viewers(_Said):
    """How many sockets watch the run."""

    type: Literal["viewers"]
    viewers: int


@exact
class GameDrawn(_Said):
    """How the game is drawn, once it is known and when it is another one."""

    type: Literal["game"]
    game: Game


@exact
class TurnsPlayed(_Said):
    """The turns that were followed last, for those who follow them."""

    type: Literal["turns"]
    turns: Turns


@exact
class Gone(_Said):
    """The run was deleted."""

    type: Literal["gone"]


@exact
class Trouble(TypedDict):
    """What the socket was sent cannot be used."""

    v: int
    type: Literal["error"]
    error: str
    field: str | None
    remedy: str


Message: TypeAlias = Annotated[
    Hello | Rows | Events | StatusChanged | Snapshots | Viewers | GameDrawn | TurnsPlayed | Gone | Trouble,
    Field(discriminator="type"),
]
