"""The shapes of the API's bodies, for its documentation and a first check; the engine judges the values."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.requests.base import Request

State = Literal["queued", "starting", "running", "paused", "done", "stopped", "failed"]


class Problem(BaseModel):
    """What every refusal looks like."""

    error: str = Field(description="What is wrong, in a sentence.")
    field: str | None = Field(description="The field at fault, if it is one.")
    remedy: str = Field(description="What to do instead.")


class Login(Request):
    """The presenter code, as the server printed it."""

    code: str = Field(max_length=100, examples=["482913"])


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


class Health(_Answer):
    """The server and its engine."""

    status: Literal["ok"]
    version: str
    device: str
    cores: int
    running: int
    queued: int
    limit: int = Field(description="How many runs may train at once.")
    engine: str = Field(description='"starting", "ready", or "failed: ..."')
    trouble: str = Field(description="Empty, or why this server should be restarted.")
    viewers: int = Field(description="Open live sockets.")
    role: Literal["presenter", "viewer"] = Field(description="What this client may do.")
    lan: bool = Field(
        description="Whether the server is open to a network, so that the presenter needs a code."
    )


class Catalogue(_Answer):
    """All there is to choose from, with every option's label, help, bounds and default."""

    gans: dict[str, Any]
    objectives: dict[str, Any]
    stabilisers: dict[str, Any]
    datasets: dict[str, Any]
    training: list[dict[str, Any]]
    metrics: dict[str, Any]
    charts: dict[str, Any]
    plugins: dict[str, Any] = Field(description="What each added, or why it was left out.")
    presets: dict[str, Any]


class Started(_Answer):
    """A run that was made."""

    id: str


class StartedPreset(_Answer):
    """The runs that a preset made, to be seen side by side."""

    ids: list[str]


class Valid(_Answer):
    """A request that could be started as it is."""

    ok: Literal[True]
    config: dict[str, Any]
    sentence: str = Field(description="What will happen, in plain words.")


class Status(_Answer):
    """How a run is doing."""

    state: State
    step: int
    error: str | None = None
    remedy: str | None = None
    queue: int | None = Field(None, description="Place in the queue, for a queued run.")
    best: dict[str, Any] | None = Field(
        None,
        description="By what its best checkpoint, the model RUN.best, is that: measure, title, value, step.",
    )
    evaluating: bool = Field(False, description="Whether it evaluates at this moment: training waits.")
    next_evaluation: int | None = Field(
        None, description="The step of the next evaluation, if one will come."
    )


class RunSummary(_Answer):
    """A run in the list."""

    id: str
    name: str
    gan: str
    data: str
    kind: str
    status: Status
    last: dict[str, Any] | None = Field(description="The newest metrics row.")
    sparkline: list[float | None] = Field(description="The generator's loss, thinned.")
    diagnosis: list[str]
    created: float
    preset: str | None
    gone: str | None = Field(None, description="What it was made with and is no more: a plugin's, mostly.")


class Run(_Answer):
    """One run in full."""

    config: dict[str, Any]
    status: Status
    last: dict[str, Any] | None = None
    snapshots: list[int]


class MetricsRow(_Answer):
    """One report of a run. Keys that do not apply are absent; null is a number that was not finite."""

    row: int = Field(description="Rises by one with each report, over all attempts.")
    attempt: int | None = None
    step: int | None = None


class Event(_Answer):
    """A command that took effect, a diagnosis, a checkpoint, an evaluation, an error."""

    row: int
    type: str


class Done(_Answer):
    """It is done."""

    ok: Literal[True] = True


class Dataset(_Answer):
    """A data set of uploaded pictures."""

    id: str


class Model(_Answer):
    """Networks that can be played with."""

    id: str
    title: str
    sentence: str
    gan: str
    data: str
    kind: Literal["points", "images", "pairs", "domains"]
    shape: list[int] = Field(description="[C, H, W] of a picture, or [2].")
    step: int
    source: Literal["pretrained", "added", "run"]
    live: bool = Field(description="Whether it trains now, so that `step` will rise.")
    licence: str
    figures: dict[str, Any]
    bytes: int
    has_encoder: bool
    has_classifier: bool
    has_codes: bool


class ModelDetails(Model):
    """One model in full."""

    noise_dim: int
    latent_dim: int
    codes: list[dict[str, Any]]
    directions: list[dict[str, Any]]
    card: str = Field(description="Markdown.")
    networks: dict[str, int] = Field(description="Parameters of each network.")
    has_discriminator: bool = Field(description="Whether it was kept with its D.")


class Projection(_Answer):
    """A projection, on its way or done. Pictures are PNGs in base64."""

    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float = Field(description="0 to 1.")
    best: dict[str, Any] | None = Field(description="`place`, `image`, `error` and error `map`.")
    encoder: dict[str, Any] | None = Field(description="The same, where the model has an encoder.")
    original: str = Field(description="The picture as the model sees it.")
    nearest: list[dict[str, Any]] = Field(description="Training pictures: `image`, `distance`, `label`.")
    note: str
    rate: float | None = Field(description="Steps a second.")
    eta_s: float | None


class Translator(Model):
    """A model that translates pictures, from A to B or back."""

    directions: list[Literal["a_to_b", "b_to_a"]]
    names: list[str] = Field(description="What is on the sides A and B.")
    network: str
    norm: str = Field(description="Of its layers: batch, instance, instance_affine or none.")
    size: int = Field(description="Pixels of the pictures that it was trained on.")
    given: list[int] = Field(description="[C, H, W] of A.")
    has_back: bool = Field(description="Whether it knows the way back.")
    has_dropout: bool = Field(description="Whether it may leave out features, as pix2pix does.")


class Translation(_Answer):
    """A job, waiting, on its way or done."""

    job: str
    model: str
    state: Literal["copying", "queued", "running", "done", "failed", "cancelled"]
    ahead: int | None = Field(None, description="Jobs that come before, while it is queued.")
    progress: float = Field(description="0 to 1.")
    done: int = Field(description="Pictures that are done.")
    total: int = Field(description="Pictures there are; 0 while that is not known.")
    current: str = Field(description="The picture that is worked on.")
    failed: list[dict[str, Any]] = Field(description="`name`, `error` and `remedy` of each that failed.")
    many: bool
    eta_s: float | None
    error: str | None = None
    field: str | None = None
    remedy: str | None = None


class LoggedIn(_Answer):
    """What the client may do from now on."""

    role: Literal["presenter", "viewer"]


class LessonEntry(_Answer):
    """A lesson on the list."""

    id: str
    title: str
    order: int
    minutes: int
    own: bool = Field(description="Kept in the runs folder: it may be changed.")
    damaged: list[Problem] = Field(description="What is wrong with its file, by line; mostly nothing.")


class LessonShown(_Answer):
    """A lesson: its front matter and its blocks."""

    id: str
    title: str
    own: bool
    blocks: list[dict[str, Any]]


class LessonChecked(BaseModel):
    """Whether a lesson can be given, and if not, why."""

    ok: bool
    refusals: list[Problem]


class Compared(_Answer):
    """A run beside a prediction of theory."""

    name: str
    key: str = Field(description="The quantity of the run's rows that it is about.")
    steps: list[int]
    values: list[float] = Field(description="What theory says at these steps.")
    measured: float | None
    predicted: float | None
    difference: float | None
    holds: bool | None
