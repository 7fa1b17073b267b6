"""The knobs that a run has whatever its GAN and data: objective, optimizers, recording, evaluation."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import create_model

from engine.metrics.best import CHOICES
from engine.objectives import OBJECTIVES
from engine.options import Options, knob

OPTIMIZERS = {"adam": "Adam", "rmsprop": "RMSProp", "sgd": "SGD"}
Optimizer = Literal["adam", "rmsprop", "sgd"]


def _rate(player: str) -> Any:
    return knob(
        2e-4,
        f"{player} rate",
        f"Learning rate of {player}.",
        gt=0,
        le=10,
        scale="log",
        live=True,
        group="optimizers",
    )


def _optimizer(player: str) -> Any:
    return knob(
        "adam",
        f"{player} optimizer",
        f"How {player}'s weights follow their gradient.",
        group="optimizers",
        choices=OPTIMIZERS,
    )


def _beta(player: str, default: float, number: int) -> Any:
    what = {
        1: "Decay of the mean gradient",
        2: "Decay of the mean squared gradient",
    }[number]
    return knob(
        default,
        f"{player} beta{number}",
        f"{what} (Adam's; SGD's momentum is beta1, RMSProp's alpha beta2).",
        ge=0,
        le=0.99999,
        step=0.01,
        group="optimizers",
    )


class TrainingOptions(Options):
    """Knobs that every GAN has."""

    objective: str = "non_saturating"  # any of the table (``training_options``)
    batch_size: int = knob(
        64,
        "Batch size",
        "Real samples, and as many generated ones, in each step.",
        ge=1,
        le=4096,
        group="training",
    )
    critic_steps: int = knob(
        1, "D steps", "Updates of D for each update of G.", ge=1, le=100, live=True, group="training"
    )
    pretrain_discriminator: int = knob(
        0,
        "D's head start",
        "Steps that D trains alone before G begins.",
        ge=0,
        le=1_000_000,
        group="training",
    )
    updates: Literal["alternating", "simultaneous"] = knob(
        "alternating",
        "Updates",
        "Whether G plays against the updated D, or both step from the same point.",
        group="training",
        choices={"alternating": "alternating", "simultaneous": "simultaneous"},
    )
    generator_lr: float = _rate("G")
    discriminator_lr: float = _rate("D")
    generator_optimizer: Optimizer = _optimizer("G")
    discriminator_optimizer: Optimizer = _optimizer("D")
    generator_beta1: float = _beta("G", 0.5, 1)
    generator_beta2: float = _beta("G", 0.999, 2)
    discriminator_beta1: float = _beta("D", 0.5, 1)
    discriminator_beta2: float = _beta("D", 0.999, 2)
    generator_update: Literal["heuristic", "minimax"] = knob(
        "heuristic",
        "G's update",
        "For f-GANs: G maximises D's answer, which keeps its gradient strong, or minimises the same bound.",
        group="objective",
        choices={"heuristic": "heuristic (stronger gradient)", "minimax": "minimax (as derived)"},
    )
    lr_decay: Literal["none", "linear", "cosine"] = knob(
        "none",
        "Learning-rate decay",
        "How both learning rates fall to 0 at the last step.",
        group="optimizers",
        choices={"none": "constant", "linear": "linear", "cosine": "cosine"},
    )
    lr_decay_from: float = knob(
        0.5,
        "Decay from",
        "Share of the steps after which the decay begins.",
        ge=0,
        le=0.99,
        step=0.05,
        group="optimizers",
    )
    penalty_every: int = knob(
        1,
        "Penalty every",
        "Apply gradient penalties at every n-th step only, n times as strong (lazy regularisation).",
        ge=1,
        le=64,
        live=True,
        group="stabilisers",
    )
    precision: Literal["float32", "bfloat16"] = knob(
        "float32",
        "Precision",
        "Precision of the layers while training. bfloat16 takes half the time where the hardware supports "
        "it (GPUs since 2020, CPUs with AVX512-BF16 or AMX); elsewhere float32 is used.",
        group="training",
        choices={"float32": "float32", "bfloat16": "bfloat16"},
    )
    report_every: int = knob(
        0,
        "Report every",
        "Steps between two rows of metrics; 0 chooses 40 for points, 5 for pictures.",
        ge=0,
        le=100_000,
        group="recording",
    )
    measure_every: int = knob(
        0,
        "Measure every",
        "Steps between two measurements of coverage; 0 chooses 200 for points, 100 for pictures.",
        ge=0,
        le=1_000_000,
        group="recording",
    )
    evaluate_every: int = knob(
        0,
        "Evaluate every",
        "Steps between two evaluations of pictures (FID, precision and recall ...), which take a while; 0 is "
        "never.",
        ge=0,
        le=1_000_000,
        scale="log",
        live=True,
        group="recording",
    )
    evaluate_samples: int = knob(
        1000,
        "Evaluation samples",
        "Samples in each evaluation: figures of different N must not be compared.",
        ge=64,
        le=50_000,
        group="recording",
    )
    keep_best: Literal[tuple(CHOICES)] = knob(  # type: ignore[valid-type]
        "none",
        "Keep the best by",
        "The measure by which the best checkpoint is kept beside the newest.",
        group="recording",
        choices=CHOICES,
    )


def training_options() -> type[TrainingOptions]:
    """The knobs that every GAN has, with the objectives that there are by now."""
    objective = knob(
        "non_saturating",
        "Objective",
        "The losses of the two players.",
        group="objective",
        choices={name: objective.title for name, objective in OBJECTIVES.items()},
    )
    choice: Any = Literal[tuple(OBJECTIVES)]
    return create_model("TrainingOptions", __base__=TrainingOptions, objective=(choice, objective))
