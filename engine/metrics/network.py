"""The small convolutional classifier that ships, trained by ``python -m engine.metrics.classifier``."""

from __future__ import annotations

import json
from functools import cache

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine import PRETRAINED
from engine.options import NotFound

SIZE = 28  # px; larger inputs are cropped to it


class Classifier(nn.Module):
    """Four convolutions, 28 x 28 grey in, ``classes`` logits out.

    Inputs are float32 (N, 1, H, W) in [-1, 1] with H = W >= 28: larger ones lose their border.
    """

    def __init__(self, classes: int = 10, width: int = 16, features: int = 128) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2, bias=False),
            nn.MaxPool2d(2),  # (N, 16, 14, 14); before the norm, which has a quarter to do then
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            *_convolution(width, 2 * width),
            nn.MaxPool2d(2),  # (N, 32, 7, 7)
            *_convolution(2 * width, 4 * width),
            *_convolution(4 * width, 4 * width),
            nn.MaxPool2d(2),  # (N, 64, 3, 3)
            nn.Flatten(),
            nn.Linear(9 * 4 * width, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(features, classes)

    def features(self, images: Tensor) -> Tensor:
        """What the last hidden layer makes of ``images``: float32 (N, 128)."""
        border = (images.shape[-1] - SIZE) // 2
        return self.trunk(images[..., border : border + SIZE, border : border + SIZE])

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.head(self.features(images))


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def ships(name: str) -> bool:
    """Whether there are weights in ``pretrained/NAME``."""
    return (PRETRAINED / name / "weights.safetensors").is_file()


@cache
def load(name: str, device: str = "cpu") -> Classifier:
    """The classifier in ``pretrained/NAME``, ready to use, loaded once a process. Raises ``NotFound``."""
    folder = PRETRAINED / name
    if not ships(name):
        remedy = f"Train it: python -m engine.metrics.classifier --data {name.removesuffix('-classifier')}"
        raise NotFound(f"there is no classifier called {name}.", "data", remedy)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    classifier = Classifier(**config["network"])
    classifier.load_state_dict(load_file(folder / "weights.safetensors"))
    classifier = classifier.to(device).to(memory_format=torch.channels_last)  # three times as fast on a CPU
    return classifier.eval().requires_grad_(False)
