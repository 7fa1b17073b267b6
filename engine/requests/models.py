"""To add models, to name what they know, and to hand their generators to other programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, RootModel

from engine.options import BadInput
from engine.requests.base import Request
from engine.requests.files import File
from engine.requests.runs import Name
from engine.requests.translation import Direction

Format = Literal["onnx", "safetensors", "torchscript", "html"]
SUFFIXES: dict[Format, str] = {
    "onnx": ".onnx",
    "safetensors": ".safetensors",
    "torchscript": ".pt",
    "html": ".html",
}
OfWeights = Literal["pix2pix", "cyclegan"]
TestMode = Literal["auto", "train", "eval"]
Dropout = Literal["auto", "on", "off"]
PLACES = ("G", "D", "G_A", "G_B", "D_A", "D_B", "-")
To = Annotated[Format, Field(description="The format.")]
From = Annotated[Direction | None, Field(description="Of a translator; its first by default.")]


def _words(places: str) -> list[str]:
    return [word.strip() for word in places.split(",") if word.strip()]


def _known_places(places: str) -> str:
    if unknown := [word for word in _words(places) if word not in PLACES]:
        raise BadInput(f"{unknown[0][:40]!r} is not a place.", "places", f"Choose from: {', '.join(PLACES)}.")
    return places


class Weights(Request):
    """What weight files do not say of themselves."""

    as_: OfWeights | None = Field(None, alias="as", description="What they are of, if it cannot be guessed.")
    test_mode: TestMode = Field(
        "auto",
        description="train: batch norm by the picture's own statistics, as the reference without --eval.",
    )
    dropout: Dropout = Field(
        "auto",
        description="off: for what was trained with --no_dropout, which a U-Net's file does not show.",
    )
    places: Annotated[str, AfterValidator(_known_places)] = Field(
        "",
        max_length=200,
        description="What each network is, in turn, where names do not say: G_A (A to B), G_B, D_A, D_B, G "
        "or D, and - to leave it out.",
        examples=["G_A,G_B"],
    )

    def each(self) -> list[str]:
        """The places one by one."""
        return _words(self.places)


class AddModel(Weights):
    """Weight files of pix2pix or CycleGAN: G, or G_A and G_B, and their D's if at hand."""

    name: Name
    files: Annotated[list[File], Field(min_length=1, max_length=4)]

    def weights(self) -> dict[str, Any]:
        """What was said of the files, as plain data."""
        return self.model_dump(include=set(Weights.model_fields), by_alias=True)


class Export(Request):
    """A generator as a file of another format."""

    to: To = Field(examples=["onnx"])
    direction: From = None


class NameDirections(RootModel[dict[str, str]]):
    """Names by direction; an empty one takes a name away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"d1": "slant"}]})
