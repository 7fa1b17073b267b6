"""Curves of what was recorded: smoothed, and thinned without losing an extreme."""

from __future__ import annotations

import numpy as np

MOST = 2_000  # points of a drawn curve


def smoothed(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    """``y`` averaged over its neighbours with weights that halve every ``width`` along ``x``, to both sides:
    a constant stays as it is, nothing moves sideways, and how much is shown makes no difference. What is not
    finite stays so and weighs nothing. ``width`` 0 leaves all as it is.
    """
    known = np.isfinite(y)
    if width <= 0 or known.sum() < 2:
        return y
    values, decay = y[known], 0.5 ** (np.diff(x[known]) / width)
    total, weight = _one_way(values, decay)
    back_total, back_weight = _one_way(values[::-1], decay[::-1])
    found = np.array(y)
    found[known] = (total + back_total[::-1] - values) / (weight + back_weight[::-1] - 1)
    return found


def _one_way(values: np.ndarray, decay: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weighted sum of all values up to each, and the sum of their weights."""
    total, weight = np.empty(len(values)), np.empty(len(values))
    running, heavy = 0.0, 0.0
    for number, value in enumerate(values):
        fading = decay[number - 1] if number else 0.0
        running, heavy = running * fading + value, heavy * fading + 1.0
        total[number], weight[number] = running, heavy
    return total, weight


def thinned(y: np.ndarray, most: int = MOST) -> np.ndarray:
    """The positions of at most ``most`` of the values ``y``, rising: the first, the last, and the smallest
    and the largest of each stretch. What is not finite is left out.
    """
    known = np.flatnonzero(np.isfinite(y))
    if len(known) <= most:
        return known
    stretches = max(1, (most - 2) // 2)
    begins = np.linspace(0, len(known), stretches, endpoint=False).astype(int)
    lengths = np.diff(np.append(begins, len(known)))
    columns = np.minimum(
        np.arange(lengths.max()), lengths[:, None] - 1
    )  # the last again where one is shorter
    places = known[begins[:, None] + columns]  # (stretches, longest)
    values, rows = y[places], np.arange(stretches)
    extremes = [places[rows, values.argmin(1)], places[rows, values.argmax(1)]]
    return np.unique(np.concatenate([known[[0, -1]], *extremes]))
