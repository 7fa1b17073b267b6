"""Models and data sets as their folders and lists tell of them, in the manner of ``engine.runs.records``."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from engine.runs.records import Clock, Count, Kind, RunConfig


class ModelConfig(RunConfig):
    """``config.json`` of a model folder: that of the run it was kept of, and what the model is called."""

    title: str
    step: Count
    sentence: NotRequired[str]
    licence: NotRequired[str]
    figures: NotRequired[dict[str, Any]]


class ModelCard(TypedDict):
    """A model in the list of models. ``source``: "pretrained", "added" or "run"."""

    id: str
    title: str
    name: str
    sentence: str
    gan: str
    data: str
    kind: Kind
    shape: list[int]
    step: int
    source: Literal["pretrained", "added", "run"]
    live: bool
    licence: str
    figures: dict[str, Any]
    bytes: int
    gone: NotRequired[str | None]  # what it was made with and is no more
    has_encoder: NotRequired[bool]
    has_classifier: NotRequired[bool]
    has_codes: NotRequired[bool]


class DatasetCard(TypedDict):
    """``card.json`` of an upload as it is made. ``images`` counts pairs, or the pictures of both sets."""

    layout: Literal["images", "pairs", "domains"]
    images: Count
    classes: list[str] | None
    skipped: list[dict[str, str]]  # by "file" and "why"
    notes: NotRequired[list[str]]  # how they were understood
    size: Count
    colour: bool


class KeptDataset(DatasetCard):
    """``card.json`` of an upload."""

    name: str
    created: Clock


class Dataset(KeptDataset):
    """An upload in the list of data sets. ``damaged``: what is wrong with its card, if anything is."""

    id: str
    damaged: NotRequired[str]
