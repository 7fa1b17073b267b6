"""What is written into run and model folders and sent to browsers, field by field. No torch.

These are plain dicts as they are read from JSON: nothing is converted on the way. ``engine.tools.records``
exports their JSON Schema and the types that the pages' scripts are checked with, so that a field renamed here
is found there. Folders written by earlier versions may lack what is ``NotRequired``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Required, TypeAlias

from pydantic import ConfigDict, Field, JsonValue, with_config
from typing_extensions import TypedDict

Kind: TypeAlias = str  # of samples: a name in ``engine.data.kinds``
State: TypeAlias = Literal["queued", "starting", "running", "paused", "done", "stopped", "failed"]
Options: TypeAlias = dict[str, Any]  # of a GAN, by name: which there are its own model says
Values: TypeAlias = dict[str, float | list[float] | None]  # of a row, by name
# how data are held out: see ``engine.data.reading.split``
Split: TypeAlias = Literal["names", "unseen", "families"]
Better: TypeAlias = Literal["lower", "higher"]

Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**53)]  # JSON's readers know no larger whole numbers
Clock: TypeAlias = Annotated[float, Field(ge=0, lt=1e11)]  # seconds since 1970 that are a date

# where a record is checked, nothing else may be in it, and no number that JSON lacks
exact = with_config(ConfigDict(extra="forbid", allow_inf_nan=False))


# --- config.json of a run


@exact
class Choice(TypedDict):
    """One value that a knob may have, and how it is called."""

    value: JsonValue
    label: str


@exact
class KnobRecord(TypedDict):
    """A declared option as a form needs it (``engine.options.describe``)."""

    name: str
    label: str
    help: str
    type: Literal["choice", "bool", "int", "float", "text"]
    default: JsonValue
    min: float | None
    min_excluded: bool
    max: float | None
    step: float | None
    scale: Literal["linear", "log"]
    live: bool
    group: str
    optional: bool
    choices: list[Choice]


@exact
class ObjectiveRecord(TypedDict):
    """What the players play for (``engine.objectives.Objective.describe``)."""

    name: NotRequired[str]
    title: str
    sentence: str
    latex_d: str
    latex_g: str
    code: str
    equilibrium: dict[str, float]
    unit: NotRequired[str]
    midpoint: float | None
    range: tuple[float, float] | None
    score_label: str
    divergence: str | None
    family: NotRequired[str]
    minimax: NotRequired[ObjectiveRecord | None]


@exact
class DataRecord(TypedDict):
    """The data that a run learns. ``shape`` is (2,) or (C, H, W); ``extent`` is x0, x1, y0, y1."""

    title: str
    kind: Kind
    shape: list[int]
    classes: list[str] | None
    notes: NotRequired[list[str]]  # how they were understood, and what is left out
    given: NotRequired[list[int]]
    names: NotRequired[list[str]]
    extent: NotRequired[list[float]]
    modes: NotRequired[list[tuple[float, float]]]
    sd: NotRequired[float | None]


@exact
class JudgedRecord(TypedDict):
    """What D tells apart, as charts name it (``engine.game.recipe.Judged``)."""

    real: str
    fake: str
    real_kind: str
    fake_kind: str
    tags: tuple[str, str]
    alone: str
    player: str


@exact
class GanRecord(TypedDict):
    """How a run's GAN is called."""

    title: str
    sentence: str
    judges_samples: NotRequired[bool]
    judged: NotRequired[JudgedRecord]
    at_rest: NotRequired[str]
    gradients: NotRequired[list[str]]


@exact
class Meta(TypedDict):
    """What a page says of a run without asking the engine. Imported weights have no objective."""

    objective: NotRequired[ObjectiveRecord]
    data: DataRecord
    gan: GanRecord
    live: list[KnobRecord]
    sentence: str


@exact
class Parent(TypedDict):
    """The run and the step that a run was branched from."""

    run: str
    step: Count


@exact
class RunConfig(TypedDict):
    """``config.json`` of a run: what was asked for, checked and complete."""

    id: NotRequired[str]
    name: str
    gan: str
    data: str
    steps: Count
    seed: int
    device: str
    start_from: NotRequired[str | None]
    options: Options
    split: NotRequired[Split]  # the rule by which data are held out; that of "names" before there were others
    kind: Kind
    preset: str | None
    parent: Parent | None
    versions: dict[str, str]
    created: Clock
    meta: Meta


# --- status.json


@exact
class BestRecord(TypedDict):
    """The best value of the measure that a run keeps its best checkpoint by."""

    measure: str
    title: str
    value: float | None
    step: int


@exact
class Status(TypedDict, total=False):
    """``status.json``: where a run is. ``since`` and ``heartbeat`` are wall-clock seconds, ``elapsed``
    seconds of training, rates a second; commands before byte ``obey_from`` were given to the attempt before.
    Added for readers: ``queue``, the place in the queue, and ``waits_for``, the names of the runs that hold
    its place.
    """

    state: Required[State]
    step: Required[Count]
    steps: Count
    attempt: Count
    elapsed: float
    rate: float
    images_rate: float
    equilibrium: dict[str, float]
    live: Options
    limit: float | None
    pid: int
    device: str
    best: BestRecord | None
    evaluating: bool
    next_evaluation: Count | None
    error: str | None
    remedy: str | None
    since: Clock
    heartbeat: Clock
    resume: bool
    obey_from: Count
    queued: Clock
    queue: int | None
    waits_for: list[str]


# --- metrics.jsonl


@with_config(ConfigDict(extra="allow", allow_inf_nan=False))
class Row(TypedDict, total=False, extra_items=float | None):
    """One line of ``metrics.jsonl``: losses, gradient norms, rates and figures by name besides what is named
    here. Null is what NaN and infinities are written as.
    """

    row: Required[Count]
    step: Required[Count]
    attempt: Count
    time: float
    histogram: list[float]
    class_histogram: list[float]


# --- events.jsonl


@exact
class Remedy(TypedDict):
    """A change of options; ``live`` if it can be applied to the run as it trains."""

    sentence: str
    options: Options
    live: bool


@exact
class DiagnosisRecord(TypedDict):
    """What is happening to a run, with evidence; ``since`` is a step."""

    name: str
    title: str
    why: str
    evidence: str
    numbers: dict[str, JsonValue]
    remedy: Remedy | None
    since: NotRequired[int]


class _EventBase(TypedDict):
    row: Count
    step: Count
    time: float


@exact
class DiagnosisEvent(_EventBase):
    """The diagnoses that hold from now on, the gravest first."""

    type: Literal["diagnosis"]
    active: list[DiagnosisRecord]


class CommandRecord(TypedDict, total=False):
    """A command as the worker took it."""

    command: Required[str]
    options: Options
    what: str
    steps_per_s: float | None


@exact
class CommandEvent(_EventBase):
    """A command that the worker has applied; with a ``number`` it is replayed after a resume."""

    type: Literal["command"]
    command: CommandRecord
    number: NotRequired[int]


@exact
class FigureWords(TypedDict):
    """A figure of an evaluation in words."""

    name: str
    title: str
    sentence: str
    better: Better | None


@exact
class MeasureWords(TypedDict):
    """A measure in words: what its floor is, and its figures."""

    name: str
    title: str
    sentence: str
    floor: str | None
    figures: list[FigureWords]


@exact
class Looked(TypedDict):
    """The network whose features an evaluation compares."""

    name: str
    title: str
    note: str


@exact
class EvaluationEvent(_EventBase):
    """Figures, and their floors: what real data gives, or what else is put beside it."""

    type: Literal["evaluation"]
    figures: dict[str, float | None]
    floors: dict[str, float | None]
    spreads: NotRequired[dict[str, float | None]]
    metrics: dict[str, dict[str, Any]]
    network: Looked | None
    n: int | None
    seed: int
    seconds: float
    warnings: list[str]
    measures: NotRequired[list[MeasureWords]]


@exact
class ResumedEvent(_EventBase):
    """A run goes on from its newest checkpoint: what came after it is done again."""

    type: Literal["resumed"]
    attempt: int


@exact
class CheckpointEvent(_EventBase):
    """A checkpoint was kept."""

    type: Literal["checkpoint"]


@exact
class BestEvent(_EventBase):
    """A better checkpoint than all before was kept."""

    type: Literal["best"]
    measure: str
    value: float


@exact
class StateEvent(_EventBase):
    """The run has ended."""

    type: Literal["state"]
    state: State


@exact
class ErrorEvent(_EventBase):
    """Training broke, or a command was refused."""

    type: Literal["error"]
    error: str
    remedy: str
    field: NotRequired[str | None]
    command: NotRequired[dict[str, Any]]
    network: NotRequired[str]
    at: NotRequired[int]


RunEvent: TypeAlias = Annotated[
    DiagnosisEvent
    | CommandEvent
    | EvaluationEvent
    | ResumedEvent
    | CheckpointEvent
    | BestEvent
    | StateEvent
    | ErrorEvent,
    Field(discriminator="type"),
]
