"""The translation networks: the reference's sizes, and what one verdict of D sees."""

import pytest
import torch

from engine.networks.patchgan import PatchDiscriminator, PixelDiscriminator, receptive_field
from engine.networks.resnet import ResnetGenerator
from engine.networks.translators import LAYERS, build_discriminator, layers_for
from engine.networks.unet import UnetGenerator


def parameters(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: ResnetGenerator(3, 3, 64, 9, "instance"), 11_378_179),
        (lambda: ResnetGenerator(3, 3, 64, 6, "instance"), 7_837_699),
        (lambda: UnetGenerator(3, 3, 8, 64, "batch", dropout=True), 54_413_955),
        (lambda: UnetGenerator(3, 3, 7, 64, "batch"), 41_828_995),
        (lambda: PatchDiscriminator(3, 64, 3, "instance"), 2_764_737),
        (lambda: PatchDiscriminator(6, 64, 3, "batch"), 2_768_705),
        (lambda: PixelDiscriminator(6, 64, "batch"), 9_024),
    ],
)
def test_sizes_are_the_references(make, count):
    with torch.device("meta"):  # their structure only
        assert parameters(make()) == count


def test_names_are_the_references():
    with torch.device("meta"):
        unet = UnetGenerator(3, 3, 8, 64, "batch", dropout=True).state_dict()
        resnet = ResnetGenerator(3, 3, 64, 9, "instance").state_dict()
        dropped = ResnetGenerator(3, 3, 64, 6, "instance", dropout=True).state_dict()
    assert len(unet) == 82
    assert {
        "model.model.0.weight",
        "model.model.1.model.3.model.1.weight",
        "model.model.3.bias",
    } <= unet.keys()
    convolutions = {name.rsplit(".", 1)[0] for name in resnet}
    blocks = {f"model.{number}.conv_block.{layer}" for number in range(10, 19) for layer in (1, 5)}
    assert convolutions == {f"model.{number}" for number in (1, 4, 7, 19, 22, 26)} | blocks
    assert "model.10.conv_block.6.weight" in dropped and "model.10.conv_block.5.weight" not in dropped


@pytest.mark.parametrize("patch", LAYERS)
def test_a_verdict_sees_its_patch_and_no_more(patch):
    """Found by the gradient of one logit: where it is not zero, D looks."""
    size = 320
    network = build_discriminator(patch, 1, size, 2, "none")
    x = torch.zeros(1, 1, size, size, requires_grad=True)
    logits = network(x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    seen = (gradient[0, 0] != 0).nonzero()
    extent = (seen.max(0).values - seen.min(0).values + 1).tolist()
    assert extent == [int(patch)] * 2 == [receptive_field(LAYERS[patch])] * 2


@pytest.mark.parametrize("size", [64, 128, 256])
def test_the_whole_picture_can_be_one_patch(size):
    layers = layers_for("image", size)
    assert receptive_field(layers) >= size
    out = PatchDiscriminator(3, 2, layers, "none")(torch.zeros(1, 3, size, size))
    assert out.shape[2:] == (2, 2)


def test_a_patchgan_gives_thirty_by_thirty_at_256():
    assert PatchDiscriminator(3, 2, 3, "none")(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)


@pytest.mark.parametrize(("size", "downs"), [(64, 6), (128, 7)])
def test_a_unet_keeps_the_size(size, downs):
    assert UnetGenerator(1, 3, downs, 4, "batch")(torch.zeros(2, 1, size, size)).shape == (2, 3, size, size)


def test_a_resnet_takes_multiples_of_four():
    network = ResnetGenerator(3, 1, 4, 1, "instance")
    assert network(torch.zeros(1, 3, 36, 52)).shape == (1, 1, 36, 52)
    assert network(torch.zeros(1, 3, 66, 66)).shape == (1, 1, 68, 68)  # as in the reference
