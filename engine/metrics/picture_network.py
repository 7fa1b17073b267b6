"""A small network that has learned what drawings and tiles of the Earth look like, and that looks at
translations: ``python -m engine.metrics.picture_classifier`` trains it.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine import PRETRAINED

NAME = "picture-classifier"
WINDOW = 64  # px: what it was trained on, at the pictures' own scale
WIDTHS = (3, 16, 32, 64, 96)
FEATURES = 64


class PictureNetwork(nn.Module):
    """Windows (N, 3, H, W) in [-1, 1] to logits (N, classes); any size of at least 32 px."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(_stage(before, after) for before, after in pairwise(WIDTHS))
        self.last = nn.Sequential(nn.Conv2d(WIDTHS[-1], FEATURES, 1), nn.BatchNorm2d(FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)

    def maps(self, x: Tensor) -> list[Tensor]:
        """What each stage makes of ``x``: four of (N, C, H', W'), from edges to parts of things."""
        x, found = x.expand(-1, 3, -1, -1), []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:
        """(N, 64): the mean over places of the last maps."""
        return self.last(self.maps(x)[-1]).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def _stage(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def ships() -> bool:
    """Whether its weights are in ``pretrained/``."""
    return (PRETRAINED / NAME / "weights.safetensors").is_file()


@cache
def load(device: str = "cpu") -> PictureNetwork:
    """The network that ships, ready to use, loaded once a process."""
    folder = PRETRAINED / NAME
    network = PictureNetwork(json.loads((folder / "config.json").read_text("utf-8"))["network"]["classes"])
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    return network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
