"""What measures need of a GAN and its data."""

from __future__ import annotations

from engine.data.pictures.stacked import Stacked
from engine.data.source import ImageSource, PointSource, Source
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Recipe
from engine.metrics.measures import class_code
from engine.metrics.metric import Need
from engine.metrics.network import ships


def _classifier_ships(recipe: Recipe, source: Source) -> bool:
    return bool(source.classifier) and ships(source.classifier)


def _has_labelled_test(recipe: Recipe, source: Source) -> bool:
    return isinstance(source, ImageSource) and source.labels is not None and source.test_labels is not None


def _reads_category(recipe: Recipe, source: Source) -> bool:
    return bool(recipe.reads_codes and recipe.codes) and recipe.codes[0].kind == "categorical"


def _knows_translations(recipe: Recipe, source: Source) -> bool:
    if not isinstance(source, TranslationSource):
        return False
    return source.test_a is not None and source.test_b is not None and source.test_is_paired


def _is_paired(recipe: Recipe, source: Source) -> bool:
    if not isinstance(source, TranslationSource):
        return False
    return source.kind == "pairs" if source.test_a is None else source.test_is_paired


SAMPLES = Need(
    "a GAN that draws samples: this one translates pictures", lambda recipe, _: not recipe.directions
)
PICTURES = Need("pictures", lambda _, source: isinstance(source, ImageSource | TranslationSource))
POINTS = Need("points of known density", lambda _, source: isinstance(source, PointSource))
CLUSTERS = Need(
    "2-D data with modes", lambda _, source: isinstance(source, PointSource) and len(source.modes) > 0
)
STACKED = Need("Stacked MNIST, whose 1,000 modes it counts", lambda _, source: isinstance(source, Stacked))
NOT_STACKED = Need(
    "other data than Stacked MNIST, whose 1,000 classes stacked_modes counts",
    lambda _, source: not isinstance(source, Stacked),
)
CLASSIFIED = Need("data for which a classifier ships (MNIST, Fashion-MNIST)", _classifier_ships)
GIVEN_CLASS = Need("a GAN that is told the class to draw", lambda recipe, _: class_code(recipe) is not None)
LABELLED_TEST = Need("test pictures with classes", _has_labelled_test)
CATEGORY = Need("a GAN that reads a categorical code from pictures", _reads_category)
ENCODER = Need("a GAN with an encoder", lambda recipe, _: recipe.has_encoder)
CLASSIFIER = Need("a GAN with a classifier", lambda recipe, _: recipe.has_classifier)
FEW_LABELS = Need(
    "a GAN that learns classes of few labels", lambda recipe, _: "test_error" in recipe.measured
)
PLAYERS = Need("the Dirac-GAN", lambda recipe, _: "theta" in recipe.measured)
SATURATING = Need(
    "the minimax objective, and a G of known weights that D judges",
    lambda recipe, _: recipe.options.objective == "minimax" and recipe.generators == ("generator",),
)
AUGMENTED = Need(
    "adaptive augmentation", lambda recipe, _: bool(getattr(recipe.options, "adaptive_augment", False))
)
TRANSLATES = Need("a GAN that translates pictures", lambda recipe, _: bool(recipe.directions))
TWO_WAYS = Need("a GAN that translates both ways", lambda recipe, _: len(recipe.directions) > 1)
TRUTH = Need("held-out pictures whose translation is known", _knows_translations)
PAIRED = Need("pictures whose translation is known", _is_paired)
