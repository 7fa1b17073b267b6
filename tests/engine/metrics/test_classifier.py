"""The classifier that ships, how it counts classes, and that its training works and repeats."""

import json
import math
import subprocess
import sys

import pytest
import torch

from engine import PRETRAINED
from engine.data import DATASETS
from engine.data.pictures.fashion import Fashion
from engine.data.pictures.mnist import DigitsOptions, Mnist
from engine.data.source import ImageSource
from engine.metrics import METRICS
from engine.metrics.classes import ClassCounter
from engine.metrics.classifier import accuracy, jitter, save, train
from engine.metrics.network import Classifier, load, ships
from engine.options import NotFound

SHIPPED = sorted({source.classifier for source in DATASETS.values() if source.classifier})


class Halves(ImageSource):
    """Class 0 is bright above, class 1 below, with noise."""

    title, licence = "Halves", "none"
    shape, classes = (1, 28, 28), ("above", "below")
    labels = torch.arange(256) % 2
    images = torch.randint(
        0, 100, (256, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    images[labels == 0, :, :14] += 150
    images[labels == 1, :, 14:] += 150


@pytest.mark.parametrize("size", [28, 32])
def test_mnist_is_read_as_well_as_the_card_says(size):
    source = Mnist(DigitsOptions(size=size))
    stated = json.loads((PRETRAINED / "mnist-classifier" / "config.json").read_text())["test_accuracy"]
    assert stated >= 0.992
    right = accuracy(load("mnist-classifier"), source.test_images[:2000], source.test_labels[:2000])
    assert right == pytest.approx(stated, abs=0.006)  # three standard deviations of 2,000 answers


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_described(name):
    assert ships(name)
    folder = PRETRAINED / name
    card, config = (folder / "card.md").read_text(), json.loads((folder / "config.json").read_text())
    assert f"{config['test_accuracy']:.2%}" in card and "python -m engine.metrics.classifier" in card
    assert sum(parameter.numel() for parameter in load(name).parameters()) < 300_000
    assert not any(parameter.requires_grad for parameter in load(name).parameters())


@pytest.mark.skipif(Fashion.missing() is not None, reason="Fashion-MNIST is not on this machine")
def test_fashion_is_read_as_well_as_the_card_says():
    stated = json.loads((PRETRAINED / "fashion-classifier" / "config.json").read_text())["test_accuracy"]
    source = Fashion()
    right = accuracy(load("fashion-classifier"), source.test_images[:2000], source.test_labels[:2000])
    assert right == pytest.approx(stated, abs=0.018)  # three standard deviations of 2,000 answers


def test_a_classifier_that_does_not_ship_is_not_found():
    with pytest.raises(NotFound, match="no classifier"):
        load("cats-classifier")


class TestCounting:
    def pictures(self, digits):
        source = Mnist()
        chosen = torch.cat([(source.test_labels == digit).nonzero()[:40, 0] for digit in digits])
        return source.test_images[chosen].float() / 127.5 - 1

    def test_real_digits_have_the_data_s_shares(self):
        counter = ClassCounter.for_source(Mnist())
        found = counter.count(self.pictures(range(10)))
        assert set(found) == {"class_kl", *METRICS["classes"].fields, "samples"}
        assert found["class_histogram"] == pytest.approx([0.1] * 10, abs=0.01)
        assert found["class_kl"] < 0.01 and found["classes_hit"] == 10 and found["samples"] == 400

    def test_one_digit_alone(self):
        counter = ClassCounter.for_source(Mnist())
        found = counter.count(self.pictures([1]))
        assert found["class_histogram"][1] > 0.95 and found["classes_hit"] == 1
        assert found["class_kl"] == pytest.approx(-math.log(counter.shares[1]), abs=0.15)

    def test_32_pixels_count_like_28(self):
        pictures = self.pictures([3, 5])
        counter = ClassCounter.for_source(Mnist())
        padded = torch.nn.functional.pad(pictures, [2] * 4, value=-1.0)
        assert counter.count(padded) == counter.count(pictures)

    def test_no_counter_where_no_classifier_ships(self):
        assert ClassCounter.for_source(Halves()) is None


class TestTraining:
    def test_it_learns_and_repeats(self, tmp_path):
        torch.set_num_threads(1)
        first = train(Halves(), epochs=6, seed=0, batch_size=32)
        assert accuracy(first, Halves.images, Halves.labels) > 0.95
        again = train(Halves(), epochs=6, seed=0, batch_size=32)
        for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
            assert torch.equal(a, b)
        save(first, tmp_path, "card", {"test_accuracy": 1.0})
        network = json.loads((tmp_path / "config.json").read_text())["network"]
        assert network == {"classes": 2, "width": 16}
        assert Classifier(**network).state_dict().keys() == first.state_dict().keys()

    def test_jitter_moves_pictures_a_little_and_keeps_the_ground(self):
        torch.manual_seed(0)
        dot = torch.full((200, 1, 28, 28), -1.0)
        dot[:, :, 14, 14] = 1.0
        moved = jitter(dot)
        assert moved.shape == dot.shape and moved.min() >= -1.00001 and moved.max() <= 1.00001
        place = moved.flatten(1).argmax(1)
        off = torch.stack([place % 28, place // 28], 1) - 14
        assert off.abs().max() <= 4 and len(off.unique(dim=0)) > 10
        assert (moved[:, :, 0, 0] == -1).all()


def test_the_command_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "engine.metrics.classifier", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--data" in done.stdout and done.stderr == ""
