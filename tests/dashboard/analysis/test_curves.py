"""Curves: what smoothing and thinning keep."""

import numpy as np
import pytest

from dashboard.analysis.curves import smoothed, thinned


def test_a_constant_stays_as_it_is_however_rows_lie():
    x = np.array([0.0, 1, 2, 50, 51, 400])
    assert smoothed(x, np.full(6, 0.7), 30) == pytest.approx(np.full(6, 0.7), abs=1e-12)


def test_nothing_moves_sideways():
    x = np.arange(201.0)
    peak = np.exp(-(((x - 100) / 10) ** 2))
    found = smoothed(x, peak, 8)
    assert found.argmax() == 100 and found == pytest.approx(found[::-1], abs=1e-12)


def test_it_is_the_weighted_mean_of_all_neighbours():
    random = np.random.default_rng(0)
    x, y = np.sort(random.uniform(0, 100, 40)), random.normal(size=40)
    weights = 0.5 ** (np.abs(x[:, None] - x[None]) / 7)
    assert smoothed(x, y, 7) == pytest.approx((weights @ y) / weights.sum(1), abs=1e-9)


def test_what_is_not_finite_stays_so_and_weighs_nothing():
    x, y = np.arange(6.0), np.array([1, np.nan, 1, np.inf, 1, 1])
    found = smoothed(x, y, 3)
    assert np.isnan(found[1]) and np.isinf(found[3])
    assert found[[0, 2, 4, 5]] == pytest.approx(np.ones(4), abs=1e-12)


def test_thinning_keeps_both_ends_and_every_extreme():
    random = np.random.default_rng(1)
    y = random.normal(size=50_000)
    y[31_234], y[777], y[5] = 40, -40, np.nan
    kept = thinned(y)
    assert len(kept) <= 2_000 and {0, 31_234, 777, 49_999} <= set(kept.tolist()) and 5 not in kept
    assert (np.diff(kept) > 0).all()
    assert (thinned(y[:100]) == np.delete(np.arange(100), 5)).all()
