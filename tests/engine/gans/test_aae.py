"""The adversarial autoencoder: its three turns, its priors, and codes that come to follow them."""

import math

import pytest
import torch
from torch import nn

from engine.game.recipe import Show
from engine.game.showing import evaluating
from engine.gans.aae import petals, swiss_roll
from engine.latent import encoding
from engine.models import checkpoint
from engine.options import BadInput
from engine.runs.folder import RunFolder
from engine.training.trainer import Trainer
from tests.engine.conftest import small

PRIORS = ("gaussian", "mixture", "swiss_roll")
N = 40_000  # draws: a moment's standard error is below 0.5 % of a unit


def trainer_of(**options):
    return Trainer(small("aae", "mnist", **{"hidden": 16, **options}))


def weights(trainer, name):
    return [weight.detach().clone() for weight in trainer.networks[name].parameters()]


def moved(before, trainer):
    return {
        name
        for name, was in before.items()
        if not all(torch.equal(a, b) for a, b in zip(was, weights(trainer, name), strict=True))
    }


def snapshot(trainer):
    return {name: weights(trainer, name) for name in trainer.networks}


@pytest.mark.parametrize("adversary", [True, False])
@pytest.mark.parametrize("prior", PRIORS)
def test_every_prior_takes_five_steps(prior, adversary):
    trainer = trainer_of(prior=prior, adversary=adversary)
    before = snapshot(trainer)
    for _ in range(5):
        trainer.iterate()
    assert trainer.is_finite()
    assert moved(before, trainer) == {"encoder", "generator"} | ({"discriminator"} if adversary else set())
    row, broken = trainer.read()
    assert broken is None
    assert ("d_loss" in row) is adversary


def test_each_turn_moves_its_own_networks():
    trainer = trainer_of()
    moves = {}
    for phase in trainer.stage().phases:
        before = snapshot(trainer)
        trainer._turn(phase, 0, keeps_graph=False, steps=True)
        moves[phase.name] = moved(before, trainer)
    assert moves == {
        "reconstruction": {"encoder", "generator"},
        "discriminator": {"discriminator"},
        "encoder": {"encoder"},
    }


@pytest.mark.parametrize("prior", PRIORS)
def test_a_loaded_state_goes_on_bit_by_bit(prior, tmp_path):
    whole, first, second = (trainer_of(prior=prior, ema=0.9, instance_noise=0.1) for _ in range(3))
    for _ in range(6):
        whole.iterate()
    for _ in range(4):
        first.iterate()
    second.load_state(checkpoint.load(checkpoint.save(RunFolder(tmp_path), 4, first.state())))
    for _ in range(2):
        second.iterate()
    assert not moved(snapshot(whole), second)
    assert whole.read() == second.read()


@pytest.mark.parametrize(
    "more",
    [
        {"objective": "wasserstein", "gradient_penalty": 1.0, "critic_steps": 2},
        {"objective": "relativistic", "r1": 0.1},
        {"objective": "least_squares", "label_smoothing": 0.1, "spectral_norm": True},
        {"pretrain_discriminator": 3},
    ],
    ids=str,
)
def test_objectives_and_penalties_combine(more):
    trainer = trainer_of(**more)
    before = snapshot(trainer)
    for _ in range(5):
        trainer.iterate()
    assert trainer.is_finite()
    assert moved(before, trainer) == {"encoder", "generator", "discriminator"}


@pytest.mark.parametrize(
    ("options", "price"),
    [
        ({}, 1.2),
        ({"prior": "swiss_roll"}, 1.2),
        ({"latent_dim": 10, "prior": "mixture"}, 1.5),
    ],
    ids=["gaussian", "roll", "petals in 10-D"],
)
def test_codes_come_to_follow_the_prior(options, price):
    """After the same 300 steps of the same networks, and at no more than ``price`` times the error: the
    adversary has brought the codes to a fiftieth of the plain autoencoder's distance (seeds 0 and 1: to less
    than a hundredth).
    """
    found = {}
    for adversary in (True, False):
        trainer = trainer_of(adversary=adversary, hidden=64, batch_size=64, **options)
        for _ in range(300):
            trainer.iterate()
        with evaluating(*trainer.networks.values()):
            found[adversary] = trainer.recipe.figures(trainer.networks, trainer.source)
    assert found[True]["prior_distance"] < 0.02 * found[False]["prior_distance"]
    assert found[True]["reconstruction_error"] < price * found[False]["reconstruction_error"]


# --- priors


def test_the_petals_are_ten_alike_and_point_outwards():
    z = petals(N, torch.Generator().manual_seed(0))
    assert z.shape == (N, 2)
    torch.testing.assert_close(z.mean(0), torch.zeros(2), atol=0.03, rtol=0)
    square = 1.4**2 + 0.5**2 + 0.1**2  # of the middle, along the petal and across it
    torch.testing.assert_close(z.square().sum(1).mean(), torch.tensor(square), atol=0.04, rtol=0)
    outer = z[z.norm(dim=1) > 1.2]
    turn = torch.atan2(outer[:, 1], outer[:, 0]) / (2 * math.pi / 10)
    shares = torch.bincount(turn.round().long() % 10, minlength=10) / len(outer)
    torch.testing.assert_close(shares, torch.full((10,), 0.1), atol=0.01, rtol=0)
    assert (turn - turn.round()).abs().mean() < 0.15  # 0.25 if all angles were alike


def test_the_roll_winds_twice():
    z = swiss_roll(N, torch.Generator().manual_seed(0))
    assert z.shape == (N, 2)
    radius = z.norm(dim=1)
    square = 3.0**2 / 2 + 2 * 0.05**2  # the radius is 3 times the root of a uniform number
    torch.testing.assert_close(radius.square().mean(), torch.tensor(square), atol=0.05, rtol=0)
    outer = radius > 0.5
    angle = torch.atan2(z[outer, 1], z[outer, 0]) - 4 * math.pi * radius[outer] / 3.0
    off = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi  # from where the curve would be
    assert off.abs().mean() < 0.25  # pi / 2 for any other shape


def test_a_mixture_fills_each_plane_by_itself():
    trainer = trainer_of(prior="mixture", latent_dim=4)
    z = trainer.recipe.draw_latent(N, torch.Generator().manual_seed(0))
    assert z.shape == (N, 4)
    covariance = torch.cov(z.T)
    torch.testing.assert_close(covariance, torch.eye(4) * 1.11, atol=0.03, rtol=0)  # half of 2.22


def test_draws_follow_their_generator():
    for prior in PRIORS:
        recipe = trainer_of(prior=prior).recipe
        same = [recipe.draw_latent(50, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
        assert torch.equal(same[0], same[1])
        assert not torch.equal(same[0], same[2])


# --- figures and exhibits


def test_energy_distance_of_known_samples():
    """Two points d apart: 2d. Normal distributions m apart: twice E|N(m, 2)| less twice E|N(0, 2)|."""
    assert encoding.energy_distance(torch.zeros(5, 3), torch.full((7, 3), 2.0)) == pytest.approx(2 * 12**0.5)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(4000, 1, generator=generator) for _ in range(2))
    m = 1.5
    folded = 2 / math.sqrt(math.pi) * math.exp(-(m**2) / 4) + m * math.erf(m / 2)
    expected = 2 * folded - 4 / math.sqrt(math.pi)
    assert encoding.energy_distance(a, b + m) == pytest.approx(expected, rel=0.08)  # 3 sd of the estimate
    assert encoding.energy_distance(a, a) == pytest.approx(0, abs=1e-5)


class Drawn(nn.Module):
    """Decodes a latent to a picture of one pixel a number: (N, 1, 1, 2)."""

    def forward(self, z):
        return z[:, None, None, :]


class Put(nn.Module):
    """Codes pictures as told, whatever they are."""

    def __init__(self, codes):
        super().__init__()
        self.codes = codes

    def forward(self, x):
        return self.codes[: len(x)]


def shown_plane(codes, labels):
    recipe = trainer_of().recipe
    networks = {"generator": Drawn(), "encoder": Put(codes)}
    show = Show(networks, torch.zeros(1, 2), torch.zeros(len(codes), 1, 1, 2), labels)
    return {exhibit.name: exhibit for exhibit in recipe.exhibits(show)}


def test_the_plane_is_decoded_where_it_lies():
    plane = shown_plane(torch.zeros(8, 2), None)["plane"]
    x, y = plane.pictures.view(plane.rows, plane.columns, 2).unbind(2)
    assert bool((x.diff(dim=1) > 0).all())
    assert bool((y.diff(dim=0) < 0).all())
    two_percent = 2.054  # of a standard normal distribution lies beyond it
    torch.testing.assert_close(x[0, [0, -1]], torch.tensor([-two_percent, two_percent]), atol=0.1, rtol=0)


def test_codes_are_dots_in_the_colours_of_their_classes():
    corners = torch.tensor(
        [[-9.0, 9.0], [9.0, 9.0], [9.0, -9.0], [-9.0, -9.0]]
    )  # from the top left clockwise
    labels = torch.tensor([0, 1, 2, 13])
    picture = shown_plane(corners, labels)["codes"].pictures[0]
    middle = 1 / 2 - 1 / (2 * 1.05)  # how far in the outermost code lies
    near = round(middle * encoding.SIDE)
    far = encoding.SIDE - near
    for (row, column), label in zip(
        [(near, near), (near, far), (far, far), (far, near)], labels, strict=True
    ):
        colour = torch.tensor(encoding.COLOURS[int(label) % 10]) * 2 - 1
        around = picture[:, row - 2 : row + 2, column - 2 : column + 2]
        assert bool((around - colour[:, None, None]).abs().sum(0).min() < 1e-5)
    assert picture.amin() >= -1
    assert picture.amax() == 1  # white where neither codes nor prior are


def test_a_frame_holds_all_exhibits():
    from engine.live.picture import picture_of

    trainer = trainer_of(latent_dim=2)
    picture_of(trainer.shown()).frame({})
    names = set(shown_plane(torch.zeros(8, 2), None))
    assert names == {"reconstructions", "plane", "codes"}
    deep = trainer_of(latent_dim=4)
    show = Show(deep.networks, torch.zeros(1, 4), deep.source.images[:64].float(), None)
    with evaluating(*deep.networks.values()):
        assert [exhibit.name for exhibit in deep.recipe.exhibits(show)] == ["reconstructions"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"prior": "swiss_roll", "latent_dim": 3}, "latent_dim"),
        ({"prior": "mixture", "latent_dim": 5}, "latent_dim"),
        ({"latent_dim": 1}, "latent_dim"),
        ({"reconstruction_weight": 0.0}, "reconstruction_weight"),
        ({"updates": "simultaneous"}, "updates"),
        ({"adversary": False, "pretrain_discriminator": 5}, "pretrain_discriminator"),
        ({"adversary": False, "r1": 1.0}, "r1"),
        ({"adversary": False, "critic_steps": 5}, "critic_steps"),
        ({"adversary": False, "objective": "hinge"}, "objective"),
        ({"feature_matching": 1.0}, "feature_matching"),
        ({"diff_augment": True}, "diff_augment"),
        ({"objective": "wasserstein"}, "objective"),
    ],
    ids=str,
)
def test_contradictions_are_refused(options, field):
    with pytest.raises(BadInput) as refusal:
        trainer_of(**options)
    assert refusal.value.field == field
    assert refusal.value.remedy


def test_points_have_no_pictures_to_code():
    with pytest.raises(BadInput) as refusal:
        small("aae", "ring")
    assert refusal.value.field == "data"
