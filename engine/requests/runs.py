"""To start runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from engine.options import BadInput
from engine.presets import PRESETS
from engine.requests.base import OptionValues, Request, Seed, Steps
from engine.runs.names import DEVICES, NAME_LENGTH, check_name


def _known(preset: str) -> str:
    if preset not in PRESETS:
        raise BadInput("there is no such preset.", "preset", f"Choose one of: {', '.join(PRESETS)}.")
    return preset


Name = Annotated[
    str,
    AfterValidator(check_name),
    Field(json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH}, examples=["Ring, second try"]),
]


class StartRun(Request):
    """A run to start. Knobs go into `options`; GET /api/catalogue lists them with bounds and defaults."""

    gan: str = Field(examples=["gan"], max_length=100, description="One of the catalogue's GANs.")
    data: str = Field(examples=["ring"], max_length=100, description="One of the catalogue's data sets.")
    steps: Steps = 20_000
    seed: Seed = 0
    options: OptionValues = Field(default_factory=dict)
    name: Name | None = Field(None, description="How the run is called on the pages.")
    start_from: str | None = Field(
        None, max_length=4096, description="The model or run whose weights it starts from."
    )
    preset: Annotated[str, AfterValidator(_known)] | None = Field(None, description="The preset it is of.")
    device: str = Field(
        "auto",
        pattern=rf"^({'|'.join(DEVICES)})(:[0-9]{{1,3}})?$",
        description="What it computes on, perhaps with a number: cuda:1.",
        examples=[*DEVICES, "cuda:1"],
    )


class StartPreset(Request):
    """A preset to start."""

    seed: Seed | None = Field(None, description="Instead of the preset's own.", examples=[1])


class Rename(Request):
    """A new name for a run or a model."""

    name: Name
