"""To add models, to name what they know, and to hand their generators to other programs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from engine.requests.base import Request
from engine.requests.files import File
from engine.requests.runs import Name
from engine.requests.translation import Direction

Format = Literal["onnx", "safetensors", "torchscript"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "safetensors": ".safetensors", "torchscript": ".pt"}
OfWeights = Literal["pix2pix", "cyclegan"]
TestMode = Literal["auto", "train", "eval"]
To = Annotated[Format, Field(description="The format.")]
From = Annotated[Direction | None, Field(description="Of a translator; its first by default.")]


class AddModel(Request):
    """Weight files of pix2pix or CycleGAN: G, or G_A and G_B, and their D's if at hand."""

    name: Name
    files: Annotated[list[File], Field(min_length=1, max_length=4)]
    as_: OfWeights | None = Field(None, alias="as", description="What they are of, if it cannot be guessed.")
    test_mode: TestMode = Field(
        "auto", description="Whether norm and dropout act as in training when it is used."
    )


class Export(Request):
    """A generator as a file of another format."""

    to: To = Field(examples=["onnx"])
    direction: From = None


class NameDirections(RootModel[dict[str, str]]):
    """Names by direction; an empty one takes a name away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"d1": "slant"}]})
