"""How a ``Subject`` is measured: one function for each entry of ``engine.metrics.METRICS``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import stdev
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from engine.data.source import PointSource
from engine.game.recipe import Code, Networks, Recipe
from engine.latent.encoding import prior_match, reconstruct
from engine.metrics import memorisation
from engine.metrics.coverage import mode_coverage
from engine.metrics.divergence import DensityComparison
from engine.metrics.features import as_input, digits_of, pick
from engine.metrics.frechet import frechet_distance
from engine.metrics.inception_score import inception_score
from engine.metrics.kernel import kernel_distance
from engine.metrics.manifold import NEAR, NEIGHBOURS, compare_manifolds
from engine.metrics.matching import count_pairs, match_codes
from engine.metrics.modes import count_modes
from engine.metrics.neighbours import neighbour_accuracy
from engine.metrics.network import load
from engine.metrics.real import fingerprint, once
from engine.metrics.subject import USUAL, Outcome, Subject
from engine.metrics.transport import MOST, PAIRED, transport_distance, transport_floor

MODE_SAMPLES = 2_500  # Srivastava et al. 2017, table 1
STACKED_SAMPLES = 26_000  # Metz et al. 2017, section 3.3.1
MODES = 1000  # of Stacked MNIST
COMPONENTS_OF = 2_000  # training images: more hardly move the first directions, and take long
RESPLITS, FEWER_RESPLITS = 16, 4  # of real images, for the spread of FID's floor; where it takes long
FEW_DIMENSIONS = 512
MEMORY_SAMPLES = 2_000  # each is compared with every training image
T = TypeVar("T")


def class_code(recipe: Recipe) -> Code | None:
    """The class that G is given, if it is given one."""
    return next((code for code in recipe.codes if code.given and code.kind == "categorical"), None)


# --- of samples


def fid(subject: Subject) -> Outcome:
    """The Fréchet distance of samples and real images."""
    real = subject.real
    floor, spread = _floor(subject, "fid", lambda: fid_floor(real.reference, real.other, subject.say))
    found = _compared(subject, {"fid": frechet_distance(real.reference, subject.fake)}, {"fid": floor})
    found.spreads["fid"] = spread
    if len(real.reference) <= (dimensions := subject.network.dimensions):
        items = f"{len(real.reference):,} images in {dimensions:,} dimensions"
        found.warnings.append(f"FID of {items} says little: compare KID instead.")
    return found


def fid_floor(
    reference: Tensor, other: Tensor, say: Callable[[str, int, int], None] = lambda *_: None
) -> tuple[float, float]:
    """The Fréchet distance of two sets (N, D) of real features, and by how much chance moves it: the standard
    deviation over halves of all that are drawn anew.
    """
    both, random = torch.cat([reference, other]), torch.Generator().manual_seed(0)
    draws = RESPLITS if reference.shape[1] <= FEW_DIMENSIONS else FEWER_RESPLITS
    found = []
    for draw in range(draws):
        say("the spread of FID's floor", draw, draws)
        halves = both[torch.randperm(len(both), generator=random)].split(len(reference))
        found.append(frechet_distance(halves[0], halves[1]))
    return frechet_distance(reference, other), stdev(found)


def kid(subject: Subject) -> Outcome:
    """The kernel distance of samples and real images."""
    real = subject.real
    value, spread = kernel_distance(real.reference, subject.fake, subject.seed)
    floor, _ = _floor(subject, "kid", lambda: kernel_distance(real.reference, real.other))
    return _compared(subject, {"kid": value}, {"kid": floor}, spread=spread)


def score(subject: Subject) -> Outcome:
    """The inception score, where the feature network knows classes."""
    network, real = subject.network, subject.real
    if network.head is None:
        return Outcome({}, warnings=[f"No inception score: {network.title} knows no classes."])
    value, spread = inception_score(network.logits(subject.fake), subject.seed)
    floor, _ = _floor(subject, "score", lambda: inception_score(network.logits(real.other)))
    return _compared(subject, {"inception_score": value}, {"inception_score": floor}, spread=spread)


def prdc(subject: Subject) -> Outcome:
    """Precision, recall, density and coverage of samples among real items."""
    real = subject.real
    floors = _floor(subject, "prdc", lambda: compare_manifolds(real.reference, real.other))
    told = {"neighbours_of_precision": NEAR, "neighbours_of_density": NEIGHBOURS}
    return _compared(subject, compare_manifolds(real.reference, subject.fake), floors, **told)


def _floor(subject: Subject, what: str, make: Callable[[], T]) -> T:
    """``make()``, once for the data, the network and N."""
    return once((*fingerprint(subject.source), subject.network.name, subject.size, what), make)


def _compared(
    subject: Subject, figures: dict[str, float], floors: dict[str, float], **details: Any
) -> Outcome:
    real = subject.real
    told = {"n": len(real.reference), "against": real.reference_is, "floor": real.other_is}
    return Outcome(figures, floors, told | details)


def memorised(subject: Subject) -> Outcome:
    """The share of samples as near to a training image as unseen real images hardly ever are."""
    source, n = subject.images, subject.n or MEMORY_SAMPLES
    training = source.images if subject.n is None else source.images[_some(len(source.images), 12 * n)]
    yardstick = once(
        (*fingerprint(source), n, len(training), "nearness"),
        lambda: memorisation.nearness(training, source.test_images, n, progress=subject.progress),
    )
    distances, _ = memorisation.to_training(subject.drawn(n)[1], training, progress=subject.progress)
    share = yardstick.share(distances)
    details = {
        "n": n,
        "training_images": len(training),
        "median_distance": float(distances.median()),
        "median_distance_of_real": float(yardstick.distances.median()),
        "compared_with": "test images" if source.test_images is not None else "each training image's others",
    }
    floors = {"memorised": yardstick.share(yardstick.distances)}
    return Outcome(
        {"memorised": share}, floors, details, memorisation.warnings_for(share, len(source.images))
    )


def _some(total: int, count: int) -> Tensor:
    return torch.randperm(total, generator=torch.Generator().manual_seed(0))[:count]


def modes(subject: Subject) -> Outcome:
    """Which modes of 2-D data are reached."""
    source, n = subject.source, subject.n or MODE_SAMPLES
    assert isinstance(source, PointSource)
    modes, sd = torch.from_numpy(source.modes), source.sd or 0.0
    found = mode_coverage(subject.drawn(n)[1], modes, sd)
    real = mode_coverage(source.sample(n, torch.Generator().manual_seed(2)), modes, sd)
    names = ("modes_hit", "share", "modes_kl")
    details = {"n": n, "modes_total": len(modes), "histogram": found["histogram"]}
    figures = {name: found[name] for name in names if name in found}  # without a good sample there is no KL
    return Outcome(figures, {name: real[name] for name in figures}, details)


def divergence(subject: Subject) -> Outcome:
    """The Jensen-Shannon divergence of 2-D data."""
    source, n = subject.source, subject.n or MODE_SAMPLES
    assert isinstance(source, PointSource)
    comparison = DensityComparison(source)
    found, _ = comparison.compare(subject.drawn(n)[1])
    return Outcome({"jsd": found}, {"jsd": comparison.floor(n)}, {"n": n, "bandwidth": comparison.bandwidth})


def transport(subject: Subject) -> Outcome:
    """The 1-Wasserstein distance of 2-D data."""
    source, n = subject.source, min(subject.n or PAIRED, MOST)
    assert isinstance(source, PointSource)
    real = source.sample(n, torch.Generator().manual_seed(2))
    found = transport_distance(real, subject.drawn(n)[1])
    floor, spread = once((*fingerprint(source), n, "transport"), lambda: transport_floor(source, n))
    return Outcome({"transport": found}, {"transport": floor}, {"n": n}, spreads={"transport": spread})


def stacked_modes(subject: Subject) -> Outcome:
    """How many of the 1,000 triples of digits are drawn, and how evenly."""
    n = subject.n or STACKED_SAMPLES
    network = pick(subject.source, "classifier", str(subject.device))

    def count(images: Tensor) -> tuple[int, float]:
        digits = digits_of(network, network.read(images, subject.progress))  # (N, 3)
        return count_modes(digits @ torch.tensor([100, 10, 1]), MODES)

    key = (*fingerprint(subject.source), network.name, n, "modes")
    real_hit, real_kl = once(key, lambda: count(subject.images.images[:n]))
    hit, kl = count(subject.drawn(n)[1])
    floors = {"modes_hit": float(real_hit), "modes_kl": real_kl}
    return Outcome(
        {"modes_hit": hit, "modes_kl": kl}, floors, {"n": n, "modes_total": MODES, "classifier": network.name}
    )


# --- of what certain GANs promise


def class_agreement(subject: Subject) -> Outcome:
    """Whether the classifier that ships sees the class that G was given."""
    source, code, n = subject.images, class_code(subject.recipe), subject.n or USUAL
    assert code is not None and source.classifier
    classifier = load(source.classifier, str(subject.device))
    latents, samples = subject.drawn(n)
    asked = code.of(latents).argmax(1)  # (N,)
    right = subject.ask(lambda _, x: classifier(x), samples).argmax(1) == asked
    by_class = {
        label: round(float(right[asked == number].double().mean()), 4)
        for number, label in enumerate(source.classes or ())
        if bool((asked == number).any())
    }
    floors = {}
    if source.test_images is not None and source.test_labels is not None:
        images, labels = subject.test()
        found = subject.ask(lambda _, x: classifier(x), images).argmax(1)
        floors["class_agreement"] = float((found == labels).double().mean())
    details = {"n": n, "classifier": source.classifier, "by_class": by_class}
    return Outcome({"class_agreement": float(right.double().mean())}, floors, details)


def code_error(subject: Subject) -> Outcome:
    """The categorical code that the GAN reads from test images, as a classifier."""
    code, classes = subject.recipe.codes[0], len(subject.images.classes or ())
    (images, labels), (test, test_labels) = subject.training(), subject.test()
    chosen = _some(len(images), len(test))  # enough to match by; reading all would only take longer
    read = subject.ask(subject.recipe.read_codes, images[chosen]).argmax(1)  # (N,)
    means, how = match_codes(count_pairs(read, labels[chosen], code.size, classes))
    found = means[subject.ask(subject.recipe.read_codes, test).argmax(1)]
    error = float((found != test_labels).double().mean())
    details = {
        "test_images": len(test),
        "matched_on": f"{len(chosen):,} training images",
        "matching": how,
        "classes_of_codes": means.tolist(),
    }
    return Outcome({"code_error": error}, details=details)


def encoding_kept(subject: Subject) -> Outcome:
    """What encoder and generator keep of held-out images, beside as many principal components of training
    images, and how near the codes come to the prior.
    """
    recipe, source = subject.recipe, subject.images
    held = (source.images if source.test_images is None else source.test_images)[: subject.n or USUAL]
    codes = subject.ask(recipe.encode, held)  # (N, latent_dim)
    returned = subject.ask(partial(reconstruct, recipe), held)  # (N, C, H, W)
    match, size = prior_match(recipe, codes), codes.shape[1]

    def linear() -> float:
        rows, x = (as_input(part).flatten(1) for part in (source.images[:COMPONENTS_OF], held))
        mean = rows.mean(0)
        directions = torch.linalg.svd(rows - mean, full_matrices=False).Vh[:size]  # (size, C H W)
        return float(mse_loss((x - mean) @ directions.T @ directions, x - mean))

    floor = once((*fingerprint(source), len(held), size, "components"), linear)
    return Outcome(
        {
            "reconstruction_error": float(mse_loss(returned, as_input(held))),
            "prior_distance": match["prior_distance"],
        },
        {"reconstruction_error": floor, "prior_distance": match["prior_floor"]},
        {
            "n": len(held),
            "images": f"{len(held):,} {'training' if source.test_images is None else 'test'} images",
            "dimensions": size,
        },
    )


def encoder_neighbour(subject: Subject) -> Outcome:
    """How well what the encoder makes of images sorts them by class, beside raw pixels: its output, and what
    its last layer is given, the features of Donahue et al. 2017, table 1.
    """
    recipe, (images, labels), (test, test_labels) = subject.recipe, subject.training(), subject.test()

    def accuracy(encode: Callable[[Networks, Tensor], Tensor]) -> tuple[float, int]:
        features, test_features = subject.ask(encode, images), subject.ask(encode, test)
        found = neighbour_accuracy(features, labels, test_features, test_labels, subject.progress)
        return found, features.shape[1]

    encode = getattr(recipe, "encoder_features", recipe.encode)  # where a GAN offers better ones than latents
    found, dimensions = accuracy(encode)
    figures = {"encoder_1nn": found}
    details = {"training_images": len(images), "test_images": len(test), "dimensions": dimensions}
    if last := last_linear(subject.networks.get("encoder")):
        hidden, details["hidden_dimensions"] = accuracy(
            lambda networks, x: given_to(last, networks["encoder"], x)
        )
        figures["encoder_hidden_1nn"] = hidden
    pixels = once(
        (*fingerprint(subject.source), len(images), len(test), "pixel neighbours"),
        lambda: neighbour_accuracy(images, labels, test, test_labels, subject.progress),
    )
    return Outcome(figures, dict.fromkeys(figures, pixels), details)


def last_linear(network: nn.Module | None) -> nn.Linear | None:
    """The linear layer that a network ends in, if others come before it."""
    layers = [part for part in network.modules() if not list(part.children())] if network else []
    return layers[-1] if len(layers) > 2 and isinstance(layers[-1], nn.Linear) else None


def given_to(layer: nn.Module, network: nn.Module, x: Tensor) -> Tensor:
    """What ``layer`` is given when ``network`` is asked about ``x``, a row each: (N, F)."""
    given: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].flatten(1)))
    try:
        network(x)
    finally:
        hook.remove()
    return given[-1]


def classifier_error(subject: Subject) -> Outcome:
    """The GAN's own classifier on test images."""
    test, labels = subject.test()
    wrong = int((subject.ask(subject.recipe.classify, test).argmax(1) != labels).sum())
    return Outcome(
        {"classifier_error": wrong / len(test)}, details={"test_images": len(test), "wrong": wrong}
    )
