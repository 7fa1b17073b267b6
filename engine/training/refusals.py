"""Combinations of GAN, data, objective and stabilisers that make no sense: by field, with the reason."""

from __future__ import annotations

from typing import Any

from engine.data import DATASETS, ImageSource, PointSource
from engine.data.source import Source
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Recipe
from engine.gans import GANS
from engine.metrics.best import RANKING, best_by
from engine.models.assembly import shape_of
from engine.objectives import OBJECTIVES
from engine.options import BadInput
from engine.stabilisers import STABILISERS

ADVERSARIAL = ("objective", "generator_update", "critic_steps", "pretrain_discriminator")


def _refuse_idle(options: Any, recipe: type[Recipe]) -> None:
    """Refuse what belongs to a part of the game that does not take place: it would do nothing."""
    defaults = {name: field.default for name, field in type(options).model_fields.items()}
    changed = {name for name in defaults if getattr(options, name) != defaults[name]}
    idle = {part: by for by, parts in recipe.disables.items() if by in changed for part in parts}
    needs = {piece.switch: piece.needs for piece in STABILISERS.values() if piece.is_on(options)}
    needs |= {name: "game" for name in (*ADVERSARIAL, *recipe.adversarial_options) if name in changed}
    for field, part in needs.items():
        if part in idle:
            by, remedy = idle[part], f"Set {field} to {defaults[field]}"
            reason = f"it does nothing while {by} is {getattr(options, by)}."
            raise BadInput(reason, field, f"{remedy}, or {by} to {defaults[by]}.")


def check(gan: str, options: Any, source: Source) -> None:
    """Refuse combinations that make no sense: by field, with the reason and a remedy."""
    recipe, objective = GANS[gan], OBJECTIVES[options.objective].under(options.generator_update)
    data = shape_of(source)
    if recipe.needs_labels and not data.classes:
        raise BadInput(
            f"{recipe.title} needs labelled data.", "data", "Choose data with classes, such as mnist."
        )
    if options.batch_size < recipe.min_batch_size:
        raise BadInput(
            f"{recipe.title} compares the samples of a batch, or learns from their mean.",
            "batch_size",
            f"Set batch_size to {recipe.min_batch_size} or more.",
        )
    recipe.check(options, data)
    for piece in STABILISERS.values():
        if piece.is_on(options):
            piece.check(options, recipe, data)
    _refuse_idle(options, recipe)
    bounds = ("weight_clip", "gradient_penalty", "r1", "spectral_norm")
    if objective.needs_lipschitz and not any(getattr(options, bound) for bound in bounds):
        raise BadInput(
            "an unbounded critic grows without end: its value is a distance only if its slope is bounded.",
            "objective",
            "Switch on gradient_penalty, spectral_norm, r1 or weight_clip.",
        )
    if options.updates == "simultaneous" and options.critic_steps > 1:
        raise BadInput(
            "both players step at once, so D cannot step several times.",
            "critic_steps",
            "Set critic_steps to 1.",
        )
    if options.keep_best != "none":
        _check_best(options, recipe(options, data), source)
    if options.evaluate_every and isinstance(source, PointSource):
        raise BadInput(
            "2-D runs measure coverage and divergence anyway; evaluation is for pictures.",
            "evaluate_every",
            "Set evaluate_every to 0.",
        )
    if options.batch_size > (fewest := _pictures_in(source)):
        raise BadInput(
            f"the data hold only {fewest} pictures.", "batch_size", f"Set batch_size to {fewest} or less."
        )
    recipe(options, data).subsets(source, seed=0)  # refuses data that are too small to be divided


def _check_best(options: Any, recipe: Recipe, source: Source) -> None:
    measure, known = RANKING[options.keep_best], best_by(recipe, source)
    if options.keep_best not in known:
        raise BadInput(
            f"{measure.heading} is not measured in a run of {recipe.title} on {source.title}.",
            "keep_best",
            f"Choose one of: none, {', '.join(known)}.",
        )
    if not measure.live and not options.evaluate_every:
        raise BadInput(
            f"{measure.heading} is only known where the run evaluates.",
            "keep_best",
            "Set evaluate_every, to 500 for example.",
        )


def _pictures_in(source: Source) -> float:
    if isinstance(source, TranslationSource):
        return min(len(source.a), len(source.b))
    return len(source.images) if isinstance(source, ImageSource) else float("inf")


def first_of_kind(kind: str) -> str:
    return next(name for name, source in DATASETS.items() if source.kind == kind)
