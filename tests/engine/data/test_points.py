"""Points: densities, cell masses and samples of each source belong together."""

import base64

import numpy as np
import pytest
import torch

from engine.data import DATASETS
from engine.data.points.drawn import CANVAS, heart
from engine.options import BadInput, validate

POINTS = [name for name, source in DATASETS.items() if source.kind == "points"]
CASES = [(name, {}) for name in POINTS] + [
    ("ring", {"modes": 5, "sd": 0.01, "radius": 2.0}),
    ("grid", {"side": 3, "spacing": 1.0}),
    ("spiral", {"turns": 0.5}),
    ("segments", {"distance": 5.0}),
]


def make(name, **options):
    kind = DATASETS[name]
    return kind(validate(kind.Options, options))


def broad(name, sd):
    """A source so broad that a coarse grid sees its density whole."""
    return make(name) if name == "drawn" else make(name, sd=sd)


def draw(source, n=1000, seed=0):
    return source.sample(n, torch.Generator().manual_seed(seed))


def midpoints(source, cells):
    x0, x1, y0, y1 = source.extent
    x = x0 + (np.arange(cells) + 0.5) / cells * (x1 - x0)
    y = y0 + (np.arange(cells) + 0.5) / cells * (y1 - y0)
    return np.stack(np.meshgrid(x, y), 2).reshape(-1, 2)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_samples_are_reproducible_points(name, options):
    source = make(name, **options)
    points = draw(source)
    assert points.shape == (1000, *source.shape) and points.dtype == torch.float32
    assert torch.equal(points, draw(source))
    assert not torch.equal(points, draw(source, seed=1))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_extent_is_a_square_with_room_around_the_data_and_the_origin(name, options):
    source = make(name, **options)
    x0, x1, y0, y1 = source.extent
    side = x1 - x0
    assert side == pytest.approx(y1 - y0)
    points = draw(source, 10_000).numpy()
    margin = 0.06 * side
    assert (points > (x0 + margin, y0 + margin)).all() and (points < (x1 - margin, y1 - margin)).all()
    assert x0 < -0.3 < 0.3 < x1  # a fresh generator's points lie around the origin


@pytest.mark.parametrize("name", POINTS)
def test_the_density_integrates_to_one(name):
    source = broad(name, 0.1)
    x0, x1, y0, y1 = source.extent
    cells = (
        256  # a quarter of the sd, where Gaussian sums are exact; drawn: cells of the canvas in whole parts
    )
    total = source.density(midpoints(source, cells)).sum() * (x1 - x0) * (y1 - y0) / cells**2
    assert total == pytest.approx(1.0, abs=2e-3)  # a curve's far tail may leave the extent


@pytest.mark.parametrize("name", POINTS)
def test_cell_masses_are_the_integral_of_the_density(name):
    source = broad(name, 0.15)
    x0, x1, y0, y1 = source.extent
    fine = source.density(midpoints(source, 320)).reshape(32, 10, 32, 10).sum((1, 3))
    expected = fine * (x1 - x0) * (y1 - y0) / 320**2
    assert source.mass(32) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_histogram_of_samples_matches_the_cell_masses(name, options):
    source = make(name, **options)
    n = 100_000
    points = draw(source, n).double().numpy()
    x0, x1, y0, y1 = source.extent
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], 48, ((y0, y1), (x0, x1)))
    expected = source.mass(48) * n
    enough = expected > 5
    assert expected[enough].sum() > 0.98 * n
    chi_square = ((counts - expected)[enough] ** 2 / expected[enough]).sum()
    freedom = enough.sum()
    assert abs(chi_square - freedom) < 5 * np.sqrt(2 * freedom)  # five standard deviations of chi-square


@pytest.mark.parametrize(("name", "count"), [("ring", 8), ("grid", 25), ("spiral", 0), ("drawn", 0)])
def test_only_mixtures_have_modes(name, count):
    source = make(name)
    assert source.modes.shape == (count, 2) and source.modes.dtype == np.float32
    if count:
        distance = torch.cdist(draw(source, 20_000), torch.from_numpy(source.modes)).min(1).values
        within = (distance < 3 * source.sd).float().mean().item()
        assert within == pytest.approx(1 - np.exp(-4.5), abs=3e-3)  # 98.9 %, the most that can be reached


@pytest.mark.parametrize("name", ["spiral", "two_moons", "line", "segments"])
def test_equal_steps_along_a_curve_have_equal_lengths(name):
    curve = torch.from_numpy(make(name).centres)
    steps = (curve[1:] - curve[:-1]).norm(dim=1)
    steps = steps[steps < 10 * steps.median()]  # but for the jump from moon to moon
    assert steps.max() / steps.min() < 1.2


def test_real_segment_and_fresh_generator_are_disjoint():
    assert draw(make("segments"), 10_000)[:, 0].min() > 1.9


class TestDrawn:
    def encode(self, weights):
        return base64.b64encode(weights.tobytes()).decode()

    def test_points_follow_the_paint_the_right_way_up(self):
        weights = np.zeros((CANVAS, CANVAS), np.uint8)
        weights[0, -1] = 200  # painted at the upper right
        weights[-1, 0] = 100
        points = draw(make("drawn", drawing=self.encode(weights)), 9000)
        upper_right = (points > 1.4375 - 1e-5).all(1)
        lower_left = (points < -1.4375 + 1e-5).all(1)
        assert (upper_right | lower_left).all()
        assert upper_right.float().mean() == pytest.approx(2 / 3, abs=0.025)  # five standard deviations

    def test_the_default_is_a_drawing_too(self):
        assert torch.equal(draw(make("drawn")), draw(make("drawn", drawing=self.encode(heart()))))

    @pytest.mark.parametrize(
        "drawing", ["%%%", "AAAA", base64.b64encode(bytes(CANVAS**2)).decode(), "é" * 10, "A" * 100_000]
    )
    def test_what_is_no_drawing_is_refused(self, drawing):
        with pytest.raises(BadInput) as refused:
            make("drawn", drawing=drawing)
        assert refused.value.field == "drawing" and refused.value.remedy


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ring", {"modes": 0}),
        ("ring", {"sd": 0.0}),
        ("ring", {"sd": float("nan")}),
        ("grid", {"side": 99}),
        ("spiral", {"turns": -1}),
        ("line", {"radius": 1}),
    ],
)
def test_options_out_of_range_are_refused(name, options):
    with pytest.raises(BadInput) as refused:
        make(name, **options)
    assert refused.value.field == next(iter(options))
