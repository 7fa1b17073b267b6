"""pix2pix: what it plays, what it refuses, and that it learns to translate."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import l1_loss

from engine.live.picture import picture_of
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer

SMALL = {"size": 64, "width": 4, "discriminator_width": 4, "batch_size": 2, "patch": "16"}


def request(**options):
    return {
        "gan": "pix2pix",
        "data": "line_art",
        "steps": 100,
        "device": "cpu",
        "options": {**SMALL, **options},
    }


def small(**options):
    return Trainer(validate(request(**options)))


def weights(network):
    return [weight.detach().clone() for weight in network.parameters()]


def test_d_and_g_see_one_pair_in_an_iteration():
    trainer = small(dropout=False, norm="none")
    ctx, generator = trainer.ctx, trainer.networks["generator"]
    ctx.begin_turn(("discriminator",), keeps_graph=True)
    _, judged = trainer.recipe.discriminator_loss(ctx)
    given, wanted = ctx.held("pairs")
    ctx.begin_turn(("generator",), keeps_graph=True)
    _, answered = trainer.recipe.generator_loss(ctx)
    assert ctx.held("pairs")[0] is given
    made = generator(given)
    assert answered["l1"].item() == pytest.approx(l1_loss(made, wanted).item(), rel=1e-5)
    discriminator, game = trainer.networks["discriminator"], ctx.objective
    logits = [discriminator(torch.cat([given, one], 1)) for one in (wanted, made)]
    assert judged["d_loss"].item() == pytest.approx(game.discriminator_loss(*logits, 1.0).item(), rel=1e-5)


@pytest.mark.parametrize("patch", ["16", "pixel"])
def test_g_is_to_look_to_d_as_b_does(patch):
    trainer = small(dropout=False, norm="none", patch=patch, feature_weight=10.0)
    ctx, generator = trainer.ctx, trainer.networks["generator"]
    ctx.begin_turn(("generator",), keeps_graph=True)
    loss, statistics = trainer.recipe.generator_loss(ctx)
    given, wanted = ctx.held("pairs")
    seen: dict[str, list] = {"made": [], "wanted": []}
    layers = [part for part in trainer.networks["discriminator"].modules() if isinstance(part, nn.LeakyReLU)]
    for name, one in (("made", generator(given)), ("wanted", wanted)):
        hooks = [
            part.register_forward_hook(lambda *a, n=name: seen[n].append(a[2].clone())) for part in layers
        ]
        trainer.networks["discriminator"](torch.cat([given, one], 1))
        for hook in hooks:
            hook.remove()
    assert len(seen["made"]) == 2
    expected = sum((a - b).abs().mean() for a, b in zip(seen["made"], seen["wanted"], strict=True))
    assert statistics["features"].item() == pytest.approx(expected.item(), rel=1e-4)
    whole = statistics["g_loss"] + 100 * statistics["l1"] + 10 * statistics["features"]
    assert loss.item() == pytest.approx(whole.item(), rel=1e-5)


def test_the_next_iteration_has_another_pair():
    trainer = small()
    first = trainer.ctx.held("pairs")[0]
    trainer.iterate()
    assert not torch.equal(trainer.ctx.held("pairs")[0], first)


def test_without_the_adversary_only_l1_is_minimised():
    trainer = small(adversary=False)
    before = weights(trainer.networks["discriminator"])
    for _ in range(3):
        trainer.iterate()
    values, broken = trainer.read()
    assert broken is None and values["g_loss"] == pytest.approx(100 * values["l1"], rel=1e-4)
    assert all(map(torch.equal, before, weights(trainer.networks["discriminator"])))


def test_it_goes_on_bit_by_bit_dropout_included():
    trainer = small()
    for _ in range(2):
        trainer.iterate()
    state = copy.deepcopy(trainer.state())
    other = small()
    other.load_state(state)
    for _ in range(2):
        trainer.iterate()
        other.iterate()
    for name, network in trainer.networks.items():
        kept = other.networks[name].state_dict()
        for key, value in network.state_dict().items():
            assert torch.equal(value, kept[key]), (name, key)


def test_dropout_is_noise():
    trainer = small()
    generator, x = trainer.networks["generator"], trainer.ctx.held("pairs")[0]
    assert not torch.equal(generator(x), generator(x))
    generator.eval()
    assert torch.equal(generator(x), generator(x))


def test_it_learns():
    """From noise to less than half of the difference, on drawings that it has never seen."""
    trainer = small(width=8, generator_lr=1e-3, norm="instance")
    picture = picture_of(trainer.shown())
    before = picture.measure()["test_l1"]
    for _ in range(40):
        trainer.iterate()
    assert picture.measure()["test_l1"] < before / 2


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"patch": "286"}, "patch"),
        ({"adversary": False, "l1_weight": 0.0}, "l1_weight"),
        ({"adversary": False, "pretrain_discriminator": 5}, "pretrain_discriminator"),
        ({"adversary": False, "r1": 1.0}, "r1"),
        ({"adversary": False, "diff_augment": True}, "diff_augment"),
        ({"adversary": False, "objective": "hinge"}, "objective"),
        ({"r1": 1.0}, "r1"),  # batch norm in D
        ({"minibatch_discrimination": 8}, "minibatch_discrimination"),
        ({"feature_matching": 1.0}, "feature_matching"),
        ({"virtual_batch_norm": 8}, "virtual_batch_norm"),
        ({"diff_augment": True}, "diff_augment"),
    ],
)
def test_nonsense_is_refused_by_field(options, field):
    with pytest.raises(BadInput) as refusal:
        validate(request(**options))
    assert refusal.value.field == field and refusal.value.remedy


def test_data_without_pairs_are_refused():
    with pytest.raises(BadInput, match="takes pairs") as refusal:
        validate({"gan": "pix2pix", "data": "drawing_styles"})
    assert refusal.value.field == "data" and "line_art" in refusal.value.remedy


def test_other_gans_refuse_pairs():
    with pytest.raises(BadInput, match="are pairs") as refusal:
        validate({"gan": "dcgan", "data": "line_art"})
    assert "pix2pix" in refusal.value.remedy


@pytest.mark.parametrize(
    "objective", ["non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"]
)
@pytest.mark.parametrize("patch", ["pixel", "34", "image"])
def test_any_objective_and_patch_takes_steps(objective, patch):
    bound = {"spectral_norm": True} if objective == "wasserstein" else {}
    trainer = small(objective=objective, patch=patch, norm="instance", network="resnet_6", **bound)
    trainer.iterate()
    values, broken = trainer.read()
    assert broken is None and {"d_loss", "g_loss", "l1", "d_accuracy", "g_grad", "d_grad"} <= values.keys()
