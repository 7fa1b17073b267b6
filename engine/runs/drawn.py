"""The game of a run as a drawing, and one turn of it in numbers, field by field. No torch."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from engine.runs.records import exact

Player: TypeAlias = Literal["generator", "discriminator", ""]


@exact
class CodeRecord(TypedDict):
    """Where something is written: a file beside or in ``engine/`` with its line, and what stands there."""

    file: str
    line: int
    text: str


@exact
class GameNode(TypedDict):
    """What a batch is made of (``latent``, ``code``, ``label``, ``data``, ``weights``), a ``network`` at one
    place of the game, a ``value`` that it gives, or the ``loss`` of a phase.

    ``shape`` is that of one sample. ``network`` is whose box or value it is, ``judges`` says that the value
    is an answer of D's.
    """

    id: str
    kind: Literal["latent", "code", "label", "data", "weights", "network", "value", "loss"]
    title: str
    sentence: str
    player: Player
    shape: list[int]
    network: NotRequired[str]
    judges: NotRequired[bool]
    code: NotRequired[CodeRecord | None]


@exact
class GameEdge(TypedDict):
    """Something flows from one node to another in these phases."""

    source: str
    target: str
    phases: list[str]


@exact
class GameTerm(TypedDict):
    """One summand of a phase's loss: ``weight`` times the mean over the batch of ``formula``, which is made
    of the nodes ``sources``. ``key`` names it within its phase, ``name`` in metric rows, if it has a name.
    """

    key: str
    formula: str
    name: str
    sources: list[str]
    weight: float


@exact
class GamePhase(TypedDict):
    """A turn: who moves, how often, and along which loss (the node ``loss``)."""

    name: str
    networks: list[str]
    every: int
    repeat: int
    loss: str
    latex: str
    terms: list[GameTerm]


@exact
class Game(TypedDict):
    """``game.json``: the game of the present stage, as its first iteration was seen to be played. Nodes come
    in reading order: what something is made of stands before it.
    """

    stage: str
    nodes: list[GameNode]
    edges: list[GameEdge]
    phases: list[GamePhase]


@exact
class Seen(TypedDict):
    """What a node holds of the followed sample: ``numbers`` (the first 16), or a picture, a PNG in base 64.
    Of D's answers ``numbers`` is the logit and ``score`` what charts show.
    """

    numbers: list[float | None]
    png: NotRequired[str]
    score: NotRequired[float | None]


@exact
class TermSeen(TypedDict):
    """A summand before its weight: of the whole batch, and of the followed sample where it has a part."""

    batch: float | None
    sample: float | None
    weight: float


@exact
class Moved(TypedDict):
    """How a network learned: the norms of its gradient, of its step and of its weights."""

    gradient: float | None
    step: float | None
    weights: float | None


@exact
class GameTurn(TypedDict):
    """A turn of ``phase`` at ``step``, its loss, values and summands by node and key, and ``gradients``, the
    norms of the loss's gradient by what a node held.
    """

    step: int
    phase: str
    loss: float | None
    values: dict[str, Seen]
    terms: dict[str, TermSeen]
    gradients: dict[str, float | None]
    moved: dict[str, Moved]


@exact
class Turns(TypedDict):
    """``turns.json``: the newest turn of each phase that was played in the newest followed iteration or
    single step, in order, and the ``sample`` of the batch that is followed. ``number`` rises.
    """

    number: int
    sample: int
    turns: list[GameTurn]
