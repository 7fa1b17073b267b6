"""The conditional GAN: who is told which class, and that D and G make something of it."""

import pytest
import torch
import torch.nn.functional as F

from engine.data import DATASETS
from engine.game.recipe import Show
from engine.game.showing import evaluating
from engine.options import BadInput
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.engine.conftest import small
from tests.engine.data.made_files import write_pictures
from tests.engine.gans.steps import five_steps, goes_on_bit_by_bit

PLAIN = {"discriminator_norm": "none"}
SETTINGS = {
    "default": {},
    "32 px": {"size": 32},
    "relativistic": {"objective": "relativistic"},
    "wasserstein": {"objective": "wasserstein", "gradient_penalty": 10.0, **PLAIN},
    "r1 and r2": {"r1": 1.0, "r2": 1.0, **PLAIN},
    "features": {"feature_matching": 1.0, "feature_matching_alone": False},
    "minibatch": {"minibatch_discrimination": 4},
    "spectral": {"spectral_norm": True, **PLAIN},
}


def trainer_of(gan="conditional", **options):
    return Trainer(small(gan, "mnist", **{"width": 4, **options}))


def asked_of(trainer):
    """Fills with (pictures, classes) for each time that D is asked."""
    asked = []
    discriminator = trainer.networks["discriminator"]
    discriminator.register_forward_pre_hook(lambda network, inputs: asked.append(inputs))
    return asked


@pytest.mark.parametrize("options", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_takes_five_steps(options):
    values = five_steps(trainer_of(**options))
    assert {"d_loss", "g_loss", "d_real", "d_fake", "d_accuracy"} <= set(values)


def test_a_loaded_state_goes_on_bit_by_bit(tmp_path):
    whole, first, second = (trainer_of(ema=0.9, instance_noise=0.1) for _ in range(3))
    goes_on_bit_by_bit(whole, first, second, tmp_path)


def test_the_code_is_the_class_under_its_own_name():
    (code,) = trainer_of().recipe.codes
    assert code.given and code.size == 10
    assert code.labels == tuple("0123456789")
    latents = trainer_of(latent_dim=7).recipe.draw_latent(500, torch.Generator().manual_seed(0))
    assert latents.shape == (500, 17)
    assert torch.equal(latents[:, 7:].sum(1), torch.ones(500))
    assert latents[:, 7:].sum(0).min() > 20  # 50 of each expected, with a standard deviation of 7


def test_real_pictures_come_with_their_labels_and_generated_ones_with_gs():
    trainer = trainer_of()
    ctx, asked = trainer.ctx, asked_of(trainer)
    ctx.begin_turn(("discriminator",), keeps_graph=False)
    trainer.recipe.discriminator_loss(ctx)
    x, labels = ctx.batch()
    assert torch.equal(asked[0][0], x) and torch.equal(asked[1][0], ctx.fake())
    assert torch.equal(asked[0][1], F.one_hot(labels, 10).float())
    assert torch.equal(asked[1][1], ctx.latents()[:, -10:])
    asked.clear()
    trainer.recipe.generator_loss(ctx)
    assert len(asked) == 1 and torch.equal(asked[0][1], ctx.latents()[:, -10:])


def test_penalties_ask_about_changed_pictures_with_the_real_labels():
    trainer = trainer_of(gradient_penalty=1.0, **PLAIN)
    ctx, asked = trainer.ctx, asked_of(trainer)
    ctx.begin_turn(("discriminator",), keeps_graph=False)
    trainer.recipe.discriminator_loss(ctx)
    between, classes = asked[-1]
    x, labels = ctx.held("real")
    assert not torch.equal(between, x)
    assert torch.equal(classes, F.one_hot(labels, 10).float())


@pytest.mark.parametrize("gan", ["conditional", "acgan"])
@pytest.mark.parametrize(
    "options", [{"objective": "relativistic"}, {"gradient_penalty": 1.0, **PLAIN}], ids=str
)
def test_pictures_that_meet_are_of_one_class(gan, options):
    trainer = trainer_of(gan, **options)
    trainer.iterate()
    ctx = trainer.ctx
    ctx.begin_turn(("discriminator",), keeps_graph=True)
    trainer.recipe.discriminator_loss(ctx)
    assert torch.equal(trainer.recipe.codes[0].of(ctx.latents()).argmax(1), ctx.held("real")[1])
    assert "real" not in ctx._batches  # no other batch is looked at


def test_a_picture_alone_is_judged_as_the_class_that_suits_it_best():
    trainer = trainer_of()
    trainer.iterate()
    x = trainer.ctx.real()
    with evaluating(*trainer.networks.values()):
        every = [
            trainer.networks["discriminator"](x, F.one_hot(torch.full((len(x),), k), 10).float())
            for k in range(10)
        ]
        alone = trainer.recipe.logits(trainer.networks, x)
    assert alone.shape == (len(x),)
    assert torch.allclose(alone, torch.stack(every).amax(0))


def test_d_comes_to_doubt_pictures_under_a_wrong_label():
    trainer = trainer_of(width=8, batch_size=64, discriminator_lr=1e-3)
    for _ in range(200):
        trainer.iterate()
    source = DATASETS["mnist"]()
    x = source.test_images[:500].float() / 127.5 - 1
    right = F.one_hot(source.test_labels[:500], 10).float()
    with evaluating(*trainer.networks.values()):
        discriminator = trainer.networks["discriminator"]
        true, wrong = discriminator(x, right), discriminator(x, right.roll(1, 1))
    assert (true > wrong).float().mean() > 0.7  # 0.5 for a D that does not listen


def test_the_rows_of_the_exhibit_are_the_classes():
    trainer = trainer_of()
    recipe, generator = trainer.recipe, trainer.networks["generator"]
    latent = recipe.draw_latent(16, torch.Generator().manual_seed(0))
    with evaluating(generator):
        (rows,) = recipe.exhibits(Show(trainer.networks, latent, trainer.ctx.real(), None))
        asked = latent[2:3].clone()
        asked[0, -10:] = F.one_hot(torch.tensor(7), 10)
        expected = recipe.generate(trainer.networks, asked)
    assert (rows.rows, rows.columns) == (10, 8) and rows.pictures.shape == (80, 1, 28, 28)
    assert torch.allclose(rows.pictures[7 * 8 + 2], expected[0], atol=1e-5)


@pytest.mark.parametrize("gan", ["conditional", "acgan", "semi_supervised"])
def test_unlabelled_pictures_are_refused(gan, tmp_path):
    folder = write_pictures(tmp_path / "pictures", 120)
    with pytest.raises(BadInput, match="labelled") as refusal:
        validate({"gan": gan, "data": "folder", "options": {"folder": str(folder)}})
    assert refusal.value.field == "data" and refusal.value.remedy


def test_r2_asks_d_about_generated_pictures_with_the_classes_that_g_was_given():
    """The gradient of R2 alone, by hand with G's classes, is the one that the game takes."""
    trainer = Trainer(small("conditional", "mnist", width=4, discriminator_norm="none", r2=2.0))
    ctx, discriminator = trainer.ctx, trainer.networks["discriminator"]
    ctx.begin_turn(("discriminator",), keeps_graph=False)
    _, statistics = trainer.recipe.discriminator_loss(ctx)
    fake = ctx.fake().detach().requires_grad_()
    given = trainer.recipe.codes[0].of(ctx.latents())
    (slope,) = torch.autograd.grad(discriminator(fake, given).sum(), fake)
    by_hand = slope.flatten(1).square().sum(1).mean()  # gamma / 2 = 1
    assert statistics["penalty_r2"].item() == pytest.approx(by_hand.item(), rel=1e-4)
    real_classes = trainer.recipe.real_classes(ctx)
    assert not torch.equal(given, real_classes)
