"""What a GAN is measured by, while it trains and once it is trained: the one table of measures.

To add one: declare a ``Metric`` with a function of a ``Subject``, and name it here. Command line,
``keep_best``, catalogue, the panel of evaluations and the charts follow from it.
"""

from __future__ import annotations

from engine.metrics import of_networks, of_samples, of_translations
from engine.metrics.metric import Metric

METRICS: dict[str, Metric] = {
    "fid": of_samples.FID,
    "kid": of_samples.KID,
    "inception_score": of_samples.INCEPTION_SCORE,
    "prdc": of_samples.PRDC,
    "memorisation": of_samples.MEMORISATION,
    "modes": of_samples.MODES,
    "divergence": of_samples.DIVERGENCE,
    "transport": of_samples.TRANSPORT,
    "players": of_networks.PLAYERS,
    "reach": of_networks.REACH,
    "augmentation": of_networks.AUGMENTATION,
    "diversity": of_samples.DIVERSITY,
    "classes": of_samples.CLASSES,
    "stacked_modes": of_samples.STACKED_MODES,
    "class_agreement": of_networks.CLASS_AGREEMENT,
    "code_error": of_networks.CODE_ERROR,
    "test_error": of_networks.TEST_ERROR,
    "encoding": of_networks.ENCODING,
    "encoder_1nn": of_networks.ENCODER_1NN,
    "classifier_error": of_networks.CLASSIFIER_ERROR,
    "differences": of_translations.DIFFERENCES,
    "feature_distance": of_translations.FEATURE_DISTANCE,
    "windows": of_translations.WINDOWS,
    "cycles": of_translations.CYCLES,
    "held_out": of_translations.HELD_OUT,
}
