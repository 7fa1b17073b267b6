"""Each stabiliser is tested for what it promises."""

import pytest
import torch

from engine.gans import GANS
from engine.models.assembly import open_source, options_model, shape_of
from engine.options import BadInput
from engine.stabilisers import STABILISERS, averages
from engine.stabilisers.slopes import overlap
from engine.training.trainer import Trainer
from tests.engine.conftest import small


def trained(steps=20, **options):
    trainer = Trainer(small(**options))
    for _ in range(steps):
        trainer.iterate()
    return trainer


PICTURES_ONLY = ("virtual_batch_norm", "diff_augment")


@pytest.mark.parametrize("name", [name for name in STABILISERS if name != "adaptive_augment"])  # not at first
def test_it_changes_training_and_training_goes_on(name):
    piece = STABILISERS[name]
    if name in PICTURES_ONLY:
        where, steps, on = {"gan": "dcgan", "data": "mnist"}, 4, piece.on
    else:
        where, steps, on = {}, 20, piece.on if piece.on_points is None else piece.on_points
    plain, changed = trained(steps, **where), trained(steps, **where, **{piece.switch: on})
    assert changed.is_finite()
    seen = [
        trainer.recipe.generate(trainer.shown().generators, latents(trainer)) for trainer in (plain, changed)
    ]
    assert not torch.equal(*seen)


def latents(trainer):
    return trainer.recipe.draw_latent(8, torch.Generator().manual_seed(1))


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


@pytest.mark.parametrize("penalty", ["r1", "r2"])
def test_r1_flattens_d_at_real_data_and_r2_at_generated(penalty):
    def slope(**options):
        trainer = trained(200, discriminator_lr=5e-3, **options)
        real = trainer.source.sample(256, torch.Generator().manual_seed(1))
        trainer.ctx.forget_fake()
        return slope_at(trainer, real if penalty == "r1" else trainer.ctx.fake().detach()).mean()

    assert slope(**{penalty: 10.0}) < 0.5 * slope()


def test_dragan_pulls_the_slope_around_real_data_to_one():
    def slopes(**options):
        trainer = Trainer(small(discriminator_lr=3e-3, **options))
        for _ in range(300):
            trainer.single("discriminator")
        real = trainer.source.sample(256, torch.Generator().manual_seed(1))
        noise = torch.randn(256, 2, generator=torch.Generator().manual_seed(2))
        return slope_at(trainer, real + 0.5 * real.std() * noise)

    held, free = slopes(dragan=10.0), slopes()
    assert 0.6 < float(held.mean()) < 1.4  # trained for a moment only: near 1, not at it
    assert (held - 1).square().mean() < 0.2 * (free - 1).square().mean()


@pytest.mark.parametrize("name", ["gradient_penalty", "dragan", "r1", "r2"])
def test_gradient_penalties_may_be_asked_for_at_every_few_steps(name):
    """At steps 0 and 3 of six, three times as strong; the penalty itself is reported as it is."""
    assert STABILISERS[name].is_lazy
    trainer, asked = Trainer(small(**{name: 1.0, "penalty_every": 3})), []
    penalty = type(STABILISERS[name]).penalty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(STABILISERS[name]),
            "penalty",
            lambda *given: asked.append(trainer.step) or penalty(*given),
        )
        for _ in range(6):
            trainer.iterate()
    assert asked == [0, 3]
    trainer.ctx.step = 0
    real, fake = trainer.ctx.real(), trainer.ctx.fake().detach()
    loss, statistics = trainer.ctx.with_penalties(torch.zeros(()), {}, real, fake)
    assert float(loss.detach()) == pytest.approx(3 * float(statistics[f"penalty_{name}"]))


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
    for step in range(120):
        trainer.iterate()
        newest, decay = trainer.networks["generator"].parameters(), min(0.9, (1 + step) / (10 + step))
        expected = [old.lerp(new.detach(), 1 - decay) for old, new in zip(expected, newest, strict=True)]
    for kept, wanted in zip(trainer.averages["generator"].parameters(), expected, strict=True):
        torch.testing.assert_close(kept, wanted)


def test_an_average_forgets_the_untrained_weights():
    trainer = Trainer(small(ema=0.999))
    with torch.no_grad():
        for weight in trainer.averages["generator"].parameters():
            weight.fill_(1e6)
    for _ in range(199):
        trainer.iterate()
    assert all(weight.abs().max() < 10 for weight in trainer.averages["generator"].parameters())


OBSERVERS = {
    "what G draws": ("dcgan", "generator", {"generator_lr": 0.01}, 0.1),
    "what E encodes": (
        "bigan",
        "encoder",
        {"generator_lr": 0.01, "networks": "convolutional", "width": 8},
        0.2,
    ),
    "what D names": ("acgan", "discriminator", {"discriminator_lr": 0.01, "width": 8}, 0.1),
}


@pytest.mark.parametrize("what", OBSERVERS)
def test_an_average_has_the_batch_norm_statistics_of_its_own_activations(what, monkeypatch):
    monkeypatch.setattr(averages, "YOUNG", 0)  # a young average is too near to the newest weights
    gan, name, options, bound = OBSERVERS[what]
    trainer = Trainer(small(gan, "mnist", batch_size=32, ema=0.999, **options))
    for _ in range(100):
        trainer.iterate()
    average, seen = trainer.averages[name], {}

    def keep(part, given, made):
        seen[part] = given[0].detach()

    norms = [part for part in average.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for part in norms:
        part.register_forward_hook(keep)
    average.eval()
    recipe, real = trainer.recipe, trainer.source.images[:2000].float() / 127.5 - 1
    with torch.no_grad():
        if name == "generator":
            recipe.generate({name: average}, recipe.draw_latent(2000, torch.Generator().manual_seed(0)))
        elif name == "encoder":
            recipe.encode({name: average}, real)
        else:
            recipe.classify({name: average}, real)
    newest = [part for part in trainer.networks[name].modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for own, other in zip(norms, newest, strict=True):
        spread, mean = torch.std_mean(seen[own], (0, 2, 3))
        off = ((own.running_mean - mean) / spread).abs().mean()
        assert off < bound and off < 0.7 * ((other.running_mean - mean) / spread).abs().mean()


def test_averaging_leaves_training_alone():
    plain, averaged = trained(), trained(ema=0.99)
    for a, b in zip(
        plain.networks["generator"].parameters(), averaged.networks["generator"].parameters(), strict=True
    ):
        assert torch.equal(a, b)


def flat(trainer, network):
    return torch.cat([weight.detach().flatten() for weight in trainer.networks[network].parameters()])


def test_historical_averaging_pulls_both_players_to_the_mean_of_all_that_they_were():
    trainer = Trainer(small(historical_averaging=0.5))
    piece, ctx = STABILISERS["historical_averaging"], trainer.ctx
    seen = {name: [flat(trainer, name)] for name in trainer.networks}
    for _ in range(4):
        trainer.iterate()
        for name, past in seen.items():
            past.append(flat(trainer, name))
    for name, hook in (("discriminator", piece.penalty), ("generator", piece.generator_term)):
        ctx.begin_turn((name,), keeps_graph=False)
        for weight in ctx.weights[name]:
            weight.grad = None
        nothing = (torch.zeros(1), torch.zeros(1), ctx.judge_raw)
        pull = hook(ctx, *nothing) if name == "discriminator" else hook(ctx, nothing[0])
        pull.backward()
        gradient = torch.cat([weight.grad.flatten() for weight in ctx.weights[name]])
        away = flat(trainer, name) - torch.stack(seen[name]).mean(0)
        torch.testing.assert_close(pull.detach(), 0.5 * away.square().sum())
        torch.testing.assert_close(gradient, 2 * 0.5 * away, atol=1e-6, rtol=1e-4)


def test_the_history_is_in_the_checkpoint(tmp_path):
    from engine.models import checkpoint
    from engine.runs.folder import RunFolder

    whole, first, second = (Trainer(small(historical_averaging=0.5)) for _ in range(3))
    for _ in range(6):
        whole.iterate()
    for _ in range(3):
        first.iterate()
    second.load_state(checkpoint.load(checkpoint.save(RunFolder(tmp_path), 3, first.state())))
    for _ in range(3):
        second.iterate()
    for name in ("generator", "discriminator"):
        assert torch.equal(flat(whole, name), flat(second, name))


def test_historical_averaging_slows_the_circling():
    """With large rates and momentum G's weights wander; held to their mean they wander less."""
    rates = {"generator_lr": 1e-2, "discriminator_lr": 1e-2}
    rates |= {"generator_beta1": 0.9, "discriminator_beta1": 0.9}

    def wandering(**options):
        trainer, path = Trainer(small(**rates, **options)), []
        for _ in range(200):
            trainer.iterate()
            path.append(flat(trainer, "generator"))
        return float(torch.stack(path[100:]).std(0).norm())

    assert wandering(historical_averaging=1.0) < 0.7 * wandering()


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (3, 1), (4, 1)])
def test_spectral_norm_bounds_a_convolution_by_how_often_its_windows_overlap(kernel, stride):
    """The operator's own norm, by its whole matrix, is above 1, and at most ``overlap``."""
    layer = torch.nn.utils.parametrizations.spectral_norm(
        torch.nn.Conv2d(2, 8, kernel, stride, 1, bias=False), n_power_iterations=30
    )
    layer.weight  # noqa: B018  (in training mode each look refines the norm)
    layer.eval()
    with torch.no_grad():
        matrix = layer.weight.flatten(1)
        assert float(torch.linalg.matrix_norm(matrix, 2)) == pytest.approx(1, abs=1e-3)
        pictures = torch.eye(2 * 12 * 12).view(-1, 2, 12, 12)
        operator = torch.linalg.matrix_norm(layer(pictures).flatten(1), 2)
    assert 1.05 < float(operator) <= overlap(kernel, stride) + 1e-3


@pytest.mark.parametrize("name", STABILISERS)
def test_other_names_of_networks_are_refused_not_stumbled_over(name):
    """By each stabiliser that reaches for a network by its name."""

    class Renamed(GANS["dcgan"]):
        generators, judges, discriminators = ("painter",), ("critic",), ("critic",)

        def networks(self):
            usual = super().networks()
            return {"painter": usual["generator"], "critic": usual["discriminator"]}

    config, piece = small("dcgan", "mnist"), STABILISERS[name]
    options = options_model("dcgan", "mnist")(**{**config["options"], piece.switch: piece.on})
    data = shape_of(open_source("mnist", options))
    try:
        piece.check(options, Renamed, data)
    except BadInput as refused:
        assert refused.field == piece.switch
        return
    piece.build((recipe := Renamed(options, data)).networks(), recipe)
