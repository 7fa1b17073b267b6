"""Whether a classifier is sure of each sample and finds all classes among them (Salimans et al. 2016)."""

from __future__ import annotations

from torch import Tensor

from engine.metrics.finite import finite
from engine.metrics.precomputed import Precomputed, own_random

SPLITS = 10
SMALLEST = -700.0  # its exponential is still a float64


def inception_score(logits: Tensor, seed: int = 0) -> tuple[float, float]:
    """exp E KL(p(y|x) || p(y)) of class ``logits`` (N, K): mean and standard deviation over ten random parts.

    From 1, all alike, to K. With another classifier than Inception it is another score, not comparable with
    published ones; it says nothing of variety within a class.
    """
    from torchmetrics.image.inception import InceptionScore  # takes seconds to import

    logits = finite(logits, "class logits").cpu().double()
    chances = logits.log_softmax(1).clamp_min(SMALLEST)  # a probability of 0 would give NaN
    with own_random(seed):
        score = InceptionScore(feature=Precomputed(logits.shape[1]), splits=min(SPLITS, len(logits) // 2))
        score.update(chances)
        mean, deviation = score.compute()
    return float(mean), float(deviation)
