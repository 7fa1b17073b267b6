"""Optimal transport against brute force and closed forms, and a critic's estimate of it."""

import itertools

import pytest
import torch

from engine.data import DATASETS
from engine.live.picture import picture_of
from engine.metrics.transport import critic_estimate, transport_distance, transport_floor
from engine.training.request import validate
from engine.training.trainer import Trainer

RING = DATASETS["ring"]()


def normal(n, seed):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(5))
def test_no_pairing_is_shorter(seed):
    a, b = normal(6, seed), normal(6, seed + 100)
    lengths = torch.cdist(a, b)
    shortest = min(lengths[range(6), order].mean() for order in itertools.permutations(range(6)))
    assert transport_distance(a, b) == pytest.approx(float(shortest), abs=1e-6)


def test_a_shift_costs_its_length_whatever_the_order():
    a = normal(50, 0)
    assert transport_distance(a, a[torch.randperm(50)]) == pytest.approx(0, abs=1e-6)
    assert transport_distance(a, a.flip(0) + torch.tensor([3.0, 4.0])) == pytest.approx(5, abs=1e-5)


def test_on_a_line_it_is_the_area_between_the_quantiles():
    a, b = normal(40, 1)[:, :1], 2 * normal(40, 2)[:, :1] + 1
    between = (a.sort(0).values - b.sort(0).values).abs().mean()
    assert transport_distance(a, b) == pytest.approx(float(between), abs=1e-6)


def test_the_floor_falls_with_the_number_of_points():
    """And another hundred pairs agree with it within the error of both means."""
    (few, _), (many, spread) = transport_floor(RING, 32), transport_floor(RING, 256)
    assert 0 < many < few / 2
    pairs = [RING.sample(512, torch.Generator().manual_seed(1000 + k)).split(256) for k in range(100)]
    others = torch.tensor([transport_distance(*pair) for pair in pairs])
    assert many == pytest.approx(
        float(others.mean()), abs=4 * float(others.std()) * (1 / 64 + 1 / 100) ** 0.5
    )
    assert spread == pytest.approx(float(others.std()), rel=0.4)


def test_a_linear_critic_by_hand():
    """Its value is the difference of the means along its direction; its slope is its length everywhere."""
    real, fake, direction = normal(64, 3), normal(64, 4), torch.tensor([3.0, -4.0])
    found = critic_estimate(lambda x: x @ direction, real, fake)
    assert found["critic_slope"] == pytest.approx(5, abs=1e-5)
    assert found["critic_value"] == pytest.approx(float((real.mean(0) - fake.mean(0)) @ direction), abs=1e-5)
    assert found["critic_value"] / found["critic_slope"] <= transport_distance(real, fake)


def measured(gan, steps, **options):
    request = {"gan": gan, "data": "ring", "steps": steps + 1, "device": "cpu", "options": options}
    trainer = Trainer(validate(request))
    for _ in range(steps):
        trainer.iterate()
    return picture_of(trainer.shown()).measure()


def test_under_the_penalty_a_critic_that_has_learned_says_the_distance():
    found = measured("wgan_gp", 600, pretrain_discriminator=601, gradient_penalty=1.0)
    best = 1 + found["transport"] / 2  # of s: where s W - (s - 1)^2, which the penalty leaves, is greatest
    assert found["critic_slope"] == pytest.approx(best, rel=0.05)
    assert found["critic_distance"] == pytest.approx(found["transport"], rel=0.05)
    assert found["transport"] > 4 * found["transport_floor"]


def test_the_distance_comes_near_the_floor_as_g_learns():
    before, after = measured("wgan_gp", 0), measured("wgan_gp", 1000)
    assert before["transport"] > 4 * after["transport"]
    assert after["transport"] < 1.5 * after["transport_floor"]


@pytest.mark.parametrize("gan, options", [("gan", {}), ("bigan", {"objective": "wasserstein", "r1": 0.1})])
def test_only_a_critic_of_samples_is_asked(gan, options):
    assert not {name for name in measured(gan, 0, **options) if "critic" in name or "transport" in name}
