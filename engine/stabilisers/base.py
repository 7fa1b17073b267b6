"""What a stabiliser may do: the hooks, and the contradictions that several of them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from engine.game.context import Context, Judge
from engine.game.phases import Part
from engine.game.recipe import Recipe, Shape
from engine.objectives import Objective
from engine.options import BadInput, Options

GROUP = "stabilisers"


class Stabiliser:
    """Base: every hook does nothing. ``switch`` names the option that turns it on, ``on`` such a value."""

    title: ClassVar[str]
    sentence: ClassVar[str]
    switch: ClassVar[str]
    on: ClassVar[Any]
    on_points: ClassVar[Any] = None  # another value for 2-D data, where it needs one
    is_lazy: ClassVar[bool] = False  # a costly penalty, that may be asked for only every few steps
    judges_fake: ClassVar[bool] = False  # a penalty that asks D about generated samples
    needs: ClassVar[Part | None] = None  # what must take part, or it does nothing
    Options: ClassVar[type[Options]]

    def is_on(self, options: Any) -> bool:
        return bool(getattr(options, self.switch))

    def on_value(self, kind: str) -> Any:
        """What its switch is set to when it is turned on for data of ``kind``."""
        return self.on if kind != "points" or self.on_points is None else self.on_points

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        """Raise ``BadInput`` if it makes no sense with the other options, the GAN or the data. Only called
        when it is on.
        """

    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        """Change fresh networks in place, or put others into ``networks``. Called again after a stage has
        built more: what was changed before stays as it is.
        """

    def inputs(self, ctx: Context, x: Tensor) -> Tensor:
        """What D is shown instead of ``x``."""
        return x

    def target(self, options: Any) -> float:
        """D's target for real data."""
        return 1.0

    def penalty(self, ctx: Context, real: Tensor, fake: Tensor, judge: Judge) -> Tensor | None:
        """A scalar added to D's loss. ``judge`` gives D's logits (N,) for samples like ``real``,
        or like ``fake`` where ``judges_fake``.
        """
        return None

    def recorded(self, ctx: Context) -> dict[str, Tensor]:
        """Scalars of its own for the record of D's turn, by the name in a row of metrics."""
        return {}

    def generator_term(self, ctx: Context, fake: Tensor) -> Tensor | None:
        """A scalar added to G's loss, through the generated batch or G's weights."""
        return None

    def replaces_objective(self, options: Any) -> bool:
        """Whether ``generator_term`` stands instead of the objective's loss of G."""
        return False

    def equilibrium(self, options: Any, objective: Objective, values: dict[str, float]) -> dict[str, float]:
        """What becomes of the losses' and scores' ``values`` at p = q with the optimal D; none where nothing
        is known.
        """
        return values

    def after_step(self, ctx: Context, networks: Sequence[str]) -> None:
        """Called after ``networks`` have been stepped."""


def has_batch_norm(options: Any, data: Shape) -> bool:
    """Whether D normalises over the batch. Networks for points never do, whatever the option says."""
    norm = getattr(options, "discriminator_norm", getattr(options, "norm", "none"))
    return data.kind != "points" and norm == "batch"


def refuse_mixed_batches(options: Any, data: Shape, field: str) -> None:
    """Refuse a gradient penalty, whose option is ``field``, where D's answer to a sample depends on the
    others in its batch. Raises ``BadInput``.
    """
    asks = "a gradient penalty asks how D answers each sample alone, and"
    if has_batch_norm(options, data):
        raise BadInput(
            f"{asks} batch norm mixes the samples of a batch.",
            field,
            "Choose another discriminator_norm, such as none.",
        )
    if options.minibatch_discrimination:
        raise BadInput(
            f"{asks} minibatch discrimination compares the samples of a batch.",
            field,
            f"Set {field} or minibatch_discrimination to 0.",
        )


def refuse_without_features(recipe: type[Recipe], field: str) -> None:
    """Refuse what reads D's features, where they are not those of a sample, or the networks that judge have
    other names. Raises ``BadInput``.
    """
    if not recipe.has_features or "discriminator" not in recipe.judges:
        raise BadInput(
            f"the D of {recipe.title} has no features of samples alone.",
            field,
            f"Set {field} to 0, or choose another GAN.",
        )
