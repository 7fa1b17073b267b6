"""BiGAN, ALI and ALICE: pairs, the two ways, and what E and G play for."""

import pytest
import torch
from torch.nn.functional import softplus

from engine.game.recipe import Show
from engine.game.showing import evaluating
from engine.models import checkpoint
from engine.options import BadInput
from engine.runs.folder import RunFolder
from engine.training.trainer import Trainer
from tests.engine.conftest import small

POINTS = {"data": "grid"}
DENSE = {"data": "mnist", "hidden": 16, "latent_dim": 6}
CONVOLUTIONAL = {"data": "mnist", "networks": "convolutional", "width": 4, "latent_dim": 6}
VARIANTS = ("bigan", "ali", "alice")


def trainer_of(**options):
    return Trainer(small("bigan", **options))


def weights(trainer):
    return [
        weight.detach().clone() for network in trainer.networks.values() for weight in network.parameters()
    ]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", [POINTS, DENSE, CONVOLUTIONAL], ids=["points", "dense", "convolutional"])
def test_every_variant_takes_five_steps(kind, variant):
    trainer = trainer_of(variant=variant, **kind)
    before = weights(trainer)
    for _ in range(5):
        trainer.iterate()
    assert trainer.is_finite()
    assert trainer.read()[1] is None
    assert not any(torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", [POINTS, DENSE], ids=["points", "dense"])
def test_a_loaded_state_goes_on_bit_by_bit(kind, variant, tmp_path):
    whole, first, second = (trainer_of(variant=variant, ema=0.9, **kind) for _ in range(3))
    for _ in range(6):
        whole.iterate()
    for _ in range(4):
        first.iterate()
    second.load_state(checkpoint.load(checkpoint.save(RunFolder(tmp_path), 4, first.state())))
    for _ in range(2):
        second.iterate()
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))
    assert whole.read() == second.read()


def loss_by_hand(trainer):
    """The generator's turn, and D's logits of the pairs that it was about."""
    ctx, recipe = trainer.ctx, trainer.recipe
    ctx.begin_turn(("encoder", "generator"), keeps_graph=True)
    loss, statistics = recipe.generator_loss(ctx)
    real, fake = ctx.real(), ctx.fake()  # the same ones: they last for the turn
    real_logits = ctx.networks["discriminator"](real, recipe.encode(ctx.networks, real))
    fake_logits = ctx.networks["discriminator"](fake, ctx.latents())
    return loss, statistics, real_logits, fake_logits


def test_both_ways_want_the_other_verdict():
    loss, statistics, real_logits, fake_logits = loss_by_hand(trainer_of())
    torch.testing.assert_close(loss, softplus(real_logits).mean() + softplus(-fake_logits).mean())
    torch.testing.assert_close(statistics["g_loss"], softplus(-fake_logits).mean().detach())


def test_minimax_is_d_s_loss_turned_round():
    loss, _, real_logits, fake_logits = loss_by_hand(trainer_of(objective="minimax"))
    torch.testing.assert_close(loss, -(softplus(-real_logits).mean() + softplus(fake_logits).mean()))


def test_under_hinge_no_margin_holds_g_and_e():
    loss, statistics, real_logits, fake_logits = loss_by_hand(trainer_of(objective="hinge"))
    torch.testing.assert_close(loss, real_logits.mean() - fake_logits.mean())
    torch.testing.assert_close(statistics["g_loss"], -fake_logits.mean().detach())  # as its page has it


@pytest.mark.parametrize("kind", [POINTS, DENSE, CONVOLUTIONAL], ids=["points", "dense", "convolutional"])
def test_penalties_bound_d_s_slope_by_the_pair(kind):
    trainer = trainer_of(r1=2.0, **kind)
    ctx, recipe = trainer.ctx, trainer.recipe
    ctx.begin_turn(("discriminator",), keeps_graph=False)
    _, statistics = recipe.discriminator_loss(ctx)
    x = ctx.real().requires_grad_()
    z = recipe.encode(ctx.networks, x).detach().requires_grad_()
    slopes = torch.autograd.grad(ctx.networks["discriminator"](x, z).sum(), (x, z))
    by_hand = sum(slope.flatten(1).square().sum(1).mean() for slope in slopes)  # gamma / 2 = 1
    torch.testing.assert_close(statistics["penalty_r1"], by_hand.detach())


@pytest.mark.parametrize(
    "more",
    [
        {"objective": "hinge"},
        {"objective": "least_squares", "label_smoothing": 0.1},
        {"objective": "wasserstein", "gradient_penalty": 0.1},
        {"objective": "relativistic", "r1": 0.1},
        {"objective": "f_kl"},
        {"objective": "f_pearson", "generator_update": "minimax"},
        {"pretrain_discriminator": 2, "critic_steps": 2},
        {"updates": "simultaneous"},
    ],
    ids=str,
)
def test_objectives_and_penalties_combine(more):
    trainer = trainer_of(**more)
    before = [weight.clone() for weight in trainer.networks["encoder"].parameters()]
    for _ in range(5):
        trainer.iterate()
    after = trainer.networks["encoder"].parameters()
    assert trainer.is_finite()
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_learns_to_encode_points(variant):
    """A code that said nothing would leave an error of the data's variance, and a code of another point twice
    that. Seeds 0 to 2 left 0.01 to 0.06 of it, ALI and ALICE less.
    """
    trainer = trainer_of(data="grid", steps=300, hidden=128, batch_size=128, variant=variant)
    for _ in range(300):
        trainer.iterate()
    x = trainer.source.sample(1000, torch.Generator().manual_seed(9))
    with evaluating(*trainer.networks.values()):
        codes = trainer.recipe.encode(trainer.networks, x)
        decoded = trainer.recipe.generate(trainer.networks, codes)
    assert (decoded - x).square().mean() < 0.3 * x.var(0).mean()


@pytest.mark.parametrize("variant", VARIANTS)
def test_codes_keep_to_the_uniform_prior(variant):
    trainer = trainer_of(variant=variant, **DENSE)
    recipe, networks, real = trainer.recipe, trainer.networks, trainer.ctx.real()
    drawn = recipe.draw_latent(20_000, torch.Generator().manual_seed(0))
    assert drawn.abs().max() <= 1
    torch.testing.assert_close(
        drawn.var(0), torch.full((6,), 1 / 3), atol=0.01, rtol=0
    )  # 4 sd of the estimate
    with torch.no_grad():
        networks["encoder"].layers[-1].weight.mul_(1000)  # far out
    codes = recipe.infer(trainer.ctx, real)
    assert codes.shape == (8, 6)
    assert codes.abs().max() <= 1
    with evaluating(*networks.values()):
        features = recipe.encoder_features(networks, real)
        torch.testing.assert_close(recipe.encode(networks, real), (features / 2).tanh())
        assert features.abs().max() > 1
        verdicts = networks["discriminator"](real, recipe.encode(networks, real))
        assert torch.equal(recipe.logits(networks, real), verdicts)


def test_ali_draws_its_codes_and_bigan_does_not():
    for variant, draws in (("bigan", False), ("ali", True)):
        trainer = trainer_of(variant=variant)
        x = trainer.ctx.real()
        again = [trainer.recipe.infer(trainer.ctx, x) for _ in range(2)]
        assert torch.equal(*again) is not draws
        assert torch.equal(*[trainer.recipe.encode(trainer.networks, x) for _ in range(2)])


def loss_of(trainer):
    trainer.ctx.begin_turn(("encoder", "generator"), keeps_graph=True)
    return trainer.recipe.generator_loss(trainer.ctx)


def test_alice_is_held_to_x():
    """Its loss is ALI's and the weighted squared error of the reconstruction from the same codes."""
    ali, alice = (trainer_of(variant=variant, reconstruction_weight=3.0) for variant in ("ali", "alice"))
    plain, _ = loss_of(ali)
    held, statistics = loss_of(alice)
    torch.testing.assert_close(held - plain, 3.0 * statistics["reconstruction"])


def test_weight_decay_reaches_every_optimizer():
    decayed, kept = trainer_of(weight_decay=0.1, **DENSE), trainer_of(weight_decay=0.0, **DENSE)
    for name, optimizer in decayed.optimizers.items():
        assert optimizer.param_groups[0]["weight_decay"] == 0.1
        assert kept.optimizers[name].param_groups[0]["weight_decay"] == 0


@pytest.mark.parametrize("pictures", [64, 5])
def test_reconstructions_stand_below_their_originals(pictures):
    trainer = trainer_of(**DENSE)
    real = trainer.source.images[:pictures].float() / 127.5 - 1
    with evaluating(*trainer.networks.values()):
        codes = trainer.recipe.encode(trainer.networks, real)
        decoded = trainer.recipe.generate(trainer.networks, codes)
        (shown,) = trainer.recipe.exhibits(Show(trainer.networks, codes, real, None))
    across = min(pictures, 8)
    assert (shown.rows, shown.columns) == (8 if pictures == 64 else 2, across)
    assert len(shown.pictures) == shown.rows * shown.columns
    assert torch.equal(shown.pictures[:across], real[:across])
    torch.testing.assert_close(shown.pictures[across : 2 * across], decoded[:across])


def test_figures_are_those_of_held_out_pictures():
    trainer = trainer_of(**DENSE)
    trainer.networks["generator"].forward = lambda z: torch.zeros(len(z), 1, 28, 28)
    with evaluating(*trainer.networks.values()):
        figures = trainer.recipe.figures(trainer.networks, trainer.source)
    x = trainer.source.test_images[:1000].float() / 127.5 - 1
    assert figures["reconstruction_error"] == pytest.approx(float(x.square().mean()), rel=1e-5)
    assert figures["prior_distance"] > figures["prior_floor"] > 0


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"variant": "alice", "reconstruction_weight": 0.0}, "reconstruction_weight"),
        ({"data": "ring", "networks": "convolutional"}, "networks"),
        ({"data": "ring", "discriminator_norm": "batch"}, "discriminator_norm"),
        ({**DENSE, "gradient_penalty": 10.0, "discriminator_norm": "batch"}, "gradient_penalty"),
        ({"variant": "vae"}, "variant"),
        ({"feature_matching": 1.0}, "feature_matching"),
        ({"minibatch_discrimination": 16}, "minibatch_discrimination"),
    ],
    ids=str,
)
def test_contradictions_are_refused(options, field):
    with pytest.raises(BadInput) as refusal:
        small("bigan", **options)
    assert refusal.value.field == field
    assert refusal.value.remedy
