"""What a trained generator is measured by. To add a measure: a function of a ``Subject``, and an entry in
``EVALUATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from engine.data.pictures.stacked import Stacked
from engine.data.source import ImageSource, PointSource, Source
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Recipe
from engine.metrics import held_out, measures
from engine.metrics.measures import class_code
from engine.metrics.network import ships
from engine.metrics.subject import Outcome, Subject


@dataclass(frozen=True)
class Figure:
    """One number: what it is called, what it says with unit and range, and which way is better."""

    title: str
    sentence: str
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class Evaluation:
    """A measure. ``needs`` says why it does not apply to a GAN and its data, or ``None`` if it does;
    ``floor`` what its floors are; ``looks`` whether the figures depend on the feature network.
    """

    title: str
    sentence: str
    figures: dict[str, Figure]
    floor: str
    needs: Callable[[Recipe, Source], str | None]
    measure: Callable[[Subject], Outcome]
    looks: bool = False


# --- what each needs


def _images(recipe: Recipe, source: Source) -> str | None:
    if isinstance(source, PointSource):
        return "it compares pictures, and the data are points"
    return _samples(recipe, source)


def _samples(recipe: Recipe, source: Source) -> str | None:
    return "it draws samples, and this GAN translates pictures" if recipe.directions else None


def _translations(recipe: Recipe, source: Source) -> str | None:
    if not recipe.directions or not isinstance(source, TranslationSource):
        return "it needs a GAN that translates pictures"
    if source.test_a is None or source.test_b is None or not source.test_is_paired:
        return "it needs held-out pictures whose translation is known"
    return None


def _both_ways(recipe: Recipe, source: Source) -> str | None:
    if len(recipe.directions) < 2:
        return "it needs a GAN that translates both ways"
    return _translations(recipe, source)


def _each_way(figures: dict[str, Figure]) -> dict[str, Figure]:
    """The figures, and the same for the way from B to A."""
    back = {f"{key}_back": replace(one, title=f"{one.title}, B to A") for key, one in figures.items()}
    return figures | back


def _points(recipe: Recipe, source: Source) -> str | None:
    return None if isinstance(source, PointSource) else "it needs points of known density"


def _mixture(recipe: Recipe, source: Source) -> str | None:
    known = isinstance(source, PointSource) and len(source.modes)
    return None if known else "it needs 2-D data with modes"


def _stacked(recipe: Recipe, source: Source) -> str | None:
    return None if isinstance(source, Stacked) else "it counts the 1,000 modes of Stacked MNIST"


def _knows_classes(recipe: Recipe, source: Source) -> str | None:
    if source.classifier and ships(source.classifier):
        return None
    return "it needs data for which a classifier ships (MNIST, Fashion-MNIST)"


def _given_class(recipe: Recipe, source: Source) -> str | None:
    if class_code(recipe) is None:
        return "it needs a GAN that is told the class to draw"
    return _knows_classes(recipe, source)


def _labelled_test(recipe: Recipe, source: Source) -> str | None:
    if isinstance(source, ImageSource) and source.labels is not None and source.test_labels is not None:
        return None
    return "it needs test images with classes"


def _category(recipe: Recipe, source: Source) -> str | None:
    if not recipe.reads_codes or not recipe.codes or recipe.codes[0].kind != "categorical":
        return "it needs a GAN that reads a categorical code from pictures"
    return _labelled_test(recipe, source)


def _encoder(recipe: Recipe, source: Source) -> str | None:
    return _labelled_test(recipe, source) if recipe.has_encoder else "it needs a GAN with an encoder"


def _codes_images(recipe: Recipe, source: Source) -> str | None:
    return _images(recipe, source) if recipe.has_encoder else "it needs a GAN with an encoder"


def _classifier(recipe: Recipe, source: Source) -> str | None:
    return _labelled_test(recipe, source) if recipe.has_classifier else "it needs a GAN with a classifier"


_REAL = "as many other real images in the samples' place"
_INPUT = "the input itself in the output's place"

EVALUATIONS: dict[str, Evaluation] = {
    "fid": Evaluation(
        "Fréchet distance (FID)",
        "How far apart the Gaussians lie that fit the features of samples and of real images.",
        {"fid": Figure("FID", "0 is equal; compare equal N and the same network only.", "lower")},
        _REAL,
        _images,
        measures.fid,
        looks=True,
    ),
    "kid": Evaluation(
        "Kernel distance (KID)",
        "Like FID, without assuming Gaussians, and without a bias for few samples.",
        {"kid": Figure("KID", "0 is equal; chance takes it a little below.", "lower")},
        _REAL,
        _images,
        measures.kid,
        looks=True,
    ),
    "inception_score": Evaluation(
        "Inception-style score",
        "Is a classifier sure of each sample, and does it find all classes?",
        {"inception_score": Figure("Inception-style score", "From 1 to the number of classes.", "higher")},
        _REAL,
        lambda recipe, source: (
            "its 1,000 classes are counted by stacked_modes instead"
            if isinstance(source, Stacked)
            else _images(recipe, source)
        ),
        measures.score,
        looks=True,
    ),
    "prdc": Evaluation(
        "Precision, recall, density, coverage",
        "Are samples good (precision, density), and are they all there is (recall, coverage)?",
        {
            "precision": Figure("Precision", "Share of samples among real neighbours, 0..1.", "higher"),
            "recall": Figure("Recall", "Share of real items among samples, 0..1.", "higher"),
            "density": Figure("Density", "Real neighbours around samples; about 1 for real data.", "higher"),
            "coverage": Figure("Coverage", "Share of real items with a sample near, 0..1.", "higher"),
        },
        "as many other real items in the samples' place",
        _samples,
        measures.prdc,
        looks=True,
    ),
    "memorisation": Evaluation(
        "Memorisation",
        "Are samples nearer to training images than unseen real images are?",
        {"memorised": Figure("Memorised", "Share as near as 1 % of unseen real images are.", "lower")},
        "unseen real images in the samples' place",
        _images,
        measures.memorised,
    ),
    "modes": Evaluation(
        "Mode coverage",
        "How many clusters of the data are reached, and how many samples belong to one.",
        {
            "modes_hit": Figure("Modes", "Modes with a sample within three standard deviations.", "higher"),
            "share": Figure("Share", "Samples within three standard deviations; 0.989 is perfect.", "higher"),
        },
        "as many real points",
        _mixture,
        measures.modes,
    ),
    "divergence": Evaluation(
        "Jensen-Shannon divergence",
        "How far generated from real density, both blurred alike.",
        {"jsd": Figure("JSD", "In nats: 0 is equal, 0.693 is disjoint.", "lower")},
        "as many real points",
        _points,
        measures.divergence,
    ),
    "transport": Evaluation(
        "Optimal transport",
        "How far the samples must be carried to lie where as many real points do.",
        {"transport": Figure("Distance", "Wasserstein-1, in data units; 0 is best.", "lower")},
        "as many real points",
        _points,
        measures.transport,
    ),
    "stacked_modes": Evaluation(
        "Modes of Stacked MNIST",
        "How many of the 1,000 triples of digits appear, and how evenly, as the digit classifier reads them.",
        {
            "modes_hit": Figure("Modes", "Of 1,000.", "higher"),
            "modes_kl": Figure("KL to uniform", "In nats: 0 is even, 6.9 a single mode.", "lower"),
        },
        "as many real images",
        _stacked,
        measures.stacked_modes,
    ),
    "class_agreement": Evaluation(
        "Class agreement",
        "Does an independent classifier see the class that G was told to draw?",
        {"class_agreement": Figure("Agreement", "Share of samples, 0..1.", "higher")},
        "the same classifier on real test images",
        _given_class,
        measures.class_agreement,
    ),
    "code_error": Evaluation(
        "Code error",
        "How often the code that the GAN reads from a test image means another class than it shows.",
        {"code_error": Figure("Code error", "Share of test images, 0..1.", "lower")},
        "",
        _category,
        measures.code_error,
    ),
    "encoding": Evaluation(
        "Encoding",
        "What is left of test images once encoded and decoded, and how far from the prior their codes are.",
        {
            "reconstruction_error": Figure(
                "Reconstruction error", "Mean square over numbers in -1..1, at most 4.", "lower"
            ),
            "prior_distance": Figure(
                "Prior distance",
                "Energy distance of codes from it, in the latent's units; 0 is equal.",
                "lower",
            ),
        },
        "as many principal components in the networks' place; draws of the prior in the codes' place",
        _codes_images,
        measures.encoding_kept,
    ),
    "encoder_1nn": Evaluation(
        "Nearest neighbour of the encoder",
        "Does the nearest training image, by what the encoder makes of it, have the test image's class?",
        {
            "encoder_1nn": Figure("1-NN accuracy", "Share of test images, 0..1.", "higher"),
            "encoder_hidden_1nn": Figure(
                "1-NN accuracy, last hidden layer", "Share of test images, 0..1.", "higher"
            ),
        },
        "raw pixels in place of the encoder",
        _encoder,
        measures.encoder_neighbour,
    ),
    "classifier_error": Evaluation(
        "Test error of the classifier",
        "How often the GAN's own classifier names the wrong class.",
        {"classifier_error": Figure("Test error", "Share of test images, 0..1.", "lower")},
        "",
        _classifier,
        measures.classifier_error,
    ),
    "differences": Evaluation(
        "Difference from the truth",
        "How far translations of held-out pictures are from what they should be, pixel by pixel.",
        _each_way(
            {
                "l1": Figure("L1", "Mean difference on -1 to 1: 0 is equal.", "lower"),
                "psnr": Figure("PSNR", "Peak signal over noise, in dB.", "higher"),
                "ssim": Figure("SSIM", "Likeness of structure, up to 1.", "higher"),
            }
        ),
        _INPUT,
        _translations,
        held_out.differences,
    ),
    "feature_distance": Evaluation(
        "Feature distance",
        "How different output and truth look to the feature network; blur counts, shifts hardly do.",
        _each_way(
            {"feature_distance": Figure("Feature distance", "0 is equal; compare equal networks.", "lower")}
        ),
        _INPUT,
        _translations,
        held_out.feature_distance,
        looks=True,
    ),
    "windows": Evaluation(
        "Distributions of windows",
        "FID and KID of 64 px windows of outputs and of true pictures.",
        _each_way(
            {
                "window_fid": Figure("FID of windows", "0 is equal; compare equal N and network.", "lower"),
                "window_kid": Figure("KID of windows", "0 is equal; chance takes it below.", "lower"),
            }
        ),
        "windows of training targets in the outputs' place",
        _translations,
        held_out.distributions,
        looks=True,
    ),
    "cycles": Evaluation(
        "There and back",
        "How far a picture is from itself after both translations, on -1 to 1.",
        {
            "cycle_a": Figure("Cycle A", "Mean |back(G(a)) - a|.", "lower"),
            "cycle_b": Figure("Cycle B", "Mean |G(back(b)) - b|.", "lower"),
        },
        "",
        _both_ways,
        held_out.cycles,
    ),
}
