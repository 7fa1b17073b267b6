"""What theory says of a run: one table of predicted numbers and curves, each with its source. Numpy alone.

A prediction is about one quantity of a run's rows and is drawn over the steps at which that was recorded. It
may read what else the rows hold: the bound of theorem 8 moves with D. To add one: a function of a
``Recorded``, and an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any, Literal

import numpy as np

from engine.options import NotFound

END = 0.2  # share of a run's rows whose mean is its end
DRAWN = 400  # points of a curve that a page draws


class Recorded:
    """A run's configuration and rows, as columns."""

    def __init__(self, config: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
        self.options: Mapping[str, Any] = config.get("options", {})
        newest: dict[int, dict[str, Any]] = {}
        for row in rows:  # a step may come again after a resume: the newer attempt counts
            step = row.get("step")
            if isinstance(step, int | float):
                newest[int(step)] = {**newest.get(int(step), {}), **row}
        self._rows = [newest[step] for step in sorted(newest)]
        self._steps = np.array(sorted(newest), float)

    def has(self, key: str) -> np.ndarray:
        """Which rows hold a finite ``key``: bool, (rows,)."""
        return np.array(
            [isinstance(v := row.get(key), int | float) and isfinite(v) for row in self._rows], bool
        )

    def steps(self, where: np.ndarray) -> np.ndarray:
        """The steps of the rows ``where`` (rows,) is true."""
        return self._steps[where] if len(self._steps) else self._steps

    def column(self, key: str, where: np.ndarray) -> np.ndarray:
        """``key`` in the rows ``where`` (rows,) is true."""
        return np.array([float(row[key]) for row, taken in zip(self._rows, where, strict=True) if taken])

    def option(self, name: str, default: float) -> float:
        """A number among the run's options."""
        value = self.options.get(name, default)
        return float(value) if isinstance(value, int | float) else default


@dataclass(frozen=True)
class Prediction:
    """What is said of the quantity ``key``: ``curve`` gives it for the rows that hold ``key`` and ``needs``.

    ``relation``: whether the run is to be there, to stay below or to stay above. ``band``: how far off it
    may be, as a share of the predicted value where ``relative``. ``over`` all rows, or the mean of the last
    fifth.
    """

    title: str
    key: str
    latex: str
    source: str
    curve: Callable[[Recorded, np.ndarray], np.ndarray]
    needs: tuple[str, ...] = ()
    relation: Literal["equals", "at most", "at least"] = "equals"
    band: float = 0.0
    relative: bool = False
    over: Literal["end", "all"] = "end"


def _constant(value: float) -> Callable[[Recorded, np.ndarray], np.ndarray]:
    return lambda _, where: np.full(int(where.sum()), value)


def value_of_divergence(jsd: np.ndarray) -> np.ndarray:
    """D's loss at its best against a G that is ``jsd`` nats from the data: 2 log 2 - 2 JSD, the value
    negated.
    """
    return 2 * log(2) - 2 * jsd


def divergence_of_modes(found: np.ndarray, modes: int) -> np.ndarray:
    """JSD in nats of an even mixture of ``modes`` disjoint modes and one of ``found`` among them, 1 or
    more.
    """
    k = np.clip(found, 1, modes)
    p, q = 1 / modes, 1 / k
    real = k * p * np.log(2 * p / (p + q)) + (1 - k * p) * log(2)
    fake = np.log(2 * q / (p + q))
    return (real + fake) / 2


def gradient_bound(epsilon: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """Theorem 8: M epsilon / (1 - epsilon), where D and its slope stay below epsilon; without end from 1
    on.
    """
    safe = np.minimum(epsilon, 0.999)
    return np.where(epsilon < 1, jacobian * safe / (1 - safe), np.inf)


def dirac(
    steps: int, rates: tuple[float, float], start: tuple[float, float], simultaneous: bool, r1: float
) -> np.ndarray:
    """The Dirac-GAN's (theta, psi) after 0, 1, ... ``steps`` steps, (steps + 1, 2), D's logit being psi x.

    D lowers log(1 + exp(psi theta)) + r1 / 2 psi^2 and G lowers -log(1 + exp(psi theta)), each along its
    gradient: about the origin simultaneous steps multiply the radius by sqrt(1 + h^2 / 4), alternating ones
    keep to an ellipse.
    """
    path = np.empty((steps + 1, 2))
    theta, psi = path[0] = start
    of_g, of_d = rates
    for step in range(steps):
        share = 1 / (1 + np.exp(-np.clip(psi * theta, -500, 500)))
        new = psi - of_d * (share * theta + r1 * psi)
        seen = psi if simultaneous else new
        share = 1 / (1 + np.exp(-np.clip(seen * theta, -500, 500)))
        theta, psi = theta + of_g * share * seen, new
        path[step + 1] = theta, psi
    return path


def _dirac_path(run: Recorded, where: np.ndarray) -> np.ndarray:
    steps = run.steps(where).astype(int)
    if not len(steps):
        return np.empty((0, 2))
    path = dirac(
        min(int(steps.max()), 100_000),
        (run.option("generator_lr", 0.1), run.option("discriminator_lr", 0.1)),
        (run.option("start_theta", 1.0), run.option("start_psi", 0.0)),
        run.options.get("updates") == "simultaneous",
        run.option("r1", 0.0),
    )
    return path[np.clip(steps - 1, 0, len(path) - 1)]  # rows tell where both stood before their step


GOODFELLOW = "Goodfellow et al. 2014, arXiv:1406.2661"
ARJOVSKY = "Arjovsky & Bottou 2017, arXiv:1701.04862"
WASSERSTEIN = "Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875"
MESCHEDER = "Mescheder, Geiger & Nowozin 2018, arXiv:1801.04406"

THEORY: dict[str, Prediction] = {
    "loss_at_equilibrium": Prediction(
        "D's loss at the end of the game",
        "d_loss",
        r"-V(D^*, G^*) = \log 4 = 2 \log 2",
        f"{GOODFELLOW}, theorem 1; reading list 003, theorem 2",
        _constant(2 * log(2)),
        band=0.1,
    ),
    "undecided_on_real": Prediction(
        "D(x) at the end of the game",
        "d_real",
        r"D^*(x) = \frac{p(x)}{p(x) + q(x)} = \frac12",
        f"{GOODFELLOW}, proposition 1; reading list 003, theorem 1",
        _constant(0.5),
        band=0.05,
    ),
    "undecided_on_fake": Prediction(
        "D(G(z)) at the end of the game",
        "d_fake",
        r"D^*(G(z)) = \frac12",
        f"{GOODFELLOW}, proposition 1; reading list 003, theorem 1",
        _constant(0.5),
        band=0.05,
    ),
    "loss_of_divergence": Prediction(
        "D's loss, from the divergence",
        "d_loss",
        r"L_D = 2 \log 2 - 2\,\mathrm{JSD}(p, q)",
        f"{GOODFELLOW}, theorem 1; reading list 003, section 1.3",
        lambda run, where: value_of_divergence(run.column("jsd", where)),
        needs=("jsd",),
        band=0.1,
    ),
    "disjoint": Prediction(
        "divergence of what does not overlap",
        "jsd",
        r"\mathrm{JSD}(p, q) = \log 2",
        f"{WASSERSTEIN}, example 1; {ARJOVSKY}, theorem 2.3",
        _constant(log(2)),
        band=0.01,
    ),
    "perfect_discriminator": Prediction(
        "accuracy of a perfect D",
        "d_accuracy",
        r"D^*(x) = 1,\quad D^*(G(z)) = 0",
        f"{ARJOVSKY}, theorem 2.2; reading list 003, theorem 7",
        _constant(1.0),
        band=0.01,
    ),
    "gradient_bound": Prediction(
        "the bound on G's gradient",
        "g_grad",
        r"\lVert\nabla_\theta\, E \log(1 - D(G_\theta(z)))\rVert_2 \le M \frac{\epsilon}{1 - \epsilon}",
        f"{ARJOVSKY}, theorem 2.4; reading list 003, theorem 8",
        lambda run, where: gradient_bound(run.column("d_reach", where), run.column("g_jacobian", where)),
        needs=("d_reach", "g_jacobian"),
        relation="at most",
        over="all",
    ),
    "divergence_of_modes": Prediction(
        "the least divergence, by the modes that are found",
        "jsd",
        r"\mathrm{JSD} \ge \tfrac12 \Bigl[\tfrac{k}{K} \log\tfrac{2k}{K+k} + \tfrac{K-k}{K} \log 2"
        r" + \log\tfrac{2K}{K+k}\Bigr]",
        f"{GOODFELLOW}, theorem 1, for K equal modes of which k are found",
        lambda run, where: divergence_of_modes(
            run.column("modes_hit", where), int(run.column("modes_total", where).max(initial=1))
        ),
        needs=("modes_hit", "modes_total"),
        relation="at least",
        band=0.02,
        over="all",
    ),
    "critic_is_distance": Prediction(
        "the critic's value over its slope",
        "critic_distance",
        r"\max_{\lVert f \rVert_L \le 1} E_p f - E_q f = W_1(p, q)",
        f"{WASSERSTEIN}, equation 2 (Kantorovich and Rubinstein)",
        lambda run, where: run.column("transport", where),
        needs=("transport",),
        band=0.1,
        relative=True,
    ),
    "arrived": Prediction(
        "distance of G's samples at the end",
        "transport",
        r"W_1(p, q) \to 0",
        f"{WASSERSTEIN}, theorem 2",
        lambda run, where: run.column("transport_floor", where),
        needs=("transport_floor",),
        band=0.15,
    ),
    "dirac_theta": Prediction(
        "where G is, by hand",
        "theta",
        r"\theta \mathrel{+}= h\,\sigma(\psi\theta)\,\psi,\quad \psi \mathrel{-}= "
        r"h\,(\sigma(\psi\theta)\,\theta + \gamma\psi)",
        f"{MESCHEDER}, section 2 and lemma 2.3",
        lambda run, where: _dirac_path(run, where)[:, 0],
        band=0.02,
        over="all",
    ),
    "dirac_radius": Prediction(
        "how far both are from equilibrium, by hand",
        "radius",
        r"r = \sqrt{\theta^2 + \psi^2},\qquad r_{t+1} \approx r_t \sqrt{1 + h^2/4}\ \text{when simultaneous}",
        f"{MESCHEDER}, lemmas 2.3 to 2.5",
        lambda run, where: np.hypot(*_dirac_path(run, where).T),
        band=0.02,
        over="all",
    ),
}


def compare(name: str, config: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A run beside what theory says of it, as plain data: the curve (``steps``, ``values``), both numbers,
    their ``difference`` and whether it ``holds``; numbers are None while nothing is known. Raises
    ``NotFound``.
    """
    if name not in THEORY:
        raise NotFound(f"there is no prediction {name[:60]!r}.", "name", f"Choose from: {', '.join(THEORY)}.")
    said, run = THEORY[name], Recorded(config, rows)
    where = run.has(said.key)
    for key in said.needs:
        where = where & run.has(key)
    steps, measured = run.steps(where), run.column(said.key, where)
    predicted = said.curve(run, where) if len(steps) else np.empty(0)
    says = np.isfinite(predicted)
    steps, measured, predicted = steps[says], measured[says], predicted[says]
    numbers = _numbers(said, measured, predicted)
    kept = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), DRAWN)).astype(int)) if len(steps) else []
    return {
        "name": name,
        **{
            part: getattr(said, part)
            for part in ("title", "key", "latex", "source", "relation", "band", "over")
        },
        "steps": [int(steps[k]) for k in kept],
        "values": [round(float(predicted[k]), 6) for k in kept],
        **numbers,
    }


def _numbers(said: Prediction, measured: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Both numbers, their difference, and whether the prediction holds."""
    if not len(measured):
        return dict.fromkeys(("measured", "predicted", "difference", "holds"))
    off = (measured - predicted) / (np.abs(predicted) if said.relative else 1.0)
    end = slice(-max(1, int(len(measured) * END)), None)
    if said.over == "end":
        worst = float(off[end].mean())
    else:
        signed = {"equals": np.abs(off), "at most": off, "at least": -off}[said.relation]
        worst = float(off[int(signed.argmax())])
    holds = {
        "equals": abs(worst) <= said.band,
        "at most": worst <= said.band,
        "at least": worst >= -said.band,
    }
    return {
        "measured": float(measured[end].mean()),
        "predicted": float(predicted[end].mean()),
        "difference": worst,
        "holds": bool(holds[said.relation]),
    }
