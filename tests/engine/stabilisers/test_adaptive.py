"""ADA: how its strength follows D's sureness, and what it does to pictures."""

import pytest
import torch

from engine.metrics import METRICS
from engine.options import BadInput
from engine.stabilisers import STABILISERS
from engine.stabilisers.adaptive import EVERY, STRENGTH, augmented
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.engine.conftest import small

ADA = {"gan": "dcgan", "data": "mnist", "adaptive_augment": True}


def test_p_follows_the_sign_of_d_and_is_kept():
    trainer = Trainer(small(**ADA, augment_images=1000))
    ctx, piece = trainer.ctx, STABILISERS["adaptive_augment"]
    real = ctx.real()
    share = EVERY * len(real) / 1000

    def after(sure, step=0):
        """p once D says "real" of ``sure`` of the real pictures."""
        ctx.step = step
        logits = torch.where(torch.arange(len(real)) < sure * len(real), 1.0, -1.0)
        assert piece.penalty(ctx, real, real, lambda x: logits) is None
        return float(ctx.memory[STRENGTH])

    assert after(0.75) == 0  # r = 0.5 is below 0.6, and p not below 0
    assert after(0.9) == pytest.approx(share) and after(0.9, step=1) == pytest.approx(share)
    assert after(1.0, step=EVERY) == pytest.approx(2 * share) and after(0.5) == pytest.approx(share)
    kept = trainer.state()
    other = Trainer(small(**ADA, augment_images=1000))
    other.load_state(kept)
    assert float(other.ctx.memory[STRENGTH]) == pytest.approx(share)


def test_pictures_change_as_often_as_p_says_and_gradients_pass():
    trainer = Trainer(small(**ADA))
    x = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def changed(p):
        return (augmented(x, torch.tensor(p), trainer.ctx) != x).flatten(1).any(1).float().mean()

    assert changed(0.0) == 0 and changed(1.0) == 1
    # four changes, of which a mirror is none in a half, and a turn none in a quarter of the cases
    assert float(changed(0.1)) == pytest.approx(1 - 0.95 * 0.925 * 0.9 * 0.9, abs=0.1)
    augmented(x, torch.tensor(0.5), trainer.ctx).sum().backward()
    assert x.grad is not None and (x.grad.flatten(1).abs().sum(1) > 0).float().mean() > 0.95


def test_training_goes_on_under_full_strength():
    trainer = Trainer(small(**ADA, augment_target=0.0))
    trainer.ctx.memory[STRENGTH] = torch.tensor(1.0)
    for _ in range(EVERY + 1):
        trainer.iterate()
    assert trainer.is_finite() and float(trainer.ctx.memory[STRENGTH]) > 0.99
    row, _ = trainer.read()
    (line,) = METRICS["augmentation"].charts["augmentation"].lines
    assert row[line.key] > 0.99 and METRICS["augmentation"].unmet(trainer.recipe, trainer.source) is None


@pytest.mark.parametrize(
    ("gan", "data", "options"),
    [
        ("gan", "ring", {}),
        ("wgan", "mnist", {"discriminator_norm": "none"}),
        ("dcgan", "mnist", {"diff_augment": True}),
        ("aae", "mnist", {}),
    ],
)
def test_it_is_refused_where_it_means_nothing(gan, data, options):
    with pytest.raises(BadInput) as refusal:
        validate({"gan": gan, "data": data, "options": {"adaptive_augment": True, **options}})
    assert refusal.value.field == "adaptive_augment" and refusal.value.remedy
