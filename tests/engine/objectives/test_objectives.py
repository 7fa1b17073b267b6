"""Each loss against its closed form, its equilibrium, and the gradient that the theory predicts."""

from math import exp, log

import pytest
import torch

from engine.models.assembly import options_model
from engine.objectives import OBJECTIVES
from engine.options import BadInput
from engine.options import validate as validate_values
from engine.training.catalogue import catalogue
from engine.training.trainer import Trainer
from tests.engine.conftest import small

REAL = torch.tensor([1.0, -0.5, 3.0])
FAKE = torch.tensor([0.25, -2.0, 0.75])


def sigmoid(x):
    return 1 / (1 + exp(-x))


def expect(term, logits):
    return sum(term(float(x)) for x in logits) / len(logits)


def pairs(term):
    return sum(term(float(x), float(y)) for x, y in zip(REAL, FAKE, strict=True)) / len(REAL)


CLOSED_FORMS = {
    "minimax": (
        -expect(lambda x: log(sigmoid(x)), REAL) - expect(lambda x: log(1 - sigmoid(x)), FAKE),
        expect(lambda x: log(1 - sigmoid(x)), FAKE),
    ),
    "non_saturating": (
        -expect(lambda x: log(sigmoid(x)), REAL) - expect(lambda x: log(1 - sigmoid(x)), FAKE),
        -expect(lambda x: log(sigmoid(x)), FAKE),
    ),
    "least_squares": (
        0.5 * expect(lambda x: (x - 1) ** 2, REAL) + 0.5 * expect(lambda x: x**2, FAKE),
        0.5 * expect(lambda x: (x - 1) ** 2, FAKE),
    ),
    "wasserstein": (expect(float, FAKE) - expect(float, REAL), -expect(float, FAKE)),
    "hinge": (
        expect(lambda x: max(0, 1 - x), REAL) + expect(lambda x: max(0, 1 + x), FAKE),
        -expect(float, FAKE),
    ),
    "relativistic": (
        pairs(lambda x, y: -log(sigmoid(x - y))),
        pairs(lambda x, y: -log(sigmoid(y - x))),
    ),
    "f_kl": (-expect(float, REAL) + expect(lambda x: exp(x - 1), FAKE), -expect(float, FAKE)),
    "f_reverse_kl": (
        expect(lambda x: exp(-x), REAL) + expect(lambda x: -1 - log(exp(-x)), FAKE),
        expect(lambda x: exp(-x), FAKE),
    ),
    "f_pearson": (
        -expect(float, REAL) + expect(lambda x: x**2 / 4 + x, FAKE),
        -expect(float, FAKE),
    ),
    "f_neyman": (
        -expect(lambda x: 1 - exp(-x), REAL) + expect(lambda x: 2 - 2 * exp(-x) ** 0.5, FAKE),
        -expect(lambda x: 1 - exp(-x), FAKE),
    ),
    "f_hellinger": (
        -expect(lambda x: 1 - exp(-x), REAL) + expect(lambda x: (1 - exp(-x)) / exp(-x), FAKE),
        -expect(lambda x: 1 - exp(-x), FAKE),
    ),
    "f_jensen_shannon": (
        -expect(lambda x: log(2 * sigmoid(x)), REAL) - expect(lambda x: log(2 - 2 * sigmoid(x)), FAKE),
        -expect(lambda x: log(2 * sigmoid(x)), FAKE),
    ),
    "f_gan": (
        -expect(lambda x: log(sigmoid(x)), REAL) - expect(lambda x: log(1 - sigmoid(x)), FAKE),
        -expect(lambda x: log(sigmoid(x)), FAKE),
    ),
}


def test_every_objective_has_a_closed_form_here():
    assert set(CLOSED_FORMS) == set(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_match_their_closed_form(name):
    objective, (d_loss, g_loss) = OBJECTIVES[name], CLOSED_FORMS[name]
    assert float(objective.discriminator_loss(REAL, FAKE, 1.0)) == pytest.approx(d_loss, rel=1e-5)
    assert float(objective.generator_loss(REAL, FAKE)) == pytest.approx(g_loss, rel=1e-5)


@pytest.mark.parametrize("name", [name for name, objective in OBJECTIVES.items() if objective.equilibrium])
def test_equilibrium_is_reached_where_d_cannot_tell(name):
    objective = OBJECTIVES[name]
    undecided = torch.full((8,), objective.threshold if objective.threshold is not None else 0.7)
    values = {
        "d_loss": objective.discriminator_loss(undecided, undecided, 1.0),
        "g_loss": objective.generator_loss(undecided, undecided),
        "d_real": objective.score(undecided).mean(),
        "d_fake": objective.score(undecided).mean(),
    }
    for key, value in objective.equilibrium.items():
        assert float(values[key]) == pytest.approx(value, abs=1e-6), key
    assert float(objective.accuracy(undecided, undecided)) == pytest.approx(0.5)


def test_smoothing_moves_the_optimal_logit():
    """With the target 0.9 the best D on real data alone says 0.9, not 1."""
    logit = torch.zeros(1, requires_grad=True)
    nowhere = torch.full((1,), -1e9)
    for _ in range(400):
        (slope,) = torch.autograd.grad(
            OBJECTIVES["non_saturating"].discriminator_loss(logit, nowhere, 0.9), logit
        )
        logit = (logit - 2 * slope).detach().requires_grad_()
    assert logit.detach().sigmoid().item() == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize("name", [name for name, objective in OBJECTIVES.items() if objective.smoothing])
def test_a_smoothed_d_is_right_on_either_side_of_half_its_target(name):
    """Where p = 1.5 q the best D says t p / (p + q) = 0.45 under t = 0.75, and 0.25 where p = q / 2."""
    objective = OBJECTIVES[name]
    answers = torch.tensor([[0.45], [0.25]])
    more, less = answers.logit() if objective.probability else answers
    assert float(objective.accuracy(more, less, 0.75)) == 1
    assert float(objective.accuracy(more, less)) == 0.5  # by the middle of one that is not smoothed


def test_least_squares_in_closed_form():
    """With D at p / (p + q), G's loss is ½ Σ q³ / (p + q)²; its step, with that D held, is that of
    ½ Σ (q - 2p log(p + q) - p² / (p + q)), of which nothing is less than p = q.
    """
    random = torch.Generator().manual_seed(0)
    p, q = torch.rand(2, 50, generator=random, dtype=torch.float64).mul(3).softmax(1)
    q.requires_grad_()
    best = (p / (p + q)).detach()

    def value(q):
        return ((q - 2 * p * (p + q).log() - p.square() / (p + q)) / 2).sum()

    answers = best.clone().requires_grad_()  # D may answer each cell as it likes: nothing is less than D*
    game = OBJECTIVES["least_squares"]
    d_loss = (p * (answers - 1).square() + q.detach() * answers.square()).sum() / 2
    assert torch.autograd.grad(d_loss, answers)[0].abs().max() < 1e-12
    g_loss = sum(weight * game.generator_loss(d[None], d[None]) for weight, d in zip(q, best, strict=True))
    torch.testing.assert_close(g_loss, (q**3 / (p + q) ** 2).sum() / 2)
    torch.testing.assert_close(torch.autograd.grad(g_loss, q)[0], torch.autograd.grad(value(q), q)[0])
    assert value(p) < value(q) and (p / 8).sum() < g_loss


def test_saturating_gradient_vanishes_where_the_heuristic_one_does_not():
    """At D(G(z)) -> 0 the slope of log(1 - D) goes to 0 and that of -log D to -1 (Goodfellow et al. 2014,
    section 3).
    """
    slopes = {}
    for name in ("minimax", "non_saturating"):
        logits = torch.full((4,), -12.0, requires_grad=True)
        (slope,) = torch.autograd.grad(OBJECTIVES[name].generator_loss(logits, logits) * 4, logits)
        slopes[name] = slope.abs().max().item()
    assert slopes["minimax"] < 1e-5
    assert slopes["non_saturating"] == pytest.approx(1.0, abs=1e-4)


def test_pairing_sees_only_differences():
    """The same number added to all logits changes no loss; added to one side it does."""
    objective = OBJECTIVES["relativistic"]
    assert objective.needs_real
    for loss in (objective.discriminator_loss, objective.generator_loss):
        arguments = (1.0,) if loss is objective.discriminator_loss else ()
        here = float(loss(REAL, FAKE, *arguments))
        assert float(loss(REAL + 7, FAKE + 7, *arguments)) == pytest.approx(here, rel=1e-5)
        assert abs(float(loss(REAL + 1, FAKE, *arguments)) - here) > 0.1


@pytest.mark.parametrize("name", OBJECTIVES)
def test_only_objectives_that_say_so_read_the_real_logits_for_g(name):
    objective = OBJECTIVES[name]
    changed = float(objective.generator_loss(REAL + 1, FAKE)) != float(objective.generator_loss(REAL, FAKE))
    assert changed == objective.needs_real


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_page_gets_formula_and_code(name):
    described = OBJECTIVES[name].describe()
    assert "def " in described["code"] and "return" in described["code"]
    assert described["latex_d"].startswith("L_D") and described["latex_g"].startswith("L_G")


def test_an_objective_has_knobs_of_its_own():
    options = validate_values(options_model("gan", "ring"), {"objective": "hinge", "hinge_margin": 2.5})
    ours = OBJECTIVES["hinge"].of(options)
    wanted = expect(lambda x: max(0, 2.5 - x), REAL) + expect(lambda x: max(0, 2.5 + x), FAKE)
    assert float(ours.discriminator_loss(REAL, FAKE, 1.0)) == pytest.approx(wanted, rel=1e-6)
    assert ours.equilibrium["d_loss"] == 5 and "hinge_margin" in ours.describe()["code"]
    trainer = Trainer(small(objective="hinge", hinge_margin=2.5))
    trainer.set_options({"hinge_margin": 1.5})
    assert trainer.ctx.objective.equilibrium["d_loss"] == 3
    (field,) = catalogue()["objectives"]["hinge"]["options"]
    assert (field["name"], field["default"]) == ("hinge_margin", 1.0)
    with pytest.raises(BadInput) as refused:
        small(objective="wasserstein", gradient_penalty=1.0, hinge_margin=2.5)
    assert refused.value.field == "hinge_margin" and "objective to hinge" in refused.value.remedy
    assert "hinge_margin" not in [field["name"] for field in small()["meta"]["live"]]
