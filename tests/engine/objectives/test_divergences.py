"""Each f-divergence against its definition, and its game against closed forms and quadrature for two
Gaussians.

p = N(0, 1.1²) are the data and q = N(0.4, 1) the samples, so that Pearson's ∫ p²/q is finite, as it is while
sd_p² < 2 sd_q², and so is Neyman's ∫ q²/p. Integrals are sums over a grid of ±12 with 24,001 points in double
precision: for functions this smooth that is exact to about 1e-12.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import pytest
import torch

from engine.objectives import OBJECTIVES
from engine.objectives.divergences import DIVERGENCES
from engine.options import BadInput
from engine.presets import PRESETS
from engine.training.request import validate
from engine.training.trainer import Trainer

X = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
DX = float(X[1] - X[0])
EVERY = pytest.mark.parametrize("name", DIVERGENCES)


@dataclass
class Gaussian:
    mean: float
    sd: float

    def density(self, x):
        return torch.exp(-(((x - self.mean) / self.sd) ** 2) / 2) / (self.sd * sqrt(2 * torch.pi))


P, Q = Gaussian(0.0, 1.1), Gaussian(0.4, 1.0)
RATIO = P.density(X) / Q.density(X)


def integral(values):
    return float(values.sum()) * DX


def kl(p, q):
    return log(q.sd / p.sd) + (p.sd**2 + (p.mean - q.mean) ** 2) / (2 * q.sd**2) - 0.5


def chi_square(p, q):
    """∫ (p - q)²/q, finite where sd_p² < 2 sd_q²."""
    spread = 2 * q.sd**2 - p.sd**2
    assert spread > 0
    return q.sd**2 / (p.sd * sqrt(spread)) * exp((p.mean - q.mean) ** 2 / spread) - 1


def hellinger(p, q):
    """∫ (√p - √q)²."""
    total = p.sd**2 + q.sd**2
    return 2 - 2 * sqrt(2 * p.sd * q.sd / total) * exp(-((p.mean - q.mean) ** 2) / (4 * total))


def jsd(p, q):
    """The Jensen-Shannon divergence in nats, which has no closed form: by quadrature."""
    real, fake = p.density(X), q.density(X)
    middle = (real + fake) / 2
    return integral(real * (real / middle).log() + fake * (fake / middle).log()) / 2


KNOWN = {
    "f_kl": kl(P, Q),
    "f_reverse_kl": kl(Q, P),
    "f_pearson": chi_square(P, Q),
    "f_neyman": chi_square(Q, P),
    "f_hellinger": hellinger(P, Q),
    "f_jensen_shannon": 2 * jsd(P, Q),
    "f_gan": 2 * jsd(P, Q) - log(4),
}

# where u = p/q, the logit whose activation is f'(u)
BEST_LOGIT = {
    "f_kl": lambda u: 1 + u.log(),
    "f_reverse_kl": lambda u: u.log(),
    "f_pearson": lambda u: 2 * (u - 1),
    "f_neyman": lambda u: 2 * u.log(),
    "f_hellinger": lambda u: u.log() / 2,
    "f_jensen_shannon": lambda u: u.log(),
    "f_gan": lambda u: u.log(),
}


def slope(function, at):
    at = at.detach().requires_grad_()
    return torch.autograd.grad(function(at).sum(), at)[0]


@EVERY
def test_the_conjugate_is_the_largest_difference_of_line_and_f(name):
    divergence = DIVERGENCES[name]
    u = torch.logspace(-8, 8, 400_001, base=torch.e, dtype=torch.float64)
    t = divergence.activation(BEST_LOGIT[name](torch.tensor([0.05, 0.3, 0.9, 1.0, 2.5, 12.0], dtype=u.dtype)))
    largest = (t[:, None] * u - divergence.generator(u)).max(1).values  # (6,)
    assert divergence.conjugate(t).tolist() == pytest.approx(largest.tolist(), abs=1e-6)


def test_pearson_continues_f_below_zero():
    """Its activation goes below f'(0) = -2, where only u < 0 can answer."""
    pearson = DIVERGENCES["f_pearson"]
    u, t = (
        torch.linspace(-5, 5, 100_001, dtype=torch.float64),
        torch.tensor([-6.0, -3.0], dtype=torch.float64),
    )
    largest = (t[:, None] * u - pearson.generator(u)).max(1).values  # (2,)
    assert pearson.conjugate(t).tolist() == pytest.approx(largest.tolist(), abs=1e-6)


@EVERY
def test_the_activation_rises_and_stays_where_the_conjugate_is_finite(name):
    divergence, v = DIVERGENCES[name], torch.linspace(-15, 15, 301, dtype=torch.float64)
    t = divergence.activation(v)
    assert (t.diff() > 0).all()
    assert divergence.conjugate(t).isfinite().all()
    both = divergence.conjugate_of_activation(v)
    assert both.tolist() == pytest.approx(divergence.conjugate(t).tolist(), rel=1e-8, abs=1e-8)


@EVERY
def test_the_threshold_is_the_slope_of_f_at_one(name):
    divergence = DIVERGENCES[name]
    one = torch.ones((), dtype=torch.float64)
    assert float(slope(divergence.generator, one)) == pytest.approx(divergence.threshold, abs=1e-12)
    undecided = torch.tensor(divergence.undecided, dtype=torch.float64)
    assert float(divergence.activation(undecided)) == pytest.approx(divergence.threshold, abs=1e-12)


@EVERY
def test_the_best_discriminator_says_the_slope_of_f(name):
    divergence, u = DIVERGENCES[name], torch.tensor([0.02, 0.4, 1.0, 7.0], dtype=torch.float64)
    best = divergence.activation(BEST_LOGIT[name](u))
    assert best.tolist() == pytest.approx(slope(divergence.generator, u).tolist(), rel=1e-10, abs=1e-10)


def bound(divergence, v):
    """The value that D raises, for logits ``v`` on the grid."""
    real = integral(P.density(X) * divergence.activation(v))
    return real - integral(Q.density(X) * divergence.conjugate_of_activation(v))


@EVERY
def test_the_bound_reaches_the_divergence_of_two_gaussians_and_no_more(name):
    divergence, best = DIVERGENCES[name], BEST_LOGIT[name](RATIO)
    by_definition = integral(Q.density(X) * divergence.generator(RATIO))
    assert by_definition == pytest.approx(KNOWN[name], abs=1e-9)
    assert bound(divergence, best) == pytest.approx(KNOWN[name], abs=1e-9)
    for other in (best + 0.05, best - 0.05, best + 0.05 * X.sin(), torch.full_like(X, divergence.undecided)):
        assert bound(divergence, other) < KNOWN[name] - 1e-6


# what G descends: h(u) of the f-divergence, for the update that maximises T and for the minimax one
DESCENDED = {
    "f_kl": (lambda u: -u.log(), lambda u: u * u.log()),
    "f_reverse_kl": (lambda u: (u - 1).square() / u / 2, lambda u: -u.log()),
    "f_pearson": (lambda u: 2 * u * u.log(), lambda u: u.square()),
    "f_neyman": (lambda u: u**-2 / 3, lambda u: 1 / u),
    "f_hellinger": (lambda u: 2 / 3 * u**-0.5, lambda u: -2 * u.sqrt()),
    "f_jensen_shannon": (
        lambda u: -u.log() - u * u.log() + (1 + u) * (1 + u).log(),
        lambda u: u * u.log() - (1 + u) * (1 + u).log(),
    ),
}
DESCENDED["f_gan"] = DESCENDED["f_jensen_shannon"]


@pytest.mark.parametrize("minimax", [False, True], ids=["heuristic", "minimax"])
@EVERY
def test_g_descends_the_divergence_that_the_table_names(name, minimax):
    """The gradient for q's mean and sd, through samples and a fixed best D, is that of the named divergence,
    through q's density.
    """
    divergence, h = DIVERGENCES[name], DESCENDED[name][minimax]
    theta = torch.tensor([Q.mean, Q.sd], dtype=torch.float64, requires_grad=True)
    q = Gaussian(*theta).density(X)
    (expected,) = torch.autograd.grad((q * h(P.density(X) / q)).sum() * DX, theta)

    z = X[::20]
    weights = Gaussian(0, 1).density(z) * DX * 20
    samples = theta[0] + theta[1] * z
    ratio = P.density(samples) / Q.density(samples)  # Q is fixed: D does not follow G
    v = BEST_LOGIT[name](ratio)
    loss = divergence.minimax_generator_loss if minimax else divergence.generator_loss
    per_sample = torch.stack([loss(one, one) for one in v.split(1)])
    (gradient,) = torch.autograd.grad((weights * per_sample).sum(), theta)
    assert gradient.tolist() == pytest.approx(expected.tolist(), abs=1e-7)


@EVERY
def test_large_logits_stay_finite_up_to_the_limit_that_is_stated(name):
    """Losses and gradients at ±50 and ±80 in single precision; beyond about 88 the exponentials overflow, the
    others do not.
    """
    divergence = DIVERGENCES[name]
    losses = (divergence.discriminator_loss, divergence.generator_loss, divergence.minimax_generator_loss)

    def finite(size):
        wrong = torch.tensor([-size, size], requires_grad=True)
        values = [loss(wrong, wrong) if i else loss(wrong, wrong, 1.0) for i, loss in enumerate(losses)]
        gradients = [torch.autograd.grad(value, wrong)[0] for value in values]
        return all(bool(value.isfinite().all()) for value in (*values, *gradients))

    assert finite(50.0) and finite(80.0)
    assert finite(1e4) == (name in ("f_pearson", "f_jensen_shannon", "f_gan"))


@EVERY
def test_the_generator_update_is_a_choice(name):
    objective = OBJECTIVES[name]
    assert objective.family == "f-GAN"
    assert objective.under("heuristic") is objective
    minimax = objective.under("minimax")
    assert minimax.generator_loss == objective.minimax.loss != objective.generator_loss
    told, other = objective.describe(), minimax.describe()
    assert told["minimax"] == other and other["minimax"] is None
    assert "def generator_loss" in told["code"] and "def minimax_generator_loss" in other["code"]
    for key in ("latex_g", "divergence", "code"):
        assert told[key] != other[key]
    undecided = torch.full((4,), DIVERGENCES[name].undecided)
    assert float(minimax.generator_loss(undecided, undecided)) == pytest.approx(
        other["equilibrium"]["g_loss"], abs=1e-6
    )


@pytest.mark.parametrize("name", sorted(set(OBJECTIVES) - set(DIVERGENCES)))
def test_where_there_is_no_choice_it_is_refused(name):
    assert OBJECTIVES[name].under("heuristic") is OBJECTIVES[name]
    with pytest.raises(BadInput) as refusal:
        OBJECTIVES[name].under("minimax")
    assert refusal.value.field == "generator_update" and refusal.value.remedy


def test_the_gan_of_the_family_is_the_first_gan():
    real, fake = torch.tensor([1.0, -0.5, 3.0]), torch.tensor([0.25, -2.0, 0.75])
    ours = OBJECTIVES["f_gan"]
    for update, theirs in (("heuristic", "non_saturating"), ("minimax", "minimax")):
        for loss in ("discriminator_loss", "generator_loss"):
            arguments = (real, fake, 1.0) if loss == "discriminator_loss" else (real, fake)
            value = float(getattr(ours.under(update), loss)(*arguments))
            assert value == pytest.approx(float(getattr(OBJECTIVES[theirs], loss)(*arguments)), rel=1e-6)


def test_one_gaussian_covers_three_modes_under_kl_and_seeks_one_under_reverse_kl():
    """Three modes on the unit circle, sd 0.1: the Gaussian of the same moments has sd 0.71 on each axis."""
    found = {}
    for run in PRESETS["mode_seeking"].runs:
        trainer = Trainer(validate({**run, "device": "cpu"}))
        for _ in range(2000):
            trainer.iterate()
        latents = trainer.recipe.draw_latent(1000, torch.Generator().manual_seed(0))
        with torch.no_grad():
            points = trainer.recipe.generate(trainer.networks, latents)
        found[run["options"]["objective"]] = (float(points.mean(0).norm()), float(points.std(0).max()))
    mean, sd = found["f_kl"]
    assert mean < 0.2 and sd > 0.6
    mean, sd = found["f_reverse_kl"]
    assert mean > 0.7 and sd < 0.35
