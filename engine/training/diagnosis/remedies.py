"""Remedies: changes of options, never of what is on already, nor such as the run would refuse."""

from __future__ import annotations

from typing import Any

from engine.runs.records import Remedy
from engine.training.diagnosis.seen import Seen


def differing(d: Seen, sentence: str, options: dict[str, Any], live: bool) -> Remedy | None:
    """A remedy of what is not on yet; ``None`` if there is nothing in it, or the run cannot take it."""
    changes = {name: value for name, value in options.items() if d.options.get(name, value) != value}
    remedy: Remedy = {"sentence": sentence, "options": changes, "live": live}
    return remedy if changes and d.can_take(remedy) else None


def slower(d: Seen) -> Remedy | None:
    """When all else is on: smaller steps."""
    rates = {f"{player}_lr": d.options[f"{player}_lr"] / 3 for player in ("generator", "discriminator")}
    return differing(d, "A third of both rates", rates, live=True)


def keep_up(d: Seen) -> Remedy | None:
    """Where D learns much more slowly than G: as fast."""
    rate = d.options["generator_lr"]
    if d.options["discriminator_lr"] >= rate / 3:
        return None
    return differing(d, f"Let D keep up: D's rate {rate:g}, as G's", {"discriminator_lr": rate}, live=True)


def wgan_gp(d: Seen) -> Remedy | None:
    """WGAN-GP's recipe: the paper's for pictures, a gentler penalty in 2-D, and nothing of what a critic
    cannot have beside it. Smaller steps where it is on, or is none for this GAN.
    """
    if d.options["objective"] == "wasserstein" and d.options.get("gradient_penalty"):
        return slower(d)
    options: dict[str, Any] = {
        "objective": "wasserstein",
        "generator_update": "heuristic",
        "updates": "alternating",
        "critic_steps": 5,
        "weight_clip": 0.0,
        "label_smoothing": 0.0,
        "minibatch_discrimination": 0,
        "gradient_penalty": penalty(d),
    }
    if d.options.get("adaptive_augment"):  # it goes by the sign of D, and a critic's means nothing
        options |= {"adaptive_augment": False, "diff_augment": True}
    sentence = "Wasserstein with a gradient penalty"
    for norm in ("layer", "none"):  # batch norm mixes samples; not every D has the other
        if remedy := differing(d, sentence, {**options, "discriminator_norm": norm}, live=False):
            return remedy
    return slower(d)


def penalty(d: Seen) -> float:
    """The weight of a gradient penalty that suits the data."""
    return 0.1 if d.kind == "points" else 10.0


def evenly(d: Seen) -> Remedy | None:
    """Both players step alike, and G's loss is not flat where D is sure."""
    own = d.options["discriminator_lr"]
    if d.score["name"] == "minimax":
        also = {"objective": "non_saturating", "generator_optimizer": d.options["discriminator_optimizer"]}
        options = {"critic_steps": 1, "generator_lr": own, **also}
        return differing(d, "The non-saturating objective, and G steps as D does", options, live=False)
    rate = max(d.options["generator_lr"], own)
    options = {"critic_steps": 1, "generator_lr": rate, "discriminator_lr": rate}
    return differing(d, f"One D step for each G step, equal rates of {rate:g}", options, live=True)
