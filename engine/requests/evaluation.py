"""To measure a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.requests.base import Request, Seed

Samples = Annotated[int, Field(ge=16, le=100_000, description="By default as many as is usual for each.")]
Looking = Literal["auto", "classifier", "inception", "random"]  # which network looks at pictures


class Evaluate(Request):
    """Measures of a model, each with its floor."""

    metrics: list[str] | None = Field(None, min_length=1, description="By default all that apply.")
    n: Samples | None = None
    seed: Seed = 0
    network: Looking = "auto"
