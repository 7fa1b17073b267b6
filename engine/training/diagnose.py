"""Names what is happening to a run from its metric rows: the failure, its evidence in numbers, and a remedy.
No torch.

Each rule looks at the last few measured rows (one every ``measure_every`` steps). Several may hold at once. A
remedy is a change of options; where all of them are live it can be applied to the run as it trains.
``tests/benchmarks/diagnosis.py`` measures on real runs how often each rule is right; the thresholds come from
there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Any

from engine.runs.records import DiagnosisRecord, Remedy, Row, RunConfig

Figures = Mapping[str, Any]  # a row: each rule asks whether what it reads is there

WINDOW = 10  # measured rows
FLAT = 0.1  # of the variety of real pictures
INVERTED = -0.5  # correlation of the light of input and output
FILLING = 7  # measured rows within which modes may fill one after the other
ARRIVAL = 15  # measured rows within which pictures should have begun to differ
MOVED = 0.3  # of the samples, to another mode from one measured row to the next
RECENT = 3  # measured rows of pictures, 100 steps apart, that must agree
BALANCED = 0.9  # D's accuracy on pictures: beyond it D is far ahead
EVEN = 0.25  # nats from the classes' shares in the data to those of the samples
ALIKE = (0.7, 1.4)  # the diversity of samples that vary as the data do
CONVERGED = 0.7  # of its first value, at most: an error of a translator or an encoder that has learned
VARIED = 0.5  # of the data's diversity
NEARER = 0.8  # of the least divergence before
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
    "learning": "None of the known failures shows, and there is no evidence yet that the samples resemble "
    "the data.",
}


class Diagnoser:
    """Feeds on rows in the order of their steps; the same rows give the same answer."""

    def __init__(self, config: RunConfig) -> None:
        self.options = dict(config["options"])
        self.kind, self.modes = config["kind"], len(config["meta"]["data"].get("modes") or [])
        self.classes = len(config["meta"]["data"].get("classes") or [])
        self.score: Mapping[str, Any] = config["meta"].get("objective") or {}
        self.judges_samples = config["meta"].get("gan", {}).get("judges_samples", True)
        self.both_ways = self.kind in ("pairs", "domains") and "identity_weight" in self.options
        self.first: Figures = {}  # the first value of each figure that is watched
        self.measured: deque[Figures] = deque(maxlen=WINDOW)
        self.rows: deque[Figures] = deque(maxlen=40)
        self.largest_g_grad = 0.0
        self.measurements, self.greatest_diversity, self.most_classes = 0, 0.0, 0
        self.active: list[DiagnosisRecord] = []
        self.since: dict[str, int] = {}
        self.broken: DiagnosisRecord | None = None

    def update(self, reported: Row) -> list[DiagnosisRecord]:
        """The diagnoses that hold after a row, the gravest first; at least one of healthy and learning if
        nothing is wrong.
        """
        # null is what NaN is written as
        row: Figures = {name: value for name, value in reported.items() if value is not None}
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
            self.first = {**{name: row[name] for name in WATCHED if name in row}, **self.first}
            self.measurements += 1
            self.greatest_diversity = max(self.greatest_diversity, row.get("diversity") or 0.0)
            self.most_classes = max(self.most_classes, row.get("classes_hit") or 0)
        plays = self.kind in ("points", "images")  # where pictures are translated, other terms hold G
        rules = RULES if plays else [left_behind]
        found = [rule(self) for rule in rules] if len(self.measured) >= SETTLED else []
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
        remedy: Remedy = {"sentence": f"Start again with {words}", "options": dict(rates), "live": False}
        numbers = {"step": step, "network": networks[-1], "statistic": statistic}
        self.broken = {**_diagnosis("divergence", evidence, numbers, remedy), "since": step}

    def _calm(self) -> DiagnosisRecord:
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
        return self._of_pictures(newest)

    def _of_pictures(self, newest: Figures) -> DiagnosisRecord:
        """Healthy only on evidence: D does not tell samples apart at will, and they vary as the data do and
        have its classes in its shares. Without classes, the eye or an evaluation must judge them.
        """
        accuracy, settled = self._recent("d_accuracy"), len(self.measured) >= SETTLED
        if errors := self._window("test_error"):
            evidence = f"The classifier errs on {errors[-1]:.1%} of the test part."
            return _diagnosis("learning", evidence, {"test_error": errors[-1]}, None)
        if accuracy is None:
            evidence = (
                "No discriminator plays: there is no balance to judge." if settled else "Too early to say."
            )
            return _diagnosis("learning", evidence, {}, None)
        numbers = {"d_accuracy": accuracy}
        if not self.judges_samples:
            return self._of_codes(accuracy)
        kinds = (
            f", {newest['classes_hit']} of {self.classes} classes drawn" if "classes_hit" in newest else ""
        )
        evidence = (
            f"D's accuracy {accuracy:.2f}, diversity {newest.get('diversity', 1):.2f} of the data's{kinds}."
        )
        if self.score["name"] != "wasserstein" and accuracy > BALANCED:
            return _diagnosis("learning", f"D is far ahead of G. {evidence}", numbers, None)
        recent = list(self.measured)[-RECENT:]
        good = settled and all(self._resembles(row) for row in recent)
        return _diagnosis("healthy" if good else "learning", evidence, numbers, None)

    def _resembles(self, row: Figures) -> bool:
        return (
            self.classes > 1
            and row.get("classes_hit", 0) >= 0.9 * self.classes
            and row.get("class_kl", EVEN) < EVEN
            and ALIKE[0] <= row.get("diversity", 0.0) <= ALIKE[1]
        )

    def _of_codes(self, accuracy: float) -> DiagnosisRecord:
        """Where D judges codes: whether they fit the prior, and what is left of pictures once decoded."""
        errors, evidence = (
            self._window("reconstruction_error"),
            f"D tells codes from the prior {accuracy:.2f}.",
        )
        if not errors:
            return _diagnosis("learning", evidence, {"d_accuracy": accuracy}, None)
        evidence += f" Held-out pictures come back with a mean square error of {errors[-1]:.3f}."
        learned = errors[-1] < CONVERGED * self.first["reconstruction_error"]
        good = learned and len(errors) >= SETTLED and accuracy < BALANCED
        return _diagnosis("healthy" if good else "learning", evidence, {"d_accuracy": accuracy}, None)

    def _translating(self, newest: Figures) -> DiagnosisRecord:
        """Whether held-out pictures still come nearer to what they should be. How near they come back to what
        they were says nothing of what lies between: two translators that do nothing are perfect there.
        """
        if said := self._odd(newest):
            return said
        names = (("test_l1", "from the targets"), ("test_cycle_a", "from A after both ways"))
        for name, words in names:
            values = self._window(name)
            if len(values) >= SETTLED:
                evidence = f"Held-out pictures are {values[-1]:.3f} {words}, {self.first[name]:.3f} at first."
                still = min(values[-2:]) < min(values[:-2])
                good = name == "test_l1" and not still and values[-1] < CONVERGED * self.first[name]
                return _diagnosis("healthy" if good else "learning", evidence, {name: newest[name]}, None)
        return _diagnosis("learning", "Too early to say.", {}, None)

    def _odd(self, newest: Figures) -> DiagnosisRecord | None:
        """What is wrong with outputs whatever they should be."""
        recent = list(self.measured)[-RECENT:] if len(self.measured) >= SETTLED else []
        for ending, words in (("", "Outputs"), ("_back", "Outputs of the way back")):
            variety, light = f"test_variety{ending}", f"test_light{ending}"
            if recent and max(row.get(variety, 1.0) for row in recent) < FLAT:
                evidence = (
                    f"{words} are all alike: they vary {newest[variety]:.2f} times as much as real pictures."
                )
                return _diagnosis("learning", evidence, {variety: newest[variety]}, None)
            if recent and self.both_ways and max(row.get(light, 1.0) for row in recent) < INVERTED:
                evidence = f"{words} are dark where inputs are light (correlation {newest[light]:.2f})."
                remedy = _differing(
                    self, "The identity term, which keeps colours", {"identity_weight": 0.5}, True
                )
                return _diagnosis("learning", evidence, {light: newest[light]}, remedy)
        return None

    def _recent(self, name: str) -> float | None:
        values = [row[name] for row in self.rows if row.get(name) is not None]
        return mean(values) if values else None

    def _window(self, name: str) -> list[Any]:
        return [row[name] for row in self.measured if row.get(name) is not None]


HEALTHY_JSD = 0.2
WATCHED = ("test_l1", "test_cycle_a", "reconstruction_error")


def _differing(d: Diagnoser, sentence: str, options: dict[str, Any], live: bool) -> Remedy | None:
    """A remedy of what is not on yet; ``None`` if there is nothing in it."""
    changes = {name: value for name, value in options.items() if d.options.get(name, value) != value}
    return {"sentence": sentence, "options": changes, "live": live} if changes else None


def _slower(d: Diagnoser) -> Remedy:
    """When all else is on: smaller steps."""
    rates = {f"{player}_lr": d.options[f"{player}_lr"] / 3 for player in ("generator", "discriminator")}
    return {"sentence": "A third of both rates", "options": rates, "live": True}


def _diagnosis(name: str, evidence: str, numbers: dict[str, Any], remedy: Remedy | None) -> DiagnosisRecord:
    return {
        "name": name,
        "title": TITLES[name],
        "why": WHY[name],
        "evidence": evidence,
        "numbers": numbers,
        "remedy": remedy,
    }


def _wgan_gp(d: Diagnoser) -> Remedy:
    """WGAN-GP's recipe: the paper's for pictures, a gentler penalty in 2-D. Smaller steps where it is on."""
    if d.options["objective"] == "wasserstein" and d.options.get("gradient_penalty"):
        return _slower(d)
    options: dict[str, Any] = {
        "objective": "wasserstein",
        "critic_steps": 5,
        "weight_clip": 0.0,
        "label_smoothing": 0.0,
        "gradient_penalty": 0.1 if d.kind == "points" else 10.0,
        "discriminator_norm": "layer",
    }
    return _differing(d, "Wasserstein with a gradient penalty", options, live=False) or _slower(d)


def mode_collapse(d: Diagnoser) -> DiagnosisRecord | None:
    """Far fewer modes or classes than the data have, or far less variety, in most of the window."""
    if d.modes > 1:
        hits = [row["modes_hit"] for row in d.measured if "modes_hit" in row]
        if len(hits) < FILLING or max(median(hits), hits[-1]) > 0.5 * d.modes:
            return None  # modes may fill one after the other, and it may just have got over it
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
        remedy: Remedy | None = {
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


def vanishing_gradient(d: Diagnoser) -> DiagnosisRecord | None:
    """D sure of everything while G's gradient has all but gone."""
    accuracy, gradient = d._recent("d_accuracy"), d._recent("g_grad")
    if d.score.get("range", True) is None or d._window("test_error"):
        return None  # only log(1 - D) and the like have a flat side, and a classifier's G matches features
    if accuracy is None or gradient is None or accuracy < 0.98 or gradient > 1e-2:
        return None
    evidence = f"G's gradient norm is {gradient:.1e} while D's accuracy is {accuracy:.2f}."
    if d.score["name"] == "minimax":
        remedy: Remedy | None = {
            "sentence": "Non-saturating objective",
            "options": {"objective": "non_saturating"},
            "live": False,
        }
    else:
        remedy = _wgan_gp(d)
    return _diagnosis("vanishing_gradient", evidence, {"g_grad": gradient, "d_accuracy": accuracy}, remedy)


def discriminator_overpowering(d: Diagnoser) -> DiagnosisRecord | None:
    """D right about nearly everything for the whole window, where its accuracy means something."""
    if d.score["name"] == "wasserstein" or d._window("test_error"):
        return None  # a critic is to be right, and so is a classifier
    if (levels := d._window("jsd")[-SETTLED:]) and median(levels) < HEALTHY_JSD:
        return None  # the samples are there all the same
    accuracies = [row["d_accuracy"] for row in d.rows if row.get("d_accuracy") is not None]
    limit = 0.85 if d.kind == "points" else 0.99
    if len(accuracies) < 20 or mean(accuracies) < limit:
        return None
    evidence = f"D's accuracy is {mean(accuracies):.2f} over the last {len(accuracies)} reports."
    remedy = _evenly(d) or _wgan_gp(d)
    return _diagnosis("discriminator_overpowering", evidence, {"d_accuracy": mean(accuracies)}, remedy)


def _evenly(d: Diagnoser) -> Remedy | None:
    """Both players step alike, and G's loss is not flat where D is sure."""
    own = d.options["discriminator_lr"]
    if d.score["name"] == "minimax":
        also = {"objective": "non_saturating", "generator_optimizer": d.options["discriminator_optimizer"]}
        options = {"critic_steps": 1, "generator_lr": own, **also}
        return _differing(d, "The non-saturating objective, and G steps as D does", options, live=False)
    rate = max(d.options["generator_lr"], own)
    options = {"critic_steps": 1, "generator_lr": rate, "discriminator_lr": rate}
    return _differing(d, f"One D step for each G step, equal rates of {rate:g}", options, live=True)


def oscillation(d: Diagnoser) -> DiagnosisRecord | None:
    """Samples keep jumping: the histogram over modes, or the divergence, changes much from row to row, and
    back. Samples that lie on the data do not oscillate, nor do those that are still on their way.
    """
    levels = d._window("jsd")
    if levels and (median(levels[-SETTLED:]) < HEALTHY_JSD or _comes_nearer(levels)):
        return None
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
        there_and_back = sum(abs(a - b) for a, b in pairwise(values)) - abs(values[0] - values[-1])
        moved = there_and_back / (len(values) - 1)
        if moved < 0.08:
            return None
        evidence = f"The Jensen-Shannon divergence jumps by {moved:.2f} nats between measurements."
        numbers = {"moved": moved}
    if d.options["weight_clip"]:
        options = {
            "weight_clip": 0.0,
            "gradient_penalty": 0.1 if d.kind == "points" else 10.0,
            "critic_steps": 5,
        }
        remedy: Remedy | None = {
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
        remedy = _differing(d, "A tenth of both rates, momentum of one half", calm, live=False)
    else:
        remedy = _wgan_gp(d)
    return _diagnosis("oscillation", evidence, numbers, remedy)


def _comes_nearer(levels: Sequence[float]) -> bool:
    """Whether the least of these divergences by far is one of the last two."""
    return len(levels) > SETTLED and min(levels[-2:]) < NEARER * min(levels[:-2])


def left_behind(d: Diagnoser) -> DiagnosisRecord | None:
    """Of a translator: D right about every patch while G's loss climbs and its outputs get no better."""
    half = len(d.rows) // 2
    losses = [row["g_loss"] for row in d.rows if "g_loss" in row]
    accuracies = [row["d_accuracy"] for row in d.rows if "d_accuracy" in row]
    if half < 10 or len(losses) < 2 * half or len(accuracies) < 2 * half or mean(accuracies) < 0.98:
        return None
    before, now = mean(losses[:half]), mean(losses[half:])
    errors = d._window("test_l1") or d._window("test_cycle_a")
    if now < 1.2 * abs(before) or (errors and errors[-1] < errors[0]):
        return None
    evidence = f"D's accuracy is {mean(accuracies):.2f}, and G's loss climbs: {before:.2f}, then {now:.2f}."
    rate = d.options["discriminator_lr"] / 3
    remedy = _differing(d, f"Let G keep up: D's rate {rate:g}", {"discriminator_lr": rate}, live=True)
    numbers = {"d_accuracy": mean(accuracies), "g_loss": now}
    return _diagnosis("discriminator_overpowering", evidence, numbers, remedy)


RULES: list[Callable[[Diagnoser], DiagnosisRecord | None]] = [
    vanishing_gradient,
    mode_collapse,
    discriminator_overpowering,
    oscillation,
]
