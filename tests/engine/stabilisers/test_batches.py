"""The stabilisers that look at batches: minibatch discrimination, feature matching, virtual batch norm."""

import pytest
import torch
from torch import nn

from engine.game.context import mixes_batch
from engine.stabilisers import STABILISERS
from engine.stabilisers.features import KERNEL_SIZE, MinibatchHead
from engine.stabilisers.virtual_norm import Referenced, VirtualNorm
from engine.training.trainer import Trainer
from tests.engine.conftest import small


def minibatch_head(features=6, kernels=4):
    torch.manual_seed(0)
    return MinibatchHead(nn.Linear(features, 1), kernels)


def test_a_collapsed_batch_is_close_and_a_varied_one_is_not():
    head = minibatch_head()
    torch.testing.assert_close(head.closeness(torch.randn(1, 6).expand(20, 6)), torch.ones(20, 4))
    assert float(head.closeness(3 * torch.randn(20, 6)).detach().mean()) < 0.2


def test_closeness_is_the_papers_formula_as_a_mean():
    head, features = minibatch_head(), torch.randn(5, 6)
    seen = (features @ head.kernels.weight.T).view(5, 4, KERNEL_SIZE)
    for i in range(5):
        others = [torch.exp(-(seen[i] - seen[j]).abs().sum(1)) for j in range(5) if j != i]
        torch.testing.assert_close(head.closeness(features)[i], torch.stack(others).mean(0))


def test_closeness_knows_its_slope():
    """Each sample moves its own closeness and that of all others."""
    head = minibatch_head().double()
    features = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(head.closeness, features)


def test_alone_a_sample_is_judged_as_among_usual_batches():
    trainer = Trainer(small(minibatch_discrimination=4))
    discriminator = trainer.networks["discriminator"]
    assert mixes_batch(discriminator)
    for _ in range(60):
        trainer.iterate()
    x = trainer.source.sample(64, torch.Generator().manual_seed(1))
    among = discriminator(x)
    assert not torch.equal(discriminator(x[:32])[0], among[0])
    discriminator.eval()
    torch.testing.assert_close(discriminator(x[:1])[0], discriminator(x)[0])
    assert (discriminator(x) - among).abs().mean() < 0.2 * among.abs().mean() + 0.1


@pytest.mark.parametrize("kernels", [0, 8])
def test_only_with_it_d_can_tell_a_batch_that_is_all_one_real_point(kernels):
    """Every generated batch is a real point, many times: sample by sample, nothing is wrong with it."""
    trainer = Trainer(small(minibatch_discrimination=kernels, batch_size=64, discriminator_lr=3e-3))
    draw = torch.Generator().manual_seed(5)
    trainer.recipe.generate = lambda networks, z: trainer.source.sample(1, draw).expand(len(z), 2)
    for _ in range(150):
        trainer.single("discriminator")
    trainer.read()
    for _ in range(50):
        trainer.single("discriminator")
    accuracy = trainer.read()[0]["d_accuracy"]
    assert accuracy > 0.95 if kernels else accuracy < 0.7


def after_one_step_of_g(**options):
    trainer = Trainer(small(feature_matching=1.0, **options))
    trainer.single("generator")
    return torch.cat([weight.detach().flatten() for weight in trainer.networks["generator"].parameters()])


def test_feature_matching_alone_ignores_the_objective():
    objectives = ("non_saturating", "least_squares")
    alone = [after_one_step_of_g(objective=name) for name in objectives]
    beside = [after_one_step_of_g(objective=name, feature_matching_alone=False) for name in objectives]
    assert torch.equal(*alone)
    assert not torch.equal(*beside)
    assert not torch.equal(alone[0], beside[0])


def test_feature_matching_brings_the_means_of_ds_features_together():
    trainer = Trainer(small(feature_matching=2.0, batch_size=256, generator_lr=2e-3))
    ctx, features = trainer.ctx, trainer.networks["discriminator"].features
    ctx.begin_turn(("generator",), keeps_graph=True)
    term = STABILISERS["feature_matching"].generator_term(ctx, ctx.fake())
    gap = features(ctx.real()).mean(0) - features(ctx.fake()).mean(0)
    torch.testing.assert_close(term, 2 * gap.square().sum())
    real = trainer.source.sample(20_000, torch.Generator().manual_seed(1))
    latent = trainer.recipe.draw_latent(20_000, torch.Generator().manual_seed(2))

    @torch.no_grad()
    def distance():
        fake = trainer.networks["generator"](latent)
        return float((features(real).mean(0) - features(fake).mean(0)).square().sum())

    before = distance()
    for _ in range(300):
        trainer.single("generator")
    assert distance() < 0.2 * before  # batches of 256 leave some noise


def virtual(norm=16, **options):
    return Trainer(small("dcgan", "mnist", virtual_batch_norm=norm, **options))


def test_under_virtual_batch_norm_a_picture_does_not_depend_on_its_batch():
    trainer = virtual()
    trainer.iterate()
    generator = trainer.networks["generator"]
    assert not any(isinstance(part, nn.BatchNorm2d) for part in generator.modules())
    z = trainer.ctx.draw_latent(9)
    with torch.no_grad():
        together = generator(z)
        torch.testing.assert_close(generator(z[:1]), together[:1], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(generator.eval()(z), together)
        plain = Trainer(small("dcgan", "mnist")).networks["generator"]
        assert (plain(z)[:2] - plain(z[:2])).abs().max() > 1e-2


def test_a_virtual_norm_takes_the_statistics_of_the_reference_and_the_sample():
    torch.manual_seed(0)
    for norm, x in (
        (nn.BatchNorm2d(3), torch.randn(8 + 5, 3, 4, 4) * 2 + 1),
        (nn.BatchNorm1d(3, affine=False), torch.randn(8 + 5, 3) * 2 + 1),
    ):
        if norm.affine:
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
        reference, out = x[:8], VirtualNorm(norm, 8)(x)
        torch.testing.assert_close(out[:8], norm(reference), atol=1e-5, rtol=1e-4)
        for i in range(8, 13):
            joined = norm(torch.cat([reference, x[i : i + 1]]))
            torch.testing.assert_close(out[i], joined[-1], atol=1e-5, rtol=1e-4)


def test_the_reference_batch_is_fixed_seeded_and_kept():
    first, again, other = virtual(), virtual(), virtual(seed=1)
    references = [trainer.networks["generator"].reference for trainer in (first, again, other)]
    assert isinstance(first.networks["generator"], Referenced)
    assert references[0].shape == (16, first.recipe.latent_dim)
    assert torch.equal(references[0], references[1]) and not torch.equal(references[0], references[2])
    kept = references[0].clone()
    first.iterate()
    assert torch.equal(first.networks["generator"].reference, kept)
    other.load_state(first.state())
    assert torch.equal(other.networks["generator"].reference, kept)
