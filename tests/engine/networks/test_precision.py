"""Layers that multiply in bfloat16: nearly the same numbers, in the same types, all else as it was."""

import copy

import pytest
import torch
from torch import nn

from engine.networks import precision
from engine.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from engine.networks.precision import multiply_in_bfloat16
from engine.networks.weight_norm import NoisyClassifier
from engine.training.request import validate
from engine.training.trainer import Trainer

KNOWS = precision.knows_bfloat16
NETWORKS = {
    "generator": (lambda: DCGANGenerator(8, 4, (1, 28, 28)), (16, 8)),
    "discriminator": (lambda: DCGANDiscriminator(4, (1, 28, 28), "none"), (16, 1, 28, 28)),
    "classifier": (lambda: NoisyClassifier((1, 28, 28), 10), (16, 1, 28, 28)),
}


def trainer(**options):
    request = {"gan": "dcgan", "data": "mnist", "steps": 100, "device": "cpu"}
    options = {"width": 4, "batch_size": 4, "precision": "bfloat16", **options}
    return Trainer(validate({**request, "options": options}))


@pytest.fixture(autouse=True)
def hardware(monkeypatch):
    """One that knows bfloat16, whatever this machine is."""
    monkeypatch.setattr(precision, "knows_bfloat16", lambda device: True)


@pytest.mark.parametrize("knows", [True, False])
def test_where_the_hardware_knows_it_not_it_stays_float32(knows, monkeypatch):
    monkeypatch.setattr(precision, "knows_bfloat16", lambda device: knows)
    networks = trainer().networks.values()
    layers = [
        part for network in networks for part in network.modules() if isinstance(part, precision.LAYERS)
    ]
    assert layers and all(("forward" in vars(layer)) == knows for layer in layers)


@pytest.mark.parametrize(("machine", "flag"), [("x86_64", True), ("x86_64", False), ("aarch64", False)])
def test_the_processor_is_asked(machine, flag, monkeypatch):
    monkeypatch.setattr(precision.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: flag)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    expected = flag if machine == "x86_64" else torch.ops.mkldnn._is_mkldnn_bf16_supported()
    assert KNOWS(torch.device("cpu")) == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_are_nearly_those_of_float32(name):
    make, size = NETWORKS[name]
    torch.manual_seed(0)
    exact, x = make(), torch.randn(size)
    rough = copy.deepcopy(exact)
    multiply_in_bfloat16(rough)
    outputs = [network(x) for network in (exact, rough)]
    assert outputs[1].dtype == torch.float32 and not torch.equal(*outputs)
    assert (outputs[0] - outputs[1]).abs().max() < 0.03 * outputs[0].abs().max()
    for output in outputs:
        output.square().mean().backward()
    for (key, a), b in zip(exact.named_parameters(), rough.parameters(), strict=True):
        assert b.grad.dtype == torch.float32
        assert (a.grad - b.grad).norm() < 0.1 * a.grad.norm() + 1e-4, key
    assert exact.state_dict().keys() == rough.state_dict().keys()


def test_a_copy_multiplies_with_its_own_weights():
    network = nn.Sequential(nn.Linear(4, 3))
    multiply_in_bfloat16(network)
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[0].weight.zero_()
    x = torch.randn(2, 4)
    assert torch.equal(other(x), other[0].bias.bfloat16().float().expand(2, 3)) and not torch.equal(
        network(x), other(x)
    )


def test_spectral_norm_is_taken_once_and_exactly():
    torch.manual_seed(0)
    rough = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 5))
    exact = copy.deepcopy(rough)
    multiply_in_bfloat16(rough)
    for _ in range(3):
        x = torch.randn(2, 6)
        rough(x), exact(x)
    for a, b in zip(rough.buffers(), exact.buffers(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"objective": "wasserstein", "gradient_penalty": 1.0, "discriminator_norm": "layer"},
        {"spectral_norm": True, "discriminator_norm": "none"},
    ],
    ids=["plain", "penalty", "spectral norm"],
)
def test_it_trains_and_goes_on_bit_by_bit(options):
    one = trainer(**options)
    for _ in range(2):
        one.iterate()
    state, other = copy.deepcopy(one.state()), trainer(**options)
    other.load_state(state)
    for _ in range(2):
        one.iterate()
        other.iterate()
    values, broken = one.read()
    assert broken is None and values["d_loss"] == values["d_loss"]
    for name, network in one.networks.items():
        kept = other.networks[name].state_dict()
        assert all(torch.equal(value, kept[key]) for key, value in network.state_dict().items())
