"""What a lesson asks for: its front matter, its blocks, and the answers to its questions."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.options import BadInput
from engine.presets import PRESETS
from engine.presets import requests as preset_requests
from engine.requests.base import OptionValues, Request, Seed, Steps
from engine.requests.runs import StartPreset, StartRun

LARGEST_LESSON = 256 * 1024  # bytes, pictures included
MOST_CHOICES, MOST_POINTS = 8, 200
MOST_VALUE = 1e12

Word = Annotated[str, Field(min_length=1, max_length=100)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Number = Annotated[float, Field(ge=-MOST_VALUE, le=MOST_VALUE)]
Point = Annotated[list[Number], Field(min_length=2, max_length=2)]


class About(Request):
    """A lesson's front matter."""

    title: str = Field(min_length=1, max_length=80, examples=["My lesson"])
    order: int = Field(100, ge=1, le=1000)
    minutes: int = Field(5, ge=1, le=90)
    terms: list[Word] = Field(default_factory=list, max_length=20)
    presets: list[Word] = Field(default_factory=list, max_length=10)

    @model_validator(mode="after")
    def _names_presets(self) -> Self:
        for name in self.presets:
            if name not in PRESETS:
                raise BadInput(
                    f"there is no preset {name!r}.", "presets", f"Choose from: {', '.join(PRESETS)}."
                )
        return self


class Experiment(Request):
    """A run to start: one of a ``preset``, or a request of its own. ``chart``: the one that matters."""

    preset: Word | None = None
    run: int = Field(0, ge=0, le=1)  # which of the preset's, where it has two
    gan: Word | None = Field(None, examples=["gan"])
    data: Word | None = Field(None, examples=["ring"])
    steps: Steps | None = None
    seed: Seed | None = None
    options: OptionValues = Field(default_factory=dict)
    chart: Word = "losses"

    @model_validator(mode="after")
    def _is_one_run(self) -> Self:
        if self.preset is None and (self.gan is None or self.data is None):
            raise BadInput("it names no run.", "experiment", "Give a preset, or gan and data.")
        if self.preset is not None:
            if self.preset not in PRESETS:
                raise BadInput("there is no such preset.", "preset", f"Choose one of: {', '.join(PRESETS)}.")
            if self.gan or self.data or self.steps or self.options:
                raise BadInput(
                    "a preset is taken as it is, but for its seed.",
                    "preset",
                    "Leave out gan, data, steps and options, or the preset.",
                )
            if self.run >= len(PRESETS[self.preset].runs):
                raise BadInput("the preset has one run only.", "run", "Give 0.")
        self.request("a lesson")
        return self

    def request(self, name: str) -> StartRun:
        """What starts it, called ``name``. Raises ``BadInput``."""
        if self.preset is not None:
            seed = StartPreset.read({"seed": self.seed} if self.seed is not None else {}).seed
            return StartRun.read({**preset_requests(self.preset, seed)[self.run], "name": name})
        given = {"gan": self.gan, "data": self.data, "steps": self.steps, "seed": self.seed}
        asked = {key: value for key, value in given.items() if value is not None}
        return StartRun.read({**asked, "options": self.options, "name": name})


class Cure(Experiment):
    """Another run, and the line of the code or the option that ``changed``."""

    changed: Sentence = Field(examples=["minibatch_discrimination: 0 becomes 8"])


class Axis(Request):
    """One axis of a curve that is to be drawn: ``[low, high]`` and its name."""

    low: Number = Field(examples=[0.0])
    high: Number = Field(examples=[1.0])
    label: str = Field("", max_length=60)
    log: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high <= self.low or (self.log and self.low <= 0):
            raise BadInput("the axis has no length.", "low", "Give low below high, above 0 where log.")
        return self


class Predict(Request):
    """A question that comes before the run."""

    kind: Literal["choice", "number", "curve"] = Field(examples=["choice"])
    question: Sentence = Field(examples=["Which player wins?"])
    choices: list[Sentence] = Field(
        default_factory=list, max_length=MOST_CHOICES, examples=[["the generator", "neither"]]
    )
    answer: Sentence | Number | None = None
    unit: str = Field("", max_length=40)
    key: Word | None = None  # of a row of metrics: the chart that the guess is drawn into
    x: Axis | None = None
    y: Axis | None = None

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if self.kind == "choice":
            if len(set(self.choices)) < 2:
                raise BadInput("a choice needs two answers or more.", "choices", "Give choices: [a, b].")
            if self.answer is not None and self.answer not in self.choices:
                raise BadInput("the answer is none of the choices.", "answer", "Give one of the choices.")
        if self.kind == "number" and isinstance(self.answer, str):
            raise BadInput("the answer is not a number.", "answer", "Give a number.")
        if self.kind == "curve" and (self.x is None or self.y is None):
            raise BadInput("a curve needs axes.", "x", "Give x and y, each with low and high.")
        return self

    def check(self, value: object) -> None:
        """Raise ``BadInput`` unless ``value`` answers this question."""
        right = {
            "choice": isinstance(value, str) and value in self.choices,
            "number": isinstance(value, int | float) and not isinstance(value, bool),
            "curve": isinstance(value, list) and len(value) > 1,
        }
        if not right[self.kind]:
            remedy = {
                "choice": "Choose one of the answers.",
                "number": "Give a number.",
                "curve": "Draw a line.",
            }
            raise BadInput("that does not answer the question.", "value", remedy[self.kind])


class Reveal(Request):
    """What was seen: predictions of the theory's table that the run is compared with."""

    compare: list[Word] = Field(default_factory=list, max_length=6)


class LessonText(Request):
    """A lesson as its file."""

    text: str = Field(
        max_length=LARGEST_LESSON,
        examples=["---\ntitle: My lesson\n---\n\nTwo networks argue.\n\n```takehome\nThey learn.\n```\n"],
    )


class LessonAnswer(Request):
    """One prediction: which block of which lesson, and a choice, a number or a drawn curve."""

    lesson: str = Field(max_length=60, examples=["4-vanishing-gradients"])
    block: str = Field(max_length=60, examples=["predict-1"])
    value: Sentence | Number | Annotated[list[Point], Field(min_length=2, max_length=MOST_POINTS)] = Field(
        examples=["it vanishes"]
    )
