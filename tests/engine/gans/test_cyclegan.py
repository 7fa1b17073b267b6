"""CycleGAN: its terms by hand, its pool, and that it goes on exactly."""

import copy

import pytest
import torch
from torch.nn.functional import l1_loss

from engine.game.pool import pooled
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer

SMALL = {
    "size": 64,
    "network": "resnet_6",
    "width": 4,
    "discriminator_width": 4,
    "batch_size": 2,
    "patch": "16",
    "pool_size": 3,
}


def request(data="drawing_styles", **options):
    return {
        "gan": "cyclegan",
        "data": data,
        "steps": 100,
        "device": "cpu",
        "options": {**SMALL, **options},
    }


def small(**options):
    return Trainer(validate(request(**options)))


def test_the_loss_is_game_cycles_and_identity():
    trainer = small()
    ctx, o = trainer.ctx, trainer.options
    ctx.begin_turn(("generator_back", "generator"), keeps_graph=False)
    loss, _ = trainer.recipe.generator_loss(ctx)
    a, b = ctx.batch("a")[0], ctx.batch("b")[0]
    there, back = trainer.networks["generator"], trainer.networks["generator_back"]
    judge_b, judge_a = trainer.networks["discriminator"], trainer.networks["discriminator_back"]
    squares = (judge_b(there(a)) - 1).square().mean() + (judge_a(back(b)) - 1).square().mean()
    cycles = 10 * l1_loss(back(there(a)), a) + 10 * l1_loss(there(back(b)), b)
    identity = 0.5 * 10 * (l1_loss(there(b), b) + l1_loss(back(a), a))
    assert o.objective == "least_squares"  # halved here, so a weight of 2 is the reference's 1
    assert loss.item() == pytest.approx((squares + cycles + identity).item(), rel=1e-4)


def test_d_learns_as_in_the_reference():
    """From half of the squares, of the pictures that have just been translated and of their translations."""
    trainer = small(pool_size=0)
    ctx, seen = trainer.ctx, {}
    for name in ("discriminator", "discriminator_back"):
        seen[name] = []
        trainer.networks[name].register_forward_pre_hook(lambda _, x, name=name: seen[name].append(x[0]))
    ctx.begin_turn(("generator_back", "generator"), keeps_graph=False)
    trainer.recipe.generator_loss(ctx)
    sides = {"discriminator": ctx.batch("b")[0], "discriminator_back": ctx.batch("a")[0]}
    translated = {name: batches[0].detach() for name, batches in seen.items()}
    ctx.begin_turn(("discriminator_back", "discriminator"), keeps_graph=False)
    loss, _ = trainer.recipe.discriminator_loss(ctx)
    by_hand = 0.0
    for name, real in sides.items():
        assert torch.equal(seen[name][-2], real) and torch.equal(seen[name][-1], translated[name])
        judge = trainer.networks[name]
        by_hand += ((judge(real) - 1).square().mean() + judge(translated[name]).square().mean()) / 2
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-4)


def test_all_four_networks_learn():
    trainer = small()
    before = {name: copy.deepcopy(network.state_dict()) for name, network in trainer.networks.items()}
    trainer.iterate()
    for name, network in trainer.networks.items():
        after = network.state_dict()
        assert any(not torch.equal(before[name][key], after[key]) for key in after), name
    values, broken = trainer.read()
    assert broken is None
    named = {"cycle_a", "cycle_b", "identity_a", "identity_b", "d_loss", "d_loss_back", "g_loss", "g_grad"}
    assert named <= values.keys()


def test_d_alone_may_step_too():
    trainer = small()
    there = copy.deepcopy(trainer.networks["generator"].state_dict())
    judge = copy.deepcopy(trainer.networks["discriminator"].state_dict())
    trainer.single("discriminator")
    assert all(
        torch.equal(there[key], value) for key, value in trainer.networks["generator"].state_dict().items()
    )
    after = trainer.networks["discriminator"].state_dict()
    assert any(not torch.equal(judge[key], value) for key, value in after.items())


def test_the_pool_fills_up_then_gives_half_of_the_time_what_it_kept():
    ctx = small().ctx
    numbered = torch.arange(1000.0).view(-1, 1, 1, 1)
    first = pooled(ctx, "pool", numbered[:3], 3)
    assert torch.equal(first, numbered[:3])
    shown = torch.cat([pooled(ctx, "pool", one[None], 3) for one in numbered[3:]])
    fresh = (shown == numbered[3:]).float().mean().item()
    assert abs(fresh - 0.5) < 0.06  # 997 coins: a standard deviation is 0.016
    assert bool((shown <= numbered[3:]).all())  # nothing of the future
    kept = ctx.memory["pool"]
    assert kept.shape == (3, 1, 1, 1) and kept.unique().numel() == 3


def test_without_a_pool_d_sees_what_is_new():
    ctx = small(pool_size=0).ctx
    fresh = torch.zeros(2, 1, 1, 1)
    assert pooled(ctx, "pool", fresh, 0) is fresh and "pool" not in ctx.memory


def test_it_goes_on_bit_by_bit_pool_included():
    trainer = small()
    for _ in range(3):
        trainer.iterate()
    state = copy.deepcopy(trainer.state())
    other = small()
    other.load_state(state)
    for _ in range(2):
        trainer.iterate()
        other.iterate()
    assert trainer.read(clear=False) == other.read(clear=False)
    for name, value in trainer.ctx.memory.items():
        assert torch.equal(value, other.ctx.memory[name]), name


def test_sides_are_drawn_independently():
    """Of paired data, too: the picture of B is hardly ever the one that belongs to A's."""
    trainer = small(data="line_art")
    source = trainer.source
    together = 0
    for _ in range(8):
        a, b = (trainer.streams[side]._order.next() for side in "ab")
        together += int((a == b).sum())
    assert len(source.a) > 1500 and together <= 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"updates": "simultaneous"}, "updates"),
        ({"pretrain_discriminator": 10}, "pretrain_discriminator"),
        ({"network": "unet", "size": 64, "patch": "286"}, "patch"),
    ],
)
def test_nonsense_is_refused_by_field(options, field):
    with pytest.raises(BadInput) as refusal:
        validate(request(**options))
    assert refusal.value.field == field and refusal.value.remedy
