"""Each stabiliser is tested for what it promises."""

import pytest
import torch

from engine.stabilisers import STABILISERS
from engine.trainer import Trainer
from tests.engine.conftest import small


def trained(steps=20, **options):
    trainer = Trainer(small(**options))
    for _ in range(steps):
        trainer.iterate()
    return trainer


ON = {name: {piece.switch: piece.on} for name, piece in STABILISERS.items()}


@pytest.mark.parametrize("name", STABILISERS)
def test_it_changes_training_and_training_goes_on(name):
    plain, changed = trained(), trained(**ON[name])
    assert changed.is_finite()
    shown = "averages" if name == "weight_averaging" else "networks"
    before, after = plain.networks["generator"], getattr(changed, shown)["generator"]
    assert any(not torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))


def test_clipping_bounds_every_weight_of_d():
    trainer = trained(weight_clip=0.05)
    assert (
        max(float(weight.detach().abs().max()) for weight in trainer.networks["discriminator"].parameters())
        <= 0.05 + 1e-8
    )


def slope_at(trainer, x):
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(trainer.networks["discriminator"](x).sum(), x)
    return gradient.norm(dim=1)


def test_gradient_penalty_pulls_the_critics_slope_to_one():
    free = {"objective": "wasserstein", "critic_steps": 5, "discriminator_lr": 3e-3}
    trainer = trained(300, gradient_penalty=10.0, **free)
    real, fake = trainer.source.sample(256, torch.Generator().manual_seed(1)), trainer.ctx.fake().detach()
    slopes = slope_at(trainer, torch.lerp(real[:32], fake, torch.rand(32, 1)))
    assert 0.6 < float(slopes.mean()) < 1.4  # trained for a moment only: near 1, not at it


def test_r1_flattens_d_at_real_data():
    real = trained(0).source.sample(256, torch.Generator().manual_seed(1))
    steep = slope_at(trained(200, discriminator_lr=5e-3), real).mean()
    flat = slope_at(trained(200, discriminator_lr=5e-3, r1=10.0), real).mean()
    assert flat < 0.5 * steep


def test_spectral_norm_bounds_every_layers_largest_singular_value():
    trainer = trained(100, spectral_norm=True, discriminator_lr=5e-3)
    layers = [
        part for part in trainer.networks["discriminator"].modules() if isinstance(part, torch.nn.Linear)
    ]
    assert len(layers) == 3
    for layer in layers:  # one power iteration a step follows slowly moving weights closely, not exactly
        assert float(torch.linalg.matrix_norm(layer.weight, 2)) < 1.15


def test_label_smoothing_sets_the_target_of_real_data_only():
    trainer = Trainer(small(label_smoothing=0.1))
    assert trainer.ctx.real_target == pytest.approx(0.9)
    logits = torch.tensor([2.0, 3.0])
    smooth = trainer.ctx.objective.discriminator_loss(logits, logits, trainer.ctx.real_target)
    plain = trainer.ctx.objective.discriminator_loss(logits, logits, 1.0)
    assert float(smooth - plain) == pytest.approx(
        0.1 * float(logits.mean()), rel=1e-4
    )  # 0.1 x E logit: only the real term moved


def test_instance_noise_has_the_stated_size_and_ends():
    trainer = Trainer(small(instance_noise=0.5, instance_noise_steps=100))
    noise, x = STABILISERS["instance_noise"], torch.zeros(20_000, 2)
    assert float(noise.inputs(trainer.ctx, x).std()) == pytest.approx(0.5, rel=0.03)
    trainer.ctx.step = 50
    assert float(noise.inputs(trainer.ctx, x).std()) == pytest.approx(0.25, rel=0.03)
    trainer.ctx.step = 100
    assert torch.equal(noise.inputs(trainer.ctx, x), x)


def test_the_average_of_g_follows_its_formula():
    trainer = Trainer(small(ema=0.9))
    expected = [weight.detach().clone() for weight in trainer.networks["generator"].parameters()]
    for _ in range(5):
        trainer.iterate()
        newest = trainer.networks["generator"].parameters()
        expected = [0.9 * old + 0.1 * new.detach() for old, new in zip(expected, newest, strict=True)]
    for kept, wanted in zip(trainer.averages["generator"].parameters(), expected, strict=True):
        torch.testing.assert_close(kept, wanted)


def test_averaging_leaves_training_alone():
    plain, averaged = trained(), trained(ema=0.99)
    for a, b in zip(
        plain.networks["generator"].parameters(), averaged.networks["generator"].parameters(), strict=True
    ):
        assert torch.equal(a, b)
