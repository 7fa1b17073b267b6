"""Stacked MNIST is MNIST three times over, and its classes are what it shows."""

import torch

from engine.data.pictures.mnist import DigitsOptions, read
from engine.data.pictures.stacked import Stacked, digits


def test_each_channel_is_the_digit_that_the_class_spells():
    stacked = Stacked()
    assert stacked.images.shape == (55_000, 3, 28, 28) and stacked.test_images.shape == (10_000, 3, 28, 28)
    for which, images, labels in (
        ("train", stacked.images, stacked.labels),
        ("test", stacked.test_images, stacked.test_labels),
    ):
        grey, ten = read(which, 28, "families")
        for place in (0, 1, 2500, 9_999):
            spelt = stacked.classes[labels[place]]
            for channel, digit in enumerate(spelt):
                source = digits(which, "families")[place, channel]
                assert ten[source] == int(digit)
                assert torch.equal(images[place, channel], grey[source, 0])
    assert stacked.images is Stacked().images  # one copy a process


def test_each_digit_is_used_once_a_channel_and_all_modes_are_there():
    for which, count in (("train", 55_000), ("test", 10_000)):
        for channel in digits(which, "families").unbind(1):
            assert torch.equal(channel.sort().values, torch.arange(count))
    modes = Stacked().labels.bincount(minlength=1000)
    # Independent draws: 44 expected for 555, 85 for 111, with Poisson's spread of 7 to 9 around each.
    assert len(modes) == 1000 and modes.min() >= 20 and modes.max() <= 130
    assert Stacked().test_labels.bincount(minlength=1000).count_nonzero() == 1000


def test_32_pixels_are_28_with_a_border():
    large = Stacked(DigitsOptions(size=32))
    assert large.shape == (3, 32, 32)
    assert torch.equal(large.test_images[:50, :, 2:-2, 2:-2], Stacked().test_images[:50])
    assert large.test_images[:50].sum() == Stacked().test_images[:50].sum()
    assert torch.equal(large.labels, Stacked().labels)
