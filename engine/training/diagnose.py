"""Names what is happening to a run from its metric rows: the failure, its evidence in numbers, and a remedy.
No torch.

Each rule looks at the last few measured rows (one every ``measure_every`` steps). Several may hold at once. A
remedy is a change of options; where all of them are live it can be applied to the run as it trains.
``tests/benchmarks/diagnosis.py`` measures on real runs how often each rule is right; the thresholds come from
there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Any

Row = dict[str, Any]
Diagnosis = dict[str, Any]

WINDOW = 10  # measured rows
ARRIVAL = 15  # measured rows within which pictures should have begun to differ
MOVED = 0.3  # of the samples, to another mode from one measured row to the next
RECENT = 3  # measured rows of pictures, 100 steps apart, that must agree
VARIED = 0.5  # of the data's diversity
LARGE_RATE = 3e-3  # for Adam on two players
SETTLED = 5  # measured rows before anything is said

TITLES = {
    "mode_collapse": "Mode collapse",
    "vanishing_gradient": "Vanishing generator gradient",
    "discriminator_overpowering": "Discriminator overpowering",
    "oscillation": "Oscillation",
    "divergence": "Divergence",
    "healthy": "Healthy",
    "learning": "Learning",
}

WHY = {
    "mode_collapse": "G has found a few outputs that fool D for the moment and makes only those. D's "
    "answer to one sample says nothing about "
    "variety, so while D is slow to follow, nothing pushes G to spread out.",
    "vanishing_gradient": "D is sure about every generated sample. Where log(1 - D(G(z))) is flat its "
    "slope is almost zero, so G's weights get "
    "no signal however wrong its samples are (Arjovsky & Bottou 2017, theorem 2.4).",
    "discriminator_overpowering": "D tells nearly every sample apart and stays ahead of G: its loss is "
    "near zero, and what it tells G is "
    "where it is sure, not how to improve.",
    "oscillation": "Each player answers the other's last move and overshoots, so the pair circles the "
    "solution instead of nearing it. Momentum and "
    "large rates make it worse, gradient penalties damp it.",
    "divergence": "The weights grew until the arithmetic overflowed: a learning rate too large for this "
    "objective, or a critic whose slope "
    "nothing bounds.",
    "healthy": "Both players hold each other in balance and the samples resemble the data.",
    "learning": "The samples are still moving towards the data and nothing looks wrong.",
}


class Diagnoser:
    """Feeds on rows in the order of their steps; the same rows give the same answer."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.options = dict(config["options"])
        self.kind, self.modes = config["kind"], len(config["meta"]["data"].get("modes") or [])
        self.classes = len(config["meta"]["data"].get("classes") or [])
        self.score = config["meta"]["objective"]
        self.judges_samples = config["meta"].get("gan", {}).get("judges_samples", True)
        self.measured: deque[Row] = deque(maxlen=WINDOW)
        self.rows: deque[Row] = deque(maxlen=40)
        self.largest_g_grad = 0.0
        self.measurements, self.greatest_diversity, self.most_classes = 0, 0.0, 0
        self.active: list[Diagnosis] = []
        self.since: dict[str, int] = {}
        self.broken: Diagnosis | None = None

    def update(self, row: Row) -> list[Diagnosis]:
        """The diagnoses that hold after ``row``, the gravest first; at least one of healthy and learning if
        nothing is wrong.
        """
        row = {
            name: value for name, value in row.items() if value is not None
        }  # null is what NaN is written as
        for name in ("generator_lr", "discriminator_lr"):
            self.options[name] = row.get(name, self.options[name])
        self.rows.append(row)
        if row.get("g_grad"):
            self.largest_g_grad = max(self.largest_g_grad, row["g_grad"])
        if self.broken:
            return [self.broken]
        if "samples" not in row and self.active:
            return self.active
        if "samples" in row:
            self.measured.append(row)
            self.measurements += 1
            self.greatest_diversity = max(self.greatest_diversity, row.get("diversity") or 0.0)
            self.most_classes = max(self.most_classes, row.get("classes_hit") or 0)
        plays = self.kind in ("points", "images")  # where pictures are translated, other terms hold G
        found = [rule(self) for rule in RULES] if plays and len(self.measured) >= SETTLED else []
        active = [item for item in found if item]
        if not active:
            active = [self._calm()]
        names: set[str] = {item["name"] for item in active}
        step = int(row["step"])
        self.since = {name: self.since.get(name, step) for name in names}
        self.active = [{**item, "since": self.since[item["name"]]} for item in active]
        return self.active

    def diverged(self, step: int, networks: Sequence[str], statistic: str, rates: dict[str, float]) -> None:
        """Record that the update of ``networks`` at ``step`` broke training, with the ``rates`` to try; it is
        all that is said from now on.
        """
        names = " and ".join(networks)
        evidence = f"The update of {names} at step {step:,} left weights with which {statistic} is infinite "
        evidence += "or NaN."
        words = " and ".join(f"{name} at {value:g}" for name, value in rates.items())
        remedy = {"sentence": f"Start again with {words}", "options": dict(rates), "live": False}
        numbers = {"step": step, "network": networks[-1], "statistic": statistic}
        self.broken = {**_diagnosis("divergence", evidence, numbers, remedy), "since": step}

    def _calm(self) -> Diagnosis:
        newest = self.measured[-1] if self.measured else {}
        if "jsd" in newest:
            values = [row["jsd"] for row in self.measured if "jsd" in row]
            level = median(values)
            good = len(values) >= SETTLED and level < HEALTHY_JSD
            modes = (
                f"{newest['modes_hit']} of {self.modes} modes, "
                if self.modes and "modes_hit" in newest
                else ""
            )
            evidence = f"{modes}Jensen-Shannon divergence {level:.2f} nats (0 is perfect, 0.69 disjoint)."
            good = good and (not self.modes or newest.get("modes_hit", 0) >= 0.9 * self.modes)
            return _diagnosis("healthy" if good else "learning", evidence, {"jsd": level}, None)
        if self.kind in ("pairs", "domains"):
            return self._translating(newest)
        accuracy = self._recent("d_accuracy")
        if accuracy is None:
            alone = len(self.measured) >= SETTLED
            evidence = (
                "No discriminator plays: there is no balance to judge." if alone else "Too early to say."
            )
            return _diagnosis("learning", evidence, {}, None)
        kinds = (
            f", {newest['classes_hit']} of {self.classes} classes drawn" if "classes_hit" in newest else ""
        )
        settled = len(self.measured) >= SETTLED
        evidence = (
            f"D's accuracy {accuracy:.2f}, diversity {newest.get('diversity', 1):.2f} of the data's{kinds}."
        )
        return _diagnosis("healthy" if settled else "learning", evidence, {"d_accuracy": accuracy}, None)

    def _translating(self, newest: Row) -> Diagnosis:
        """Whether held-out pictures still come nearer to what they should be, or back to what they were."""
        for name, words in (("test_l1", "from the targets"), ("test_cycle_a", "from A after both ways")):
            values = self._window(name)
            if len(values) >= SETTLED:
                evidence = (
                    f"Held-out pictures are {values[-1]:.3f} {words} on average, {values[0]:.3f} before."
                )
                settled = min(values[:-2]) <= min(values[-2:])
                return _diagnosis("healthy" if settled else "learning", evidence, {name: newest[name]}, None)
        return _diagnosis("learning", "Too early to say.", {}, None)

    def _recent(self, name: str) -> float | None:
        values = [row[name] for row in self.rows if row.get(name) is not None]
        return mean(values) if values else None

    def _window(self, name: str) -> list[Any]:
        return [row[name] for row in self.measured if row.get(name) is not None]


HEALTHY_JSD = 0.2


def _diagnosis(name: str, evidence: str, numbers: dict[str, Any], remedy: dict[str, Any] | None) -> Diagnosis:
    return {
        "name": name,
        "title": TITLES[name],
        "why": WHY[name],
        "evidence": evidence,
        "numbers": numbers,
        "remedy": remedy,
    }


def _wgan_gp(d: Diagnoser) -> dict[str, Any]:
    """WGAN-GP's recipe: the paper's for pictures, a gentler penalty in 2-D."""
    options: dict[str, Any] = {
        "objective": "wasserstein",
        "critic_steps": 5,
        "weight_clip": 0.0,
        "label_smoothing": 0.0,
    }
    options["gradient_penalty"] = 0.1 if d.kind == "points" else 10.0
    if "discriminator_norm" in d.options:
        options["discriminator_norm"] = "layer"
    return {"sentence": "Wasserstein with a gradient penalty", "options": options, "live": False}


def mode_collapse(d: Diagnoser) -> Diagnosis | None:
    """Far fewer modes or classes than the data have, or far less variety, in most of the window."""
    if d.modes > 1:
        hits = [row["modes_hit"] for row in d.measured if "modes_hit" in row]
        if not hits or max(median(hits), hits[-1]) > 0.5 * d.modes:  # nor when it has just got over it
            return None
        evidence = (
            f"{hits[-1]} of {d.modes} modes (median {median(hits):.0f} over the last {len(hits)} "
            "measurements)."
        )
        numbers = {"modes_hit": hits[-1], "modes_total": d.modes}
        if not _samples_are_good(d):
            return None
    elif d.kind == "images" and d.judges_samples:
        variety, classes = d._window("diversity")[-RECENT:], d._window("classes_hit")[-RECENT:]
        knows = bool(classes) and d.classes > 1
        has_arrived = d.greatest_diversity >= VARIED and (not knows or d.most_classes > 0.5 * d.classes)
        if not has_arrived and d.measurements < ARRIVAL:
            return None  # pictures that all look alike are how every run begins
        few = knows and max(classes) <= 0.5 * d.classes
        if not few and (not variety or max(variety) > VARIED):
            return None
        drawn = f", {classes[-1]} of {d.classes} classes drawn" if classes else ""
        evidence = f"Samples vary {variety[-1]:.2f} times as much as the data{drawn}."
        numbers = {"diversity": variety[-1]}
    else:
        return None
    g, own = d.options["generator_lr"], d.options["discriminator_lr"]
    if own < g / 3:
        remedy = {
            "sentence": f"Let D keep up: D's rate {g:g}, as G's",
            "options": {"discriminator_lr": g},
            "live": True,
        }
    else:
        remedy = _wgan_gp(d)
    return _diagnosis("mode_collapse", evidence, numbers, remedy)


def _samples_are_good(d: Diagnoser) -> bool:
    """Some of the window's samples lie on modes: missing them all is not collapse but not having arrived."""
    shares = d._window("share")
    return bool(shares) and max(shares) > 0.02


def vanishing_gradient(d: Diagnoser) -> Diagnosis | None:
    """D sure of everything while G's gradient has all but gone."""
    accuracy, gradient = d._recent("d_accuracy"), d._recent("g_grad")
    if accuracy is None or gradient is None or accuracy < 0.98 or gradient > 1e-2:
        return None
    evidence = f"G's gradient norm is {gradient:.1e} while D's accuracy is {accuracy:.2f}."
    if d.score["name"] == "minimax":
        remedy = {
            "sentence": "Non-saturating objective",
            "options": {"objective": "non_saturating"},
            "live": False,
        }
    else:
        remedy = _wgan_gp(d)
    return _diagnosis("vanishing_gradient", evidence, {"g_grad": gradient, "d_accuracy": accuracy}, remedy)


def discriminator_overpowering(d: Diagnoser) -> Diagnosis | None:
    """D right about nearly everything for the whole window, where its accuracy means something."""
    if d.score["name"] == "wasserstein":
        return None
    accuracies = [row["d_accuracy"] for row in d.rows if row.get("d_accuracy") is not None]
    limit = 0.85 if d.kind == "points" else 0.99
    if len(accuracies) < 20 or mean(accuracies) < limit:
        return None
    evidence = f"D's accuracy is {mean(accuracies):.2f} over the last {len(accuracies)} reports."
    rate = max(d.options["generator_lr"], d.options["discriminator_lr"])
    changes = {"critic_steps": 1, "generator_lr": rate, "discriminator_lr": rate}
    changes = {name: value for name, value in changes.items() if d.options[name] != value}
    if changes:
        remedy = {
            "sentence": f"One D step for each G step, equal rates of {rate:g}",
            "options": changes,
            "live": True,
        }
    else:
        remedy = _wgan_gp(d)
    return _diagnosis("discriminator_overpowering", evidence, {"d_accuracy": mean(accuracies)}, remedy)


def oscillation(d: Diagnoser) -> Diagnosis | None:
    """Samples keep jumping: the histogram over modes, or the divergence, changes much from row to row."""
    histograms = d._window("histogram")[-SETTLED - 1 :]  # what was before has had time to calm down
    if histograms:
        if len(histograms) <= SETTLED:
            return None
        moves = [sum(abs(a - b) for a, b in zip(x, y, strict=True)) / 2 for x, y in pairwise(histograms)]
        moved = median(moves)  # one jump on the way to the data is none
        if moved < MOVED:
            return None
        evidence = f"Between measurements {moved:.0%} of the samples change their mode."
        numbers = {"moved": moved}
    else:
        values = d._window("jsd")
        if len(values) < SETTLED:
            return None
        moves = [abs(a - b) for a, b in pairwise(values)]
        if mean(moves) < 0.08:
            return None
        evidence = f"The Jensen-Shannon divergence jumps by {mean(moves):.2f} nats between measurements."
        numbers = {"moved": mean(moves)}
    if d.options["weight_clip"]:
        options = {
            "weight_clip": 0.0,
            "gradient_penalty": 0.1 if d.kind == "points" else 10.0,
            "critic_steps": 5,
        }
        remedy = {
            "sentence": "A gradient penalty instead of clipping, 5 D steps",
            "options": options,
            "live": True,
        }
    elif d.options["discriminator_lr"] < d.options["generator_lr"] / 3:
        rate = d.options["generator_lr"]
        remedy = {
            "sentence": f"Let D keep up: D's rate {rate:g}, as G's",
            "options": {"discriminator_lr": rate},
            "live": True,
        }
    elif max(d.options["generator_lr"], d.options["discriminator_lr"]) > LARGE_RATE:
        calm = {f"{player}_lr": d.options[f"{player}_lr"] / 10 for player in ("generator", "discriminator")}
        calm |= {"generator_beta1": 0.5, "discriminator_beta1": 0.5}
        remedy = {"sentence": "A tenth of both rates, less momentum", "options": calm, "live": False}
    else:
        remedy = _wgan_gp(d)
    return _diagnosis("oscillation", evidence, numbers, remedy)


RULES: list[Callable[[Diagnoser], Diagnosis | None]] = [
    vanishing_gradient,
    mode_collapse,
    discriminator_overpowering,
    oscillation,
]
