"""The formats that generators are exported to, and how their files end. No torch."""

from __future__ import annotations

SUFFIXES = {"onnx": ".onnx", "safetensors": ".safetensors", "torchscript": ".pt"}
DIRECTIONS = ("a_to_b", "b_to_a")
