"""Tricks that keep the game playable: one table of small pieces, each hooking in where it must.

A stabiliser may change networks when they are built, what D is shown, D's target for real data, either
player's loss, or weights after a step. It is on when its switch is not zero. To add one: a class in the file
of its family, and a line here.
"""

from __future__ import annotations

from engine.stabilisers.adaptive import AdaptiveAugment
from engine.stabilisers.averages import HistoricalAveraging, WeightAveraging
from engine.stabilisers.base import GROUP, Stabiliser
from engine.stabilisers.features import FeatureMatching, MinibatchDiscrimination
from engine.stabilisers.inputs import DiffAugment, InstanceNoise, LabelSmoothing
from engine.stabilisers.slopes import DRAGAN, R1, R2, GradientPenalty, SpectralNorm, WeightClipping
from engine.stabilisers.virtual_norm import VirtualBatchNorm

__all__ = ["GROUP", "STABILISERS", "Stabiliser"]

STABILISERS: dict[str, Stabiliser] = {
    "weight_clipping": WeightClipping(),
    "gradient_penalty": GradientPenalty(),
    "dragan": DRAGAN(),
    "r1": R1(),
    "r2": R2(),
    "spectral_norm": SpectralNorm(),
    "label_smoothing": LabelSmoothing(),
    "diff_augment": DiffAugment(),
    "adaptive_augment": AdaptiveAugment(),
    "instance_noise": InstanceNoise(),
    "minibatch_discrimination": MinibatchDiscrimination(),
    "feature_matching": FeatureMatching(),
    "virtual_batch_norm": VirtualBatchNorm(),
    "historical_averaging": HistoricalAveraging(),
    "weight_averaging": WeightAveraging(),
}
