"""Measures of translators on held-out drawings: a perfect one, one that does nothing, a blurred one."""

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from engine.metrics import picture_network
from engine.metrics.evaluate import applicable, evaluate_networks
from engine.metrics.features import as_input, pick
from engine.metrics.held_out import in_windows
from engine.metrics.psnr import psnr
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer

N = 24
SMALL = {"size": 64, "width": 4, "discriminator_width": 4, "patch": "16"}


@pytest.fixture(scope="module")
def trainer():
    return Trainer(validate({"gan": "pix2pix", "data": "line_art", "device": "cpu", "options": SMALL}))


class Answers(nn.Module):
    """A translator that knows the answers: for each input of ``given`` the picture of ``truth``."""

    def __init__(self, given, truth):
        super().__init__()
        self.given, self.truth, self.weight = given, truth, nn.Parameter(torch.zeros(1))

    def forward(self, x):
        rows = [int((self.given - one).abs().flatten(1).sum(1).argmin()) for one in x]
        return self.truth[rows]


def measured(trainer, generator, *names, network="auto"):
    networks = {**trainer.networks, "generator": generator}
    return evaluate_networks(trainer.recipe, networks, trainer.source, list(names), n=N, network=network)


def test_a_translator_that_does_nothing_gives_the_floor(trainer):
    nothing = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Identity())[1:]
    nothing.register_parameter("weight", nn.Parameter(torch.zeros(1)))
    found = measured(trainer, nothing, "differences", "feature_distance")
    for name in ("l1", "psnr", "ssim", "feature_distance"):
        assert found["figures"][name] == pytest.approx(found["floors"][name], rel=1e-5), name


@pytest.mark.parametrize("network", ["auto", "random"])
def test_a_perfect_translator_and_a_blurred_one(trainer, network):
    source = trainer.source
    given, truth = as_input(source.test_a[:N]), as_input(source.test_b[:N])
    names = ("differences", "feature_distance", "windows")
    found = measured(trainer, Answers(given, truth), *names, network=network)
    title = {"auto": "the picture classifier of this program", "random": "random convolutions (untrained)"}
    assert {found["metrics"][name]["network"] for name in names[1:]} == {title[network]}
    perfect = found["figures"]
    blurred = Answers(given, avg_pool2d(truth, 5, 1, 2))
    blurred = measured(trainer, blurred, *names, network=network)["figures"]
    assert perfect["l1"] == 0 and perfect["ssim"] == pytest.approx(1, abs=1e-4)
    assert perfect["psnr"] == pytest.approx(100)
    assert perfect["feature_distance"] == pytest.approx(0, abs=1e-5)
    assert perfect["window_fid"] == pytest.approx(0, abs=1e-2)
    for name in ("l1", "feature_distance", "window_fid", "window_kid"):
        assert blurred[name] > perfect[name], name


def test_psnr_by_hand():
    truth = torch.zeros(2, 3, 4, 4)
    made = torch.stack([torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), 0.02)])
    assert psnr(made, truth).tolist() == pytest.approx([20.0, 40.0], abs=1e-3)  # 10 log10(4 / 0.04)


def test_the_picture_network_tells_drawings_from_each_other():
    assert picture_network.ships()
    from engine.data.translations.line_art import LineArt

    source = LineArt(LineArt.Options(size=64))
    network, pictures = pick(source), as_input(source.test_b[:40])
    same = network.distance(pictures, pictures)
    shifted = network.distance(pictures, pictures.roll(1, 3))
    others = network.distance(pictures, pictures.roll(1, 0))
    assert same.abs().max() < 1e-5 and (shifted < others).float().mean() > 0.9


def test_windows_keep_their_pixels():
    pictures = torch.arange(2 * 3 * 128 * 192, dtype=torch.int64).remainder(251).to(torch.uint8)
    pictures = pictures.view(2, 3, 128, 192)
    cut = in_windows(pictures)
    assert cut.shape == (2 * 2 * 3, 3, 64, 64)
    assert torch.equal(cut[4], pictures[0, :, 64:128, 64:128])


def test_measures_of_samples_do_not_apply_to_translators(trainer):
    names = applicable(trainer.recipe, trainer.source)
    assert {"differences", "feature_distance", "windows"} <= set(names) and "fid" not in names
    with pytest.raises(BadInput, match="translates pictures"):
        evaluate_networks(trainer.recipe, trainer.networks, trainer.source, ["fid"])


def test_there_and_back_needs_both_ways():
    options = {**SMALL, "network": "resnet_6"}
    both = Trainer(
        validate({"gan": "cyclegan", "data": "drawing_styles", "device": "cpu", "options": options})
    )
    found = evaluate_networks(both.recipe, both.networks, both.source, ["cycles", "differences"], n=16)
    assert {"cycle_a", "cycle_b", "l1", "l1_back", "psnr_back", "ssim_back"} <= found["figures"].keys()
