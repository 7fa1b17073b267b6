"""ACGAN: two losses for two heads, and a classifier that comes of them."""

import pytest
import torch
import torch.nn.functional as F

from engine.data import DATASETS
from engine.game.recipe import Show
from engine.game.showing import evaluating
from engine.options import BadInput
from engine.training.trainer import Trainer
from tests.engine.conftest import small
from tests.engine.gans.steps import five_steps, goes_on_bit_by_bit

PLAIN = {"discriminator_norm": "none"}
SETTINGS = {
    "as in the paper": {"learn_from_fake": True},
    "32 px": {"size": 32},
    "relativistic": {"objective": "relativistic", "r1": 1.0, **PLAIN},
    "wasserstein": {"objective": "wasserstein", "gradient_penalty": 10.0, **PLAIN},
    "features": {"feature_matching": 1.0},
    "minibatch": {"minibatch_discrimination": 4},
}


def trainer_of(**options):
    return Trainer(small("acgan", "mnist", **{"width": 4, **options}))


@pytest.mark.parametrize("options", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_takes_five_steps(options):
    values = five_steps(trainer_of(**options))
    assert {"d_loss", "g_loss", "class_accuracy_real", "class_accuracy_fake"} <= set(values)


def test_a_loaded_state_goes_on_bit_by_bit(tmp_path):
    whole, first, second = (trainer_of(ema=0.9, instance_noise=0.1) for _ in range(3))
    goes_on_bit_by_bit(whole, first, second, tmp_path)
    for name in ("generator", "discriminator"):
        pairs = zip(whole.averages[name].parameters(), second.averages[name].parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def losses_at(**options):
    """Both players' losses at the start, from one seed and without batch norm in D."""
    trainer = trainer_of(**PLAIN, **options)
    ctx = trainer.ctx
    ctx.begin_turn(("discriminator",), keeps_graph=True)
    d_loss, _ = trainer.recipe.discriminator_loss(ctx)
    g_loss, _ = trainer.recipe.generator_loss(ctx)
    return trainer, d_loss.detach(), g_loss.detach()


def class_logits(trainer, x):
    return trainer.recipe.classify(trainer.networks, x).detach()


@pytest.mark.parametrize("learn_from_fake", [False, True])
def test_the_class_losses_are_weighed_in(learn_from_fake):
    """From one seed the two weights differ by the cross-entropies alone."""
    trainer, d_low, g_low = losses_at(class_weight=1.0, learn_from_fake=learn_from_fake)
    _, d_high, g_high = losses_at(class_weight=3.0, learn_from_fake=learn_from_fake)
    ctx = trainer.ctx
    wanted = ctx.latents()[:, -10:].argmax(1)
    on_fake = F.cross_entropy(class_logits(trainer, ctx.fake()), wanted)
    on_real = F.cross_entropy(class_logits(trainer, ctx.real()), ctx.batch()[1])
    assert float(g_high - g_low) == pytest.approx(2 * float(on_fake), rel=1e-4)
    naming = on_real + on_fake if learn_from_fake else on_real
    assert float(d_high - d_low) == pytest.approx(2 * float(naming), rel=1e-4)


def test_d_names_digits_within_a_few_dozen_steps():
    trainer = trainer_of(width=8, batch_size=64, discriminator_lr=1e-3)
    source = DATASETS["mnist"]()
    x, labels = source.test_images[:500].float() / 127.5 - 1, source.test_labels[:500]

    def accuracy():
        with evaluating(*trainer.networks.values()):
            return float((class_logits(trainer, x).argmax(1) == labels).float().mean())

    before = accuracy()
    for _ in range(60):
        trainer.iterate()
    assert before < 0.4 and accuracy() > 0.7
    assert trainer.read()[0]["class_accuracy_real"] > 0.4  # over all steps, the first ones too


def test_g_is_pulled_towards_what_d_can_name():
    """The class term alone, by its share of G's gradient: it lowers the class loss of the same latents."""
    trainer = trainer_of(**PLAIN, class_weight=100.0, generator_lr=1e-3)
    ctx, latent = trainer.ctx, trainer.ctx.draw_latent(64)

    def class_loss():
        with evaluating(*trainer.networks.values()):
            fake = trainer.recipe.generate(trainer.networks, latent)
            return float(F.cross_entropy(class_logits(trainer, fake), latent[:, -10:].argmax(1)))

    for _ in range(5):
        trainer.single("discriminator")
    before = class_loss()
    for _ in range(20):
        trainer.single("generator")
    assert class_loss() < before
    assert ctx.step == 0


def test_it_shows_class_rows():
    trainer = trainer_of()
    latent = trainer.recipe.draw_latent(16, torch.Generator().manual_seed(0))
    with evaluating(*trainer.networks.values()):
        (rows,) = trainer.recipe.exhibits(Show(trainer.networks, latent, trainer.ctx.real(), None))
    assert rows.name == "classes" and rows.pictures.shape == (80, 1, 28, 28)


@pytest.mark.parametrize(("options", "field"), [({"class_weight": 0.0}, "class_weight"), ({"r1": 1.0}, "r1")])
def test_nonsense_is_refused(options, field):
    with pytest.raises(BadInput) as refusal:
        trainer_of(**options)
    assert refusal.value.field == field and refusal.value.remedy
