"""What torchmetrics needs in order to work on features that are already there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Precomputed(nn.Module):
    """A feature network that hands on what it is given: (N, D) in, (N, D) out."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.num_features = dimensions

    def forward(self, features: Tensor) -> Tensor:
        return features


@contextmanager
def own_random(seed: int) -> Iterator[None]:
    """Draw from torch's global CPU generator, as torchmetrics does, and put it back as it was.

    Its warnings that features are kept in memory are left out: they are.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Metric .* will save all extracted features")
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed: that would seed accelerators too
        yield
