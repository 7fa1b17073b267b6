"""Coverage, divergence and diversity against closed forms and counted examples."""

import math

import numpy as np
import pytest
import torch

from engine.data import DATASETS
from engine.metrics import METRICS
from engine.metrics.coverage import mode_coverage
from engine.metrics.divergence import DensityComparison, jensen_shannon, optimal_discriminator
from engine.metrics.diversity import diversity


def make(name, **options):
    return DATASETS[name](DATASETS[name].Options(**options))


def draw(source, n=2500, seed=1):
    return source.sample(n, torch.Generator().manual_seed(seed))


class TestCoverage:
    modes = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])

    def test_counted_by_hand(self):
        samples = torch.tensor([[0.0, 0.29], [0.29, 0.0], [4.0, 0.1], [2.0, 2.0], [0.0, 0.31]])
        found = mode_coverage(samples, self.modes, 0.1)
        assert found == {
            "modes_hit": 2,
            "modes_total": 3,
            "share": 0.6,
            "histogram": [0.66667, 0.33333, 0.0],
            "modes_kl": pytest.approx(2 / 3 * math.log(2) + 1 / 3 * math.log(1)),  # sum of s log 3 s
            "samples": 5,
        }

    def test_no_good_sample(self):
        found = mode_coverage(torch.full((4, 2), 100.0), self.modes, 0.1)
        assert (found["modes_hit"], found["share"], found["histogram"]) == (0, 0.0, [0.0, 0.0, 0.0])

    @pytest.mark.parametrize(("name", "options", "modes"), [("ring", {"sd": 0.01}, 8), ("grid", {}, 25)])
    def test_the_data_reach_what_can_be_reached(self, name, options, modes):
        source = make(name, **options)
        found = mode_coverage(draw(source, 20_000), torch.from_numpy(source.modes), source.sd)
        assert found["modes_hit"] == found["modes_total"] == modes
        assert found["share"] == pytest.approx(1 - math.exp(-4.5), abs=0.004)  # five standard deviations
        assert found["histogram"] == pytest.approx([1 / modes] * modes, abs=0.013)

    def test_borders_of_narrow_modes_far_out_are_sharp(self):
        mode = torch.tensor([[1000.0, 1000.0]]).repeat(
            30, 1
        )  # where squares and their sums have lost the digits
        inside = mode[:1] + torch.tensor([[0.0146, 0.0]])
        outside = mode[:1] + torch.tensor([[0.0155, 0.0]])
        found = mode_coverage(torch.cat([inside.repeat(30, 1), outside.repeat(10, 1)]), mode, 0.005)
        assert found["share"] == 0.75


class TestDivergence:
    def test_equal_and_disjoint(self):
        p, q = torch.tensor([0.5, 0.5, 0, 0]), torch.tensor([0, 0, 0.25, 0.75])
        assert jensen_shannon(p, p) == 0
        assert jensen_shannon(p, q) == pytest.approx(math.log(2))

    def test_against_the_closed_form_of_two_values(self):
        p, q = torch.tensor([0.9, 0.1]), torch.tensor([0.2, 0.8])
        entropy = (
            torch.special.entr((p + q) / 2).sum() - (torch.special.entr(p) + torch.special.entr(q)).sum() / 2
        )
        assert jensen_shannon(p, q) == jensen_shannon(q, p) == pytest.approx(entropy.item(), rel=1e-5)

    @pytest.mark.parametrize("distance", [0.1, 0.3, 0.6])
    def test_against_quadrature_for_two_gaussians(self, distance):
        source = make("ring", modes=1, radius=1.0, sd=0.1)  # one Gaussian at (1, 0)
        comparison = DensityComparison(source)
        samples = draw(source, 400_000) + torch.tensor([-distance, 0.0])
        # Both are blurred: two Gaussians with the blur's and a cell's variance (width²/12) added.
        cell = (source.extent[1] - source.extent[0]) / comparison.cells
        sd = math.sqrt(0.1**2 + comparison.bandwidth**2 + cell**2 / 12)
        x = np.linspace(-3, 3, 20_001)
        p, q = (np.exp(-((x - centre) ** 2) / (2 * sd**2)) for centre in (0, -distance))
        p, q = p / p.sum(), q / q.sum()
        middle = (p + q) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = (np.nansum(p * np.log(p / middle)) + np.nansum(q * np.log(q / middle))) / 2
        assert comparison.compare(samples)[0] == pytest.approx(
            expected, rel=0.03, abs=3e-4
        )  # a few cells a Gaussian

    @pytest.mark.parametrize("name", [name for name, source in DATASETS.items() if source.kind == "points"])
    def test_the_data_themselves_are_at_the_floor_and_others_are_not(self, name):
        source = make(name)
        comparison = DensityComparison(source)
        jsd, optimal = comparison.compare(draw(source))
        floor = comparison.floor(2500)
        assert jsd == pytest.approx(floor, abs=0.003) and 0 < floor < 0.01
        assert optimal.shape == (48, 48) and optimal.min() >= 0 and optimal.max() <= 1
        dense = comparison.p.numpy() > 0.3 * comparison.p.max().item()
        assert abs(optimal[dense].mean() - 0.5) < 0.05
        alone = comparison.compare(draw(source)[:1].repeat(2500, 1))[0]  # a single point
        assert (alone > 0.3) == (name != "point")

    def test_far_from_the_data_is_log_2_wherever_it_is(self):
        comparison = DensityComparison(make("segments"))
        near, far = (torch.randn(2500, 2) * 0.1 + shift for shift in (0.0, 1e6))
        assert comparison.compare(near)[0] == pytest.approx(math.log(2), abs=1e-4)
        assert comparison.compare(far)[0] == pytest.approx(math.log(2), abs=1e-4)

    def test_samples_outside_count(self):
        source = make("ring")
        samples = draw(source, 4000)
        samples[::2] = 50.0  # q is half p and half elsewhere
        expected = (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2)) / 2
        assert DensityComparison(source).compare(samples)[0] == pytest.approx(expected, abs=0.005)

    def test_the_optimal_discriminator(self):
        p, q = torch.tensor([0.0, 0.2, 0.3, 0.0]), torch.tensor([0.1, 0.2, 0.1, 0.0])
        assert optimal_discriminator(p, q)[:3].tolist() == pytest.approx([0.0, 0.5, 0.75])
        assert optimal_discriminator(p, q, 1e-6).tolist() == pytest.approx([0.0, 0.5, 0.75, 0.5], abs=1e-4)

    def test_rows_go_up_and_columns_go_right(self):
        source = make("ring")
        _, optimal = DensityComparison(source).compare(torch.tensor([[-1.5, 1.2]]).repeat(100, 1))
        row, column = np.unravel_index(optimal.argmin(), optimal.shape)
        x0, x1, y0, y1 = source.extent
        assert x0 + (column + 0.5) / 48 * (x1 - x0) == pytest.approx(-1.5, abs=0.04)
        assert y0 + (row + 0.5) / 48 * (y1 - y0) == pytest.approx(1.2, abs=0.04)

    def test_blurring_keeps_the_mass(self):
        comparison = DensityComparison(make("grid"))
        x0, x1, *_ = comparison.source.extent
        everywhere = torch.rand(2500, 2, generator=torch.Generator().manual_seed(0)) * (x1 - x0) + x0
        assert comparison.density(everywhere).sum().item() == pytest.approx(1.0, abs=1e-5)
        assert comparison.p.sum().item() == pytest.approx(1.0, abs=1e-5)


class TestDiversity:
    def test_three_points(self):
        assert diversity(torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])) == pytest.approx(
            4.0
        )  # (3 + 4 + 5) / 3

    def test_images_are_compared_whole(self):
        images = torch.zeros(2, 3, 4, 4)
        images[1] = 1.0
        assert diversity(images) == pytest.approx(math.sqrt(48))

    def test_a_collapsed_batch_has_none(self):
        assert diversity(torch.full((64, 1, 28, 28), 0.7)) == 0.0
        assert diversity(torch.ones(1, 2)) == 0.0


def test_the_functions_return_the_fields_of_the_table():
    source, modes = make("ring"), METRICS["modes"]
    found = mode_coverage(draw(source), torch.from_numpy(source.modes), source.sd)
    assert set(found) == {*modes.figures, *modes.fields}
