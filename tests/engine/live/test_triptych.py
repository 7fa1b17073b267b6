"""The live picture of a run that translates."""

import copy
import io

import numpy as np
import pytest
import torch
from PIL import Image

from engine.live import frames
from engine.live.picture import picture_of
from engine.live.triptych import correlation, patch_colours, share_among
from engine.training.request import validate
from engine.training.trainer import Trainer

SMALL = {"size": 64, "width": 4, "discriminator_width": 4, "patch": "16", "network": "resnet_6"}


def to_bytes(x):
    return ((x + 1) * 127.5).round().to(torch.uint8).numpy()


def make(gan, data):
    trainer = Trainer(validate({"gan": gan, "data": data, "device": "cpu", "options": SMALL}))
    return trainer, picture_of(trainer.shown())


@pytest.mark.parametrize(
    ("gan", "data", "title", "exhibits"),
    [
        ("pix2pix", "line_art", "input | output | target", ["patches"]),
        ("cyclegan", "drawing_styles", "A | B\u2032 | A\u2033", ["back", "patches"]),
    ],
)
def test_a_frame_shows_each_step_of_a_translation(gan, data, title, exhibits):
    _, picture = make(gan, data)
    header, arrays = frames.unpack(picture.frame({"step": 3}))
    assert header["step"] == 3 and header["title"] == title and header["grid"] == [4, 3]
    assert [one["name"] for one in header["exhibits"]] == exhibits
    shown = Image.open(io.BytesIO(arrays["samples"]))
    assert shown.size == (3 * 64, 4 * 64)
    first = np.array(shown.convert("RGB").crop((0, 0, 64, 64)))  # (H, W, 3)
    assert np.array_equal(first.transpose(2, 0, 1), to_bytes(picture.held_out["a"][0]))
    for one in header["exhibits"]:
        rows, columns = one["grid"]
        assert Image.open(io.BytesIO(arrays[f"exhibit_{one['name']}"])).size == (columns * 64, rows * 64)
    real, _ = frames.unpack(picture.real())
    assert real["grid"] == [4, 4] and Image.open(io.BytesIO(picture.thumbnail())).size == (160, 160)


def test_measuring_and_drawing_change_nothing():
    trainer, picture = make("pix2pix", "line_art")
    trainer.iterate()
    before = copy.deepcopy(trainer.state())
    found = picture.measure()
    picture.frame({})
    among = {"test_among_inputs", "test_among_targets"}
    assert {"samples", "test_l1", "test_psnr", "test_variety", "test_light"} | among == found.keys()
    assert found["test_among_targets"] == 0  # an untrained network's
    after = trainer.state()
    for name, network in before["networks"].items():
        assert all(torch.equal(value, after["networks"][name][key]) for key, value in network.items())
    for name, state in before["random"].items():
        assert torch.equal(state, after["random"][name])


def test_both_ways_are_measured_where_the_truth_is_known():
    _, picture = make("cyclegan", "drawing_styles")
    found = picture.measure()
    assert {
        "test_l1",
        "test_l1_back",
        "test_psnr",
        "test_psnr_back",
        "test_cycle_a",
        "test_cycle_b",
    } <= found.keys()


def test_pictures_lie_among_their_own_kind_and_grey_or_negatives_among_none():
    _, picture = make("pix2pix", "line_art")
    a, b = picture.held_out["a"], picture.held_out["b"]
    assert share_among(b[1::2], b[::2]) > 0.7 > 0.05 > share_among(-b, b) == share_among(0 * b, a)


def test_light_that_is_turned_round_is_minus_one_and_a_flat_picture_says_nothing():
    x = torch.rand(3, 8, 8)
    x[2] = -1.0
    assert torch.allclose(correlation(x, 0.3 - x / 2), torch.tensor([-1.0, -1.0, 0.0]), atol=1e-4)


def test_patches_are_green_white_and_purple():
    colours = ((patch_colours(torch.tensor([1.0, 0.5, 0.0]).view(3, 1, 1, 1)) + 1) * 127.5).round()
    assert colours.view(3, 3).tolist() == [[27, 120, 55], [255, 255, 255], [118, 42, 131]]


def test_lively_pairs_are_shown_and_none_is_lost():
    trainer, picture = make("pix2pix", "line_art")
    a, b = picture.held_out["a"].mean(1), picture.held_out["b"].mean(1)
    apart = (a - b).flatten(1).std(1)
    assert bool((apart[:4] >= apart.median()).all()) and apart[0] > apart[3]
    every = {bytes(to_bytes(one)) for one in picture.held_out["b"]}
    assert every == {one.numpy().tobytes() for one in trainer.source.test_b[: len(apart)]}
