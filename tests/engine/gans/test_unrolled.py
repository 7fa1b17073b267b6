"""Unrolled GAN: the steps ahead are D's own steps, and G's gradient knows them."""

import copy

import pytest
import torch

from engine.gans.unrolled import REFUSED, UPDATES, look_ahead
from engine.networks.mlp import MLPDiscriminator
from engine.objectives import OBJECTIVES
from engine.options import BadInput
from engine.stabilisers import STABILISERS
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.engine.conftest import small

OPTIMIZERS = {
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.02, betas=(0.5, 0.99)),
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.3, momentum=0.7),
}
play = OBJECTIVES["non_saturating"]


def setting(optimizer, warm):
    """A tiny D in double precision, its optimizer after ``warm`` steps, and a batch of either kind."""
    torch.manual_seed(1)
    discriminator = MLPDiscriminator(4, 2, (2,)).double()
    stepper = OPTIMIZERS[optimizer](discriminator.parameters())
    real, fake = torch.randn(2, 6, 2, dtype=torch.float64).unbind()
    for _ in range(warm):
        step(discriminator, stepper, real, fake)
    return discriminator, stepper, real, fake


def step(discriminator, stepper, real, fake):
    stepper.zero_grad()
    play.discriminator_loss(discriminator(real), discriminator(fake), 1.0).backward()
    stepper.step()


def ahead(discriminator, optimizer, stepper, steps, real, fake):
    def loss(judge):
        return play.discriminator_loss(judge(real), judge(fake), 1.0)

    return look_ahead(discriminator, UPDATES[optimizer](stepper), steps, loss)


@pytest.mark.parametrize("warm", [0, 3])
@pytest.mark.parametrize("optimizer", UPDATES)
def test_steps_ahead_are_the_steps_that_the_optimizer_takes(optimizer, warm):
    discriminator, stepper, real, fake = setting(optimizer, warm)
    kept, moments = copy.deepcopy(discriminator.state_dict()), copy.deepcopy(stepper.state_dict())
    foreseen = ahead(discriminator, optimizer, stepper, 4, real, fake)(real)
    for name, weight in discriminator.state_dict().items():
        assert torch.equal(weight, kept[name])
    assert str(stepper.state_dict()) == str(moments)
    before = discriminator(real)
    for _ in range(4):
        step(discriminator, stepper, real, fake)
    torch.testing.assert_close(foreseen, discriminator(real), atol=1e-9, rtol=1e-7)
    assert (discriminator(real) - before).abs().max() > 1e-2


@pytest.mark.parametrize("warm", [0, 3])
@pytest.mark.parametrize("optimizer", UPDATES)
def test_gs_gradient_is_the_numerical_derivative_through_all_steps(optimizer, warm):
    discriminator, stepper, real, fake = setting(optimizer, warm)

    def generator_loss(fake):
        judge = ahead(discriminator, optimizer, stepper, 3, real, fake)
        return play.generator_loss(judge(real), judge(fake))

    fake.requires_grad_()
    assert torch.autograd.gradcheck(generator_loss, fake)
    (foresighted,) = torch.autograd.grad(generator_loss(fake), fake)
    judge = ahead(discriminator, optimizer, stepper, 3, real, fake.detach())
    (short_sighted,) = torch.autograd.grad(play.generator_loss(judge(real), judge(fake)), fake)
    assert (foresighted - short_sighted).norm() > 1e-2 * short_sighted.norm()


def test_gs_gradient_passes_through_penalties_too():
    """R2 makes it a third derivative: of D's slope at the samples, by its weights, by the samples."""
    discriminator, stepper, real, fake = setting("adam", 3)
    penalty = STABILISERS["r2"].penalty
    ctx = Trainer(small(r2=5.0)).ctx

    def generator_loss(fake):
        def loss(judge):
            return play.discriminator_loss(judge(real), judge(fake), 1.0) + penalty(ctx, real, fake, judge)

        judge = look_ahead(discriminator, UPDATES["adam"](stepper), 3, loss)
        return play.generator_loss(judge(real), judge(fake))

    assert torch.autograd.gradcheck(generator_loss, fake.requires_grad_())


def test_a_dead_unit_leaves_the_gradient_finite():
    """Where a weight has never had a gradient, Adam's root has an infinite slope."""
    discriminator, stepper, real, fake = setting("adam", 0)
    with torch.no_grad():
        discriminator.head.weight[0, 0] = 0  # so nothing before it has a gradient
    discriminator.trunk[2].weight.data[0] = 0
    fake.requires_grad_()
    judge = ahead(discriminator, "adam", stepper, 3, real, fake)
    (gradient,) = torch.autograd.grad(play.generator_loss(judge(real), judge(fake)), fake)
    assert torch.isfinite(gradient).all() and float(gradient.norm()) > 0


def test_the_game_ahead_has_ds_penalties_and_targets():
    """G's loss is what a copy of D says that has been trained on the same batch, rules and all."""
    trainer = Trainer(small("unrolled", unroll=3, label_smoothing=0.1, r1=0.5, r2=5.0, discriminator_lr=0.02))
    for _ in range(5):
        trainer.iterate()
    ctx = trainer.ctx
    ctx.forget_fake()
    ctx.begin_turn(("generator",), keeps_graph=True)
    loss, statistics = trainer.recipe.generator_loss(ctx)
    real, fake = ctx.real(), ctx.fake().detach()
    double = copy.deepcopy(ctx.networks["discriminator"]).requires_grad_()
    stepper = torch.optim.Adam(double.parameters(), lr=0.02, betas=(0.5, 0.999))
    stepper.load_state_dict(copy.deepcopy(ctx.optimizers["discriminator"].state_dict()))
    for _ in range(3):
        stepper.zero_grad()
        own = play.discriminator_loss(double(real), double(fake), 0.9)
        for name in ("r1", "r2"):
            own = own + STABILISERS[name].penalty(ctx, real, fake, double)
        own.backward()
        stepper.step()
    expected = play.generator_loss(double(real), double(fake))
    torch.testing.assert_close(loss.detach(), expected.detach(), atol=1e-6, rtol=1e-4)
    assert float(statistics["g_loss"]) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_d_itself_takes_no_step_ahead():
    trainer = Trainer(small("unrolled"))
    trainer.iterate()
    weights = copy.deepcopy(trainer.networks["discriminator"].state_dict())
    state = str(trainer.optimizers["discriminator"].state_dict())
    trainer.single("generator")
    for name, weight in trainer.networks["discriminator"].state_dict().items():
        assert torch.equal(weight, weights[name])
    assert str(trainer.optimizers["discriminator"].state_dict()) == state


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "wasserstein", "gradient_penalty": 0.1},
        {"objective": "relativistic", "dragan": 0.1, "penalty_every": 2},
        {"objective": "relativistic", "r1": 1.0, "r2": 1.0},
        {"instance_noise": 0.3, "ema": 0.9},
        {"discriminator_optimizer": "sgd", "generator_optimizer": "rmsprop"},
        {"updates": "simultaneous", "unroll": 1},
    ],
)
def test_it_plays_by_any_rules_that_it_takes(options):
    trainer = Trainer(small("unrolled", **options))
    for _ in range(5):
        trainer.iterate()
    values, broken = trainer.read()
    assert broken is None and trainer.is_finite() and values["g_grad"] > 0


def test_pictures_are_unrolled_too():
    trainer = Trainer(small("unrolled", "mnist", hidden=16, unroll=2, diff_augment=True))
    for _ in range(2):
        trainer.iterate()
    assert trainer.is_finite()


UNFIT = {"spectral_norm": True, "minibatch_discrimination": 4}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"unroll": 0}, "unroll"),
        ({"unroll": 21}, "unroll"),
        ({"discriminator_optimizer": "rmsprop"}, "discriminator_optimizer"),
        *[({name: UNFIT.get(name, 0.1)}, name) for name in REFUSED],
    ],
)
def test_what_cannot_be_unrolled_is_refused(options, field):
    with pytest.raises(BadInput) as refusal:
        validate({"gan": "unrolled", "data": "ring", "options": options})
    assert refusal.value.field == field and refusal.value.remedy


def test_without_steps_ahead_the_remedy_is_the_plain_gan():
    with pytest.raises(BadInput, match="choose the GAN gan"):
        validate({"gan": "unrolled", "data": "ring", "options": {"unroll": 0}})
