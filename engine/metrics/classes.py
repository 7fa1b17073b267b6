"""Which classes a generator draws, by a small classifier that ships, and how far their shares are from the
data's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.data.source import ImageSource
from engine.metrics.finite import finite
from engine.metrics.network import Classifier, load, ships

HIT = 0.1  # a class counts as drawn from this part of its share in the data on: one stray vote is no class


class ClassCounter:
    """Counts the classes of samples of one data set. ``shares`` (K,) are those of its training part."""

    def __init__(self, classifier: Classifier, shares: Tensor) -> None:
        self.classifier, self.shares = classifier, shares

    @classmethod
    def for_source(cls, source: ImageSource) -> ClassCounter | None:
        """A counter for ``source``, or ``None`` where no classifier ships for its classes."""
        if (
            source.labels is None
            or source.classes is None
            or not source.classifier
            or not ships(source.classifier)
        ):
            return None
        shares = torch.bincount(source.labels, minlength=len(source.classes)) / len(source.labels)
        return cls(load(source.classifier), shares)

    @torch.no_grad()
    def count(self, pictures: Tensor) -> dict[str, Any]:
        """For ``pictures`` (N, C, H, W) in [-1, 1]: the share of each class, its KL to the data's, the
        classes drawn.

        ``class_kl`` is KL(samples || data) in nats: 0 is best, and log K is one class only where all K are
        equally frequent. With N samples a perfect generator still has about (K - 1) / 2N.
        """
        votes = self.classifier(finite(pictures, "samples").cpu()).argmax(1)  # (N,)
        shares = torch.bincount(votes, minlength=len(self.shares)) / len(votes)  # (K,)
        return {
            "class_histogram": [round(share, 5) for share in shares.tolist()],
            "class_kl": max(0.0, float(torch.special.xlogy(shares, shares / self.shares).sum())),
            "classes_hit": int((shares >= HIT * self.shares).sum()),
            "samples": len(pictures),
        }
