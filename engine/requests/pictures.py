"""To ask what a model makes of a sample, or of a picture that somebody sends.

The batch process reads a picture first (``engine.explore.reading``): the question itself then comes with its
pixels as ``image``, uint8 (C, H, W).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.requests.base import Request
from engine.requests.explore import DrawSeed, Place
from engine.requests.files import Picture

_PICTURE = Field(None, description="Any usual format.")
MOST_SCORED = 64
MOST_RESTARTS, MOST_DESCENT = 16, 1000  # starts, and steps from each


class Seen(Request):
    """How a picture is to be seen as the model's data are."""

    invert: bool | None = Field(None, description="Instead of what would be guessed.")
    centre: bool = Field(True, description="Whether handwriting is centred; with a mask it is not.")

    def look(self) -> dict[str, Any]:
        """What was said of the picture, as plain data."""
        return self.model_dump(include={"image", *Seen.model_fields}, exclude_unset=True)


class Look(Seen):
    """A picture to be seen so."""

    image: Picture


class Score(Seen):
    """What D says of samples at `places`, or of a picture."""

    image: Picture | None = _PICTURE
    places: list[Place] = Field([], min_length=1, max_length=MOST_SCORED, examples=[[{"seed": 7}]])


class Features(Seen):
    """The feature maps of a network for the sample at a place, or for a picture."""

    image: Picture | None = _PICTURE
    place: Place = Field(
        default_factory=lambda: Place.read({"seed": 0}), description="The sample.", examples=[{"seed": 7}]
    )
    network: Literal["discriminator", "generator"] = Field("discriminator", examples=["discriminator"])


class Project(Seen):
    """To look for a picture in the latent space; with a `mask`, for the nearest sample that agrees with it
    where the mask is white.
    """

    image: Picture = Field(description="Any usual format.")
    mask: Picture | None = Field(None, description="White where the sample must agree.")
    method: Literal["encoder", "optimise", "both"] | None = Field(
        None, description="By default all that the model can.", examples=["optimise"]
    )
    restarts: int = Field(4, ge=1, le=MOST_RESTARTS, description="Searches from so many starts.")
    steps: int = Field(400, ge=1, le=MOST_DESCENT, description="Of each search.", examples=[200])
    seed: DrawSeed = Field(0, description="Of the starts.")
    start: Place | None = Field(None, description="An edit's: the place of the sample that was painted on.")
    prior_weight: float = Field(0.01, ge=0, le=100, description="How typical it is to stay.")

    def look(self) -> dict[str, Any]:
        """What was said of the picture; what was painted on is not to be moved."""
        return {"centre": self.mask is None, **super().look()}
