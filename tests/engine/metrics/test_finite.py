"""What is no finite number gets no figure: no distance of 0, no share, no error that looks like one."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.data.points.ring import Ring
from engine.live.picture import picture_of
from engine.metrics import METRICS
from engine.metrics.coverage import mode_coverage
from engine.metrics.divergence import DensityComparison
from engine.metrics.evaluate import evaluate_networks
from engine.metrics.frechet import frechet_distance
from engine.metrics.inception_score import inception_score
from engine.metrics.kernel import kernel_distance
from engine.metrics.manifold import compare_manifolds
from engine.metrics.subject import Outcome
from engine.metrics.transport import transport_distance
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer

RING = Ring(Ring.Options())
OF_TWO = {
    "fid": frechet_distance,
    "kid": kernel_distance,
    "prdc": compare_manifolds,
    "transport": transport_distance,
}
OF_ONE = {
    "inception_score": inception_score,
    "modes": lambda x: mode_coverage(x, torch.as_tensor(RING.modes), 0.1),
    "jsd": DensityComparison(RING).compare,
}


def spoiled(bad):
    items = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    items[5, 1] = bad
    return items


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("measure", [*OF_TWO, *OF_ONE])
def test_a_measure_refuses_what_is_not_finite(measure, bad):
    with pytest.raises(BadInput, match="not finite numbers"):
        OF_ONE[measure](spoiled(bad)) if measure in OF_ONE else OF_TWO[measure](
            torch.randn(64, 2), spoiled(bad)
        )


def trainer_of(gan, data, **options):
    return Trainer(validate({"gan": gan, "data": data, "device": "cpu", "options": options}))


def spoil(network: nn.Module):
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(float("nan"))


def test_a_translator_of_nan_gets_no_figures():
    trainer = trainer_of("pix2pix", "line_art", size=64, width=4, discriminator_width=4, patch="16")
    spoil(trainer.networks["generator"])
    with pytest.raises(BadInput, match="translator's outputs are not finite numbers"):
        evaluate_networks(trainer.recipe, trainer.networks, trainer.source, ["l1"], n=16)
    assert all(
        value != value for name, value in picture_of(trainer.shown()).measure().items() if name != "samples"
    )


def test_what_cannot_be_measured_is_left_out_with_its_reason():
    trainer = trainer_of("pix2pix", "line_art", size=64, width=4, discriminator_width=4, patch="16")
    source = trainer.source
    one = type("One", (type(source),), {"test_a": source.test_a[:1], "test_b": source.test_b[:1]})
    found = evaluate_networks(trainer.recipe, trainer.networks, one(source.options), ["l1", "window_fid"])
    assert {"l1", "psnr", "ssim"} == found["figures"].keys()
    assert found["warnings"] == ["Distributions of windows is left out: 1 of each are too few; it takes 2."]
    spoil(trainer.networks["generator"])
    found = evaluate_networks(trainer.recipe, trainer.networks, source, ["l1"], n=16, must_find=False)
    assert not found["figures"] and "not finite numbers" in found["warnings"][0]


def test_a_generator_of_nan_has_no_classes_on_the_live_page():
    trainer = trainer_of("dcgan", "mnist", width=4, batch_size=8)
    spoil(trainer.networks["generator"])
    assert picture_of(trainer.shown()).measure() == {"samples": 256}


def test_a_classifier_of_nan_has_no_error():
    trainer = trainer_of("semi_supervised", "mnist", batch_size=8)
    spoil(trainer.networks["discriminator"])
    networks = {name: network.eval() for name, network in trainer.networks.items()}
    with torch.no_grad():
        assert trainer.recipe.figures(networks, trainer.source) == {}
        with pytest.raises(BadInput, match="answers are not finite numbers"):
            evaluate_networks(trainer.recipe, networks, trainer.source, ["classifier_error"], n=16)


def test_a_figure_that_is_not_finite_is_left_out_and_said(monkeypatch):
    def measure(subject):
        return Outcome({"modes_hit": float("nan"), "share": 0.5})

    monkeypatch.setitem(METRICS, "modes", replace(METRICS["modes"], evaluate=measure))
    trainer = trainer_of("gan", "ring", hidden=8)
    found = evaluate_networks(trainer.recipe, trainer.networks, trainer.source, ["modes"], n=16)
    assert found["figures"] == {"share": 0.5}
    assert found["warnings"] == ["modes_hit is left out: it is not a finite number."]
