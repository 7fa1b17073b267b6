"""Layers at the border of feature maps: torch's numbers and gradients, in either layout."""

import copy

import pytest
import torch
from torch import nn

from engine.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from engine.networks.maps import ConvTransposeToGrey, LinearOfMaps

LAYOUTS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}


def plain(layer, kind):
    """``layer`` with torch's own way of computing it."""
    other = copy.deepcopy(layer)
    other.__class__ = kind
    return other


def gradients(layer, x, forward):
    """Of a sum that weighs every output differently: by the input, the weight and the bias."""
    x = x.detach().requires_grad_()
    out = forward(x)
    weighing = torch.linspace(-1, 1, out.numel()).view(out.shape)
    return out, torch.autograd.grad((out * weighing).sum(), [x, layer.weight, layer.bias])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_linear_layer_of_maps_is_that_of_the_flattened_ones(layout):
    torch.manual_seed(0)
    layer, x = LinearOfMaps(6 * 3 * 5, 4), torch.randn(7, 6, 3, 5)
    own, found = gradients(layer, x.contiguous(memory_format=LAYOUTS[layout]), layer)
    exact = plain(layer, nn.Linear)
    wanted, expected = gradients(exact, x, lambda x: exact(x.flatten(1)))
    torch.testing.assert_close(own, wanted)
    torch.testing.assert_close(found, expected)
    assert torch.equal(layer(x.flatten(1)), exact(x.flatten(1)))
    assert found[0].is_contiguous(memory_format=LAYOUTS[layout])  # what the layer is for


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_transposed_convolution_to_grey_is_torchs(layout):
    torch.manual_seed(0)
    layer, x = ConvTransposeToGrey(5), torch.randn(3, 5, 6, 4).contiguous(memory_format=LAYOUTS[layout])
    exact = plain(layer, nn.ConvTranspose2d)
    own, found = gradients(layer, x, layer)
    wanted, expected = gradients(exact, x, exact)
    assert own.shape == (3, 1, 12, 8)
    torch.testing.assert_close(own, wanted)
    torch.testing.assert_close(found, expected)


def test_weights_of_torchs_own_layers_fit():
    shape = (1, 32, 32)
    for network, part, kind in (
        (DCGANGenerator(8, 4, shape), ConvTransposeToGrey, nn.ConvTranspose2d),
        (DCGANDiscriminator(4, shape), LinearOfMaps, nn.Linear),
    ):
        (own,) = [layer for layer in network.modules() if isinstance(layer, part)]
        assert isinstance(own, kind)
        assert {name: value.shape for name, value in own.state_dict().items()} == {
            name: value.shape for name, value in plain(own, kind).state_dict().items()
        }


def test_curvature_passes_through():
    torch.manual_seed(0)
    layer = ConvTransposeToGrey(2).double()
    x = torch.randn(1, 2, 2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, x)
