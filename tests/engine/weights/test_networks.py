"""Files of the reference implementation give the same pictures here as an independent definition of it."""

import pytest
import torch

from engine.weights.recognise import networks_in, recognise
from tests.engine.weights.reference_networks import patch, pixel, resnet, unet, weights

CLOSE = 1e-5  # of outputs in [-1, 1]: sums in another order
NORMS = ("batch", "instance", "instance_affine", "none")
KINDS = {  # family, depth, channels in, pixels, and what runs it
    "resnet_6": ("resnet", 6, 3, 32, lambda *a, **k: resnet(*a, blocks=6, **k)),
    "resnet_9": ("resnet", 9, 1, 20, lambda *a, **k: resnet(*a, blocks=9, **k)),
    "unet_64": ("unet", 6, 3, 64, lambda *a, **k: unet(*a, downs=6, **k)),
    "unet_128": ("unet", 7, 1, 128, lambda *a, **k: unet(*a, downs=7, **k)),
    "unet_256": ("unet", 8, 3, 256, lambda *a, **k: unet(*a, downs=8, **k)),
    "patch_16": ("patch", 1, 3, 32, lambda *a, **k: patch(*a, layers=1, **k)),
    "patch_70": ("patch", 3, 6, 40, lambda *a, **k: patch(*a, layers=3, **k)),
    "pixel": ("pixel", 1, 6, 16, pixel),
}


def picture(channels, size, count=1):
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def loaded(state, train=False, dropout=False):
    """The network that ``state`` is recognised as, without dropout."""
    found, fitting = recognise(state)
    network = found.build(dropout)
    network.load_state_dict(fitting)
    return network.train(train).requires_grad_(False)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_same_weights_and_picture_give_the_same_output(kind, norm):
    family, depth, channels, size, run = KINDS[kind]
    state = weights(family, norm, 4, depth, channels, 3)
    x = picture(channels, size)
    wanted = run(state, x, norm)
    assert wanted.std() > 0.05  # there is something to differ
    torch.testing.assert_close(loaded(state)(x), wanted, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("kind", ["unet_64", "unet_256", "resnet_6"])
def test_batch_norm_in_training_mode_gives_the_same_output(kind):
    family, depth, channels, size, run = KINDS[kind]
    state = weights(family, "batch", 4, depth, channels, 3)
    x = picture(channels, size)
    trained = loaded(state, train=True)(x)
    torch.testing.assert_close(trained, run(state, x, "batch", train=True), atol=CLOSE, rtol=0)
    assert (trained - run(state, x, "batch")).abs().max() > 0.1  # the two modes are not the same


def test_dropout_in_a_resnet_moves_its_second_convolution():
    state = weights("resnet", "instance_affine", 4, 6, dropout=True)
    found, _ = recognise(state)
    assert found.dropout and not recognise(weights("resnet", "instance_affine", 4, 6))[0].dropout
    x = picture(3, 32)
    wanted = resnet(state, x, "instance_affine", 6, dropout=True)
    torch.testing.assert_close(loaded(state, dropout=True)(x), wanted, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("norm", ["instance", "instance_affine"])
@pytest.mark.parametrize("kind", ["resnet_6", "unet_64", "patch_70"])
def test_stale_statistics_and_prefixes_change_nothing(kind, norm):
    family, depth, channels, _, _ = KINDS[kind]
    plain = weights(family, norm, 4, depth, channels)
    fitting = recognise(plain)[1]
    stale = dict(plain)
    for name in [name for name in plain if name.endswith(".bias")]:  # of norms, in the old files
        for what, value in (("running_mean", 9.0), ("running_var", 0.0), ("num_batches_tracked", 5)):
            stale[f"{name.removesuffix('bias')}{what}"] = torch.tensor([value])
    found, kept = recognise(networks_in({f"module.{name}": value for name, value in stale.items()})[""])
    assert found == recognise(plain)[0] and found.norm == norm
    assert kept.keys() == fitting.keys() and all(torch.equal(kept[name], fitting[name]) for name in kept)


def test_old_batch_norm_without_counters_is_known():
    state = weights("unet", "batch", 4, 6)
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    x = picture(3, 64)
    torch.testing.assert_close(loaded(old)(x), unet(state, x, "batch", 6), atol=CLOSE, rtol=0)


@pytest.mark.parametrize(
    ("family", "norm", "depth", "channels", "parameters"),
    [
        ("resnet", "instance", 9, 3, 11_378_179),
        ("resnet", "instance", 6, 3, 7_837_699),
        ("unet", "batch", 8, 3, 54_413_955),
        ("unet", "batch", 7, 3, 41_828_995),
        ("patch", "instance", 3, 3, 2_764_737),
        ("patch", "batch", 3, 6, 2_768_705),
        ("pixel", "batch", 1, 6, 9_024),
    ],
)
def test_full_width_has_as_many_parameters_as_the_reference(family, norm, depth, channels, parameters):
    from engine.weights.recognise import Architecture

    outputs = 3 if family in ("resnet", "unet") else 1
    with torch.device("meta"):
        network = Architecture(family, channels, outputs, 64, depth, norm).build()
    assert sum(weight.numel() for weight in network.parameters()) == parameters
