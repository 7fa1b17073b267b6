"""Measures of feature arrays against closed forms, reference implementations and real images."""

import math
from statistics import stdev

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import torch
from prdc import compute_prdc

from engine.data.pictures.mnist import Mnist
from engine.metrics.frechet import frechet_distance
from engine.metrics.inception_score import inception_score
from engine.metrics.kernel import kernel_distance
from engine.metrics.manifold import compare_manifolds
from engine.metrics.matching import count_pairs, match_codes
from engine.metrics.measures import fid_floor
from engine.metrics.memorisation import SAME, nearness, to_training, warnings_for
from engine.metrics.modes import count_modes
from engine.metrics.neighbours import nearest, neighbour_accuracy


def normal(n, dimensions, seed, scale=1.0, shift=0.0):
    return torch.randn(n, dimensions, generator=torch.Generator().manual_seed(seed)) * scale + shift


def closed_form(m, s, m2, s2):
    """|m - m'|² + tr(S + S' - 2 (S S')^½) (Dowson & Landau 1982)."""
    return float(np.sum((m - m2) ** 2) + np.trace(s + s2 - 2 * scipy.linalg.sqrtm(s @ s2).real))


class TestFrechet:
    def test_the_formula_on_the_samples_own_moments(self):
        mix = torch.randn(12, 12, generator=torch.Generator().manual_seed(5))
        real, fake = normal(400, 12, 0), normal(300, 12, 1) @ mix + 0.5
        moments = [(x.double().numpy().mean(0), np.cov(x.double().numpy().T)) for x in (real, fake)]
        assert frechet_distance(real, fake) == pytest.approx(closed_form(*moments[0], *moments[1]), rel=1e-6)
        assert frechet_distance(fake, real) == pytest.approx(frechet_distance(real, fake), rel=1e-9)

    def test_the_formula_on_the_gaussians_that_were_sampled(self):
        sd = np.array([0.5, 1.0, 2.0, 3.0])
        fake = normal(200_000, 4, 1) * torch.tensor(sd).float() + 1.0
        truth = closed_form(np.zeros(4), np.eye(4), np.ones(4), np.diag(sd**2))
        assert truth == pytest.approx(4 + ((sd - 1) ** 2).sum())  # with axes in common
        # the mean of 200,000 draws of sd 3 wanders by 0.007, and twice the shift multiplies that
        assert frechet_distance(normal(200_000, 4, 0), fake) == pytest.approx(truth, abs=0.06)

    def test_equal_sets_are_at_0_and_few_samples_are_not(self):
        real = normal(500, 16, 0)
        assert frechet_distance(real, real) == pytest.approx(0, abs=1e-8)
        few, many = (frechet_distance(normal(n, 16, 0), normal(n, 16, 1)) for n in (100, 2000))
        assert few > 5 * many > 0  # the bias falls as 1 / N


class TestKernel:
    def test_about_0_for_equal_distributions_whatever_n(self):
        for n in (200, 1000):
            found = [kernel_distance(normal(n, 8, 2 * s), normal(n, 8, 2 * s + 1))[0] for s in range(8)]
            error = np.std(found, ddof=1) / math.sqrt(len(found))
            assert abs(np.mean(found)) < 4 * error  # of either sign: unbiased, unlike FID
            assert min(found) < 0 < max(found)

    def test_the_estimator_by_hand(self):
        real, fake = normal(40, 3, 0), normal(40, 3, 1, shift=0.7)
        found, spread = kernel_distance(real, fake, seed=3)
        x, y = real.double().numpy(), fake.double().numpy()
        kernel = lambda a, b: (a @ b.T / 3 + 1) ** 3  # noqa: E731
        off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
        whole = off(kernel(x, x)) + off(kernel(y, y)) - 2 * kernel(x, y).mean()
        assert found == pytest.approx(whole, abs=4 * spread / math.sqrt(100))  # 100 subsets of half of them

    def test_the_same_seed_gives_the_same_and_the_global_state_stays(self):
        real, fake = normal(60, 4, 0), normal(60, 4, 1)
        before = torch.get_rng_state()
        assert kernel_distance(real, fake, seed=1) == kernel_distance(real, fake, seed=1)
        assert kernel_distance(real, fake, seed=1) != kernel_distance(real, fake, seed=2)
        assert torch.equal(torch.get_rng_state(), before)


class TestScore:
    def test_sure_and_even_is_the_number_of_classes(self):
        logits = 40.0 * torch.eye(10).repeat(200, 1)
        assert inception_score(logits)[0] == pytest.approx(10, rel=0.05)  # splits of 200 are not quite even

    def test_unsure_or_always_the_same_is_1(self):
        assert inception_score(torch.zeros(500, 10))[0] == pytest.approx(1)
        same = torch.full((500, 10), -800.0)
        same[:, 3] = 800.0  # and classes of probability 0 are no trouble
        assert inception_score(same)[0] == pytest.approx(1)

    def test_the_global_state_stays(self):
        before = torch.get_rng_state()
        inception_score(normal(100, 5, 0))
        assert torch.equal(torch.get_rng_state(), before)


def test_the_spread_of_fids_floor_is_that_of_real_halves_drawn_anew():
    (_, spread), fresh = fid_floor(normal(400, 6, 0), normal(400, 6, 1)), []
    for k in range(2, 40, 2):
        fresh.append(frechet_distance(normal(400, 6, k), normal(400, 6, k + 1)))
    assert spread == pytest.approx(stdev(fresh), rel=0.6)


class TestManifold:
    @pytest.mark.parametrize(
        ("shift", "scale", "fakes"), [(0, 1, 700), (0.5, 1, 400), (0, 0.3, 700), (9, 1, 700)]
    )
    @pytest.mark.parametrize("k", [3, 5])
    def test_against_prdc(self, shift, scale, fakes, k):
        real, fake = normal(600, 8, 0), normal(fakes, 8, 1, scale, shift)
        expected = compute_prdc(real.double().numpy(), fake.double().numpy(), nearest_k=k)
        assert compare_manifolds(real, fake, k, k) == pytest.approx(expected, abs=1e-6)

    def test_precision_goes_by_the_third_neighbour_density_by_the_fifth(self):
        real, fake = normal(300, 4, 0), normal(300, 4, 1)
        third, fifth = compare_manifolds(real, fake, 3, 3), compare_manifolds(real, fake, 5, 5)
        names = ("precision", "recall"), ("density", "coverage")
        ours = {name: one[name] for group, one in zip(names, (third, fifth), strict=True) for name in group}
        assert compare_manifolds(real, fake) == ours and third["recall"] < fifth["recall"]

    def test_collapse_costs_recall_and_outliers_precision(self):
        real = torch.cat([normal(200, 4, 0), normal(200, 4, 1, shift=20)])
        one = compare_manifolds(real, normal(400, 4, 2))
        assert one["precision"] > 0.8 and one["recall"] < 0.55 and one["coverage"] < 0.55
        stray = compare_manifolds(real, torch.cat([normal(300, 4, 2), normal(100, 4, 3, shift=80)]))
        assert stray["precision"] < 0.76

    def test_fewer_items_than_neighbours(self):
        found = compare_manifolds(normal(4, 2, 0), normal(4, 2, 1))
        assert all(math.isfinite(value) for value in found.values())


class TestNeighbours:
    def test_against_every_distance(self):
        queries, references = normal(1100, 6, 0), normal(900, 6, 1)
        distance, which = nearest(queries, references)
        table = torch.cdist(queries.double(), references.double())
        assert torch.equal(which, table.argmin(1))
        assert torch.allclose(distance.double(), table.min(1).values, atol=1e-4)

    def test_blocks_join(self, monkeypatch):
        queries, references = normal(30, 6, 0), normal(100, 6, 1)
        whole = nearest(queries, references)
        monkeypatch.setattr("engine.metrics.neighbours.BLOCK", 6 * 7)
        parts = nearest(queries, references)
        assert torch.equal(whole[1], parts[1]) and torch.allclose(whole[0], parts[0])

    def test_itself_does_not_count(self, monkeypatch):
        monkeypatch.setattr("engine.metrics.neighbours.BLOCK", 2 * 4)
        line = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [7.0, 0.0], [7.5, 0.0]])
        distance, which = nearest(line[[0, 3, 4]], line, own=torch.tensor([0, 3, 4]))
        assert which.tolist() == [1, 4, 3] and distance.tolist() == pytest.approx([1, 0.5, 0.5])

    def test_raw_pixels_of_mnist(self):
        source = Mnist()
        train, test = slice(0, 2000), slice(0, 1000)
        found = neighbour_accuracy(
            source.images[train], source.labels[train], source.test_images[test], source.test_labels[test]
        )
        assert 0.87 < found < 0.93  # about 90 % with 2,000 digits, 96.9 % with all


class TestMemorisation:
    source = Mnist()
    training, test = source.images[:3000], source.test_images

    def share(self, images):
        yardstick = nearness(self.training, self.test[:1000], n=500)
        return yardstick.share(to_training(images, self.training)[0])

    def test_replayed_training_images_are_found(self):
        distance, which = to_training(self.training[100:300], self.training)
        assert which.tolist() == list(range(100, 300)) and distance.max() < SAME
        assert self.share(self.training[:200]) == 1.0

    def test_under_noise_too(self):
        copies = self.training[:200].int() + torch.randint(-9, 10, (200, 1, 28, 28))
        assert self.share(copies.clamp(0, 255).byte()) > 0.95

    def test_unseen_images_are_not(self):
        unseen = self.share(self.test[1000:2000])
        assert unseen < 0.025  # 1 % by construction; 1,000 and 500 images leave an sd of 0.5 %
        assert not warnings_for(unseen, 60_000)
        half = torch.cat([self.training[:100], self.test[1000:1100]])
        assert self.share(half) == pytest.approx(0.5, abs=0.05)

    def test_without_test_images_training_images_are_compared_with_the_others(self):
        yardstick = nearness(self.training, None, n=300)
        assert yardstick.distances.min() > 0.05  # never with themselves
        assert yardstick.share(to_training(self.test[:300], self.training)[0]) < 0.06
        assert yardstick.share(to_training(self.training[:100], self.training)[0]) == 1.0

    def test_duplicates_in_the_data_do_not_hide_copies(self):
        doubled = self.training[:50].repeat(2, 1, 1, 1)
        yardstick = nearness(doubled, None, n=100)
        assert yardstick.limit == SAME and yardstick.share(to_training(doubled, doubled)[0]) == 1.0

    def test_what_is_said(self):
        assert warnings_for(0.01, 5000) == []
        (few,) = warnings_for(0.01, 300)
        assert "Only 300 training pictures" in few
        (replay,) = warnings_for(0.4, 5000)
        assert "40%" in replay and "replays" in replay


class TestMatching:
    @pytest.mark.parametrize("size", [2, 5, 10, 23])
    def test_against_scipy(self, size):
        for seed in range(5):
            counts = torch.randint(0, 40, (size, size), generator=torch.Generator().manual_seed(seed))
            chosen, how = match_codes(counts)
            rows, columns = scipy.optimize.linear_sum_assignment(counts.numpy(), maximize=True)
            assert how == "one to one" and sorted(chosen.tolist()) == list(range(size))
            assert counts[range(size), chosen].sum() == counts[rows, columns].sum()

    def test_two_codes_may_not_share_a_class_where_each_has_one(self):
        counts = torch.tensor([[50, 3, 0], [40, 2, 30], [0, 9, 1]])
        assert match_codes(counts)[0].tolist() == [0, 2, 1]

    def test_more_codes_than_classes_share(self):
        chosen, how = match_codes(torch.tensor([[5, 1], [0, 3], [9, 2]]))
        assert chosen.tolist() == [0, 1, 0] and how == "majority"

    def test_pairs_are_counted(self):
        codes, labels = torch.tensor([0, 0, 2, 2, 2]), torch.tensor([1, 1, 0, 1, 0])
        assert count_pairs(codes, labels, 3, 2).tolist() == [[0, 2], [0, 0], [2, 1]]


class TestModes:
    def test_even_single_and_half(self):
        assert count_modes(torch.arange(1000).repeat(3), 1000) == (1000, pytest.approx(0, abs=1e-9))
        assert count_modes(torch.full((50,), 7), 1000) == (1, pytest.approx(math.log(1000)))
        assert count_modes(torch.arange(500), 1000) == (500, pytest.approx(math.log(2)))

    def test_a_perfect_generator_has_a_floor(self):
        drawn = torch.randint(1000, (26_000,), generator=torch.Generator().manual_seed(0))
        hit, kl = count_modes(drawn, 1000)
        assert hit == 1000 and kl == pytest.approx(999 / 52_000, rel=0.2)
