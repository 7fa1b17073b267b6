"""The lines at which curves would come to rest, against the losses that the trainer plays."""

import math

import pytest
import torch

from engine.training.equilibrium import equilibrium
from engine.training.request import validate
from engine.training.trainer import Trainer
from tests.engine.conftest import small

PLAYED = {
    "smoothed": {"label_smoothing": 0.25},
    "smoothed and saturating": {"objective": "minimax", "label_smoothing": 0.25},
    "smoothed least squares": {"objective": "least_squares", "label_smoothing": 0.4},
    "Jensen-Shannon, minimax": {"objective": "f_jensen_shannon", "generator_update": "minimax"},
    "reverse KL": {"objective": "f_reverse_kl"},
    "hinge": {"objective": "hinge", "hinge_margin": 2.5},
    "R1": {"r1": 1.0},
}


@pytest.mark.parametrize("options", PLAYED.values(), ids=PLAYED)
def test_lines_are_where_the_loss_that_runs_is_least(options):
    """At p = q the best D is a constant: all that D may answer is tried, on a fine grid."""
    trainer = Trainer(small(**options))
    game, target = trainer.ctx.objective, trainer.ctx.real_target
    answers = torch.linspace(-3, 3, 60_001, dtype=torch.float64)[:, None]
    d_losses = torch.stack([game.discriminator_loss(answer, answer, target) for answer in answers[::20]])
    best = answers[::20][d_losses.argmin()]
    found = equilibrium(trainer.recipe)
    assert found["d_loss"] == pytest.approx(float(d_losses.min()), abs=1e-4)
    if "d_real" in found:
        assert found["d_real"] == found["d_fake"] == pytest.approx(float(game.score(best).mean()), abs=2e-3)
        assert found["g_loss"] == pytest.approx(float(game.generator_loss(best, best)), abs=4e-3)


def test_lines_of_a_run_and_of_its_live_options():
    config = validate({"gan": "gan", "data": "ring", "steps": 5, "options": {"label_smoothing": 0.25}})
    told = config["meta"]["objective"]["equilibrium"]
    assert told == pytest.approx(
        {"d_loss": 1.3231, "g_loss": 0.9808, "d_real": 0.375, "d_fake": 0.375}, abs=1e-4
    )
    trainer = Trainer(config)
    trainer.set_options({"label_smoothing": 0.0})
    assert equilibrium(trainer.recipe)["d_loss"] == pytest.approx(2 * math.log(2))


def test_nothing_is_said_where_nothing_is_known():
    """Held at a slope of 1, D cannot be the constant that is best; only means that are compared stay 0."""
    assert equilibrium(Trainer(small(gradient_penalty=0.1)).recipe) == {}
    assert equilibrium(Trainer(small(dragan=0.1, label_smoothing=0.1)).recipe) == {}
    critic = Trainer(small(objective="wasserstein", gradient_penalty=0.1))
    assert equilibrium(critic.recipe) == {"d_loss": 0.0}
    without = validate({"gan": "aae", "data": "mnist", "steps": 5, "options": {"adversary": False}})
    assert without["meta"]["objective"]["equilibrium"] == {}


def test_feature_matching_has_its_own_loss_and_its_own_line():
    trainer = Trainer(small(feature_matching=2.0))
    trainer.iterate()
    values, _ = trainer.read()
    assert values["g_loss"] == values["generator_term_feature_matching"] < 0.5
    assert equilibrium(trainer.recipe)["g_loss"] == 0 and equilibrium(trainer.recipe)["d_real"] == 0.5
    semi = validate(
        {"gan": "semi_supervised", "data": "mnist", "steps": 5, "options": {"unlabelled_weight": 2.0}}
    )
    told = semi["meta"]["objective"]["equilibrium"]
    assert told["g_loss"] == 0 and told["d_loss"] == pytest.approx(2 * math.log(2))
