"""Lines, circles, planes and directions in latent spaces."""

from itertools import pairwise

import pytest
import torch

from engine.latent import moving


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("way", [moving.lerp, moving.slerp])
def test_ends_are_exact(way):
    a, b = normal(5, 33), normal(5, 33, seed=1) * 3
    assert torch.equal(way(a, b, 0.0), a) and torch.equal(way(a, b, 1.0), b)
    t = torch.linspace(0, 1, 7)[:, None]
    walked = way(a[0], b[0], t)  # (7, 33)
    assert torch.equal(walked[0], a[0]) and torch.equal(walked[-1], b[0])


def test_lerp_goes_straight():
    a, b = normal(4, 3), normal(4, 3, seed=1)
    assert torch.allclose(moving.lerp(a, b, 0.25), 0.75 * a + 0.25 * b, atol=1e-6)


def test_slerp_keeps_the_norm_and_divides_the_angle():
    a, b = (torch.nn.functional.normalize(normal(64, seed=s), dim=0) * 8 for s in (0, 1))
    walked = moving.slerp(a, b, torch.linspace(0, 1, 11)[:, None])
    assert torch.allclose(walked.norm(dim=1), torch.full((11,), 8.0), atol=1e-5)
    cosines = torch.cosine_similarity(walked[1:], walked[:-1])
    assert torch.allclose(cosines, cosines[:1].expand(10), atol=1e-6)


def test_slerp_takes_the_norm_evenly_from_one_end_to_the_other():
    a = torch.tensor([2.0, 0.0])
    b = torch.tensor([0.0, 6.0])
    middle = moving.slerp(a, b, 0.5)
    assert torch.allclose(middle, torch.full((2,), 4.0 / 2**0.5), atol=1e-6)


@pytest.mark.parametrize("b", [torch.tensor([-1.0, 0.0]), torch.zeros(2), torch.tensor([1.0, 0.0])])
def test_where_there_is_no_great_circle_it_goes_straight(b):
    a = torch.tensor([1.0, 0.0])
    assert torch.allclose(moving.slerp(a, b, 0.5), (a + b) / 2)


def test_nearly_the_same_ends_lose_no_digits():
    a = normal(64)
    b = a + 1e-5 * normal(64, seed=1)
    assert torch.allclose(moving.slerp(a, b, 0.5), (a + b) / 2, atol=1e-6)


def test_arithmetic_is_on_means():
    a, b, c = normal(3, 5), normal(1, 5, seed=1), normal(2, 5, seed=2)
    assert torch.allclose(moving.arithmetic(a, b, c), a.mean(0) - b[0] + c.mean(0))
    none = torch.zeros(0, 5)
    assert torch.equal(moving.arithmetic(a, none, none), a.mean(0))


def test_a_lattice_has_a_seed_at_each_point():
    seeds = {moving.lattice_seed(plane, i, j) for plane in (0, 1) for i in range(-5, 5) for j in range(-5, 5)}
    assert len(seeds) == 200 and all(0 <= seed < 2**53 for seed in seeds)
    assert moving.lattice_seed(3, -2, 10**9) == moving.lattice_seed(3, -2, 10**9)


def test_between_lattice_points_are_their_smooth_blends():
    assert moving.corners(-2.0, 3.0) == [(-2, 3, 1.0)]
    around = moving.corners(0.25, -0.5)
    assert [corner[:2] for corner in around] == [(0, -1), (1, -1), (0, 0), (1, 0)]
    assert sum(weight for *_, weight in around) == pytest.approx(1)
    latents = {
        corner: normal(16, seed=n)
        for n, corner in enumerate([(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1)])
    }

    def at(x, y):
        around = moving.corners(x, y)
        weights = torch.tensor([weight for *_, weight in around])
        return moving.blend(torch.stack([latents[i, j] for i, j, _ in around]), weights)

    assert torch.equal(at(1.0, 0.0), latents[1, 0])
    steps = [at(x / 100, 0.4) for x in range(200)]
    jumps = torch.stack([(b - a).norm() for a, b in pairwise(steps)])
    assert float(jumps.max()) < 0.15, "a hundredth of a cell is a small step, across its borders too"


def test_a_blend_is_as_typical_as_what_is_blended():
    """Its variance is 1 again: over 4,000 numbers within 4 standard errors, 4 sqrt(2 / 4000)."""
    weights = torch.tensor([0.5, 0.3, 0.15, 0.05])
    blended = moving.blend(normal(4, 4000), weights)
    assert float(blended.square().mean()) == pytest.approx(1, abs=0.09)


def test_directions_are_those_that_change_most():
    """Features that stretch two orthogonal directions of z by 9 and 3, and the rest by 0.1."""
    basis, _ = torch.linalg.qr(normal(12, 12, seed=5))
    stretch = torch.tensor([9.0, 3.0] + [0.1] * 10)
    z = normal(2000, 12)
    features = (z @ basis * stretch) @ torch.linalg.qr(normal(40, 12, seed=6))[0].T
    found = moving.directions(z, features, 2)
    for row, wanted in enumerate((basis[:, 0], basis[:, 1])):
        vector = found.vectors[row]
        assert abs(float(torch.cosine_similarity(vector, wanted, dim=0))) > 0.99
        assert float(vector.norm()) == pytest.approx(1, abs=0.05), "one standard deviation of z"
        assert float(vector.max()) == float(vector.abs().max()), "the sign is fixed"
    assert found.sd.tolist() == pytest.approx([9, 3], rel=0.06)
    assert found.share[0] == pytest.approx(81 / 90.1, rel=0.03)


def test_there_are_no_more_directions_than_the_latent_has():
    found = moving.directions(normal(50, 2), normal(50, 9, seed=1), 8)
    assert found.vectors.shape == (2, 2)
