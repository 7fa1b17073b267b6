"""Combinations of GAN, data, objective and stabilisers that make no sense: by field, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.data import DATASETS, ImageSource
from engine.data.kinds import KINDS
from engine.data.source import Source
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Recipe, Shape
from engine.gans import GANS
from engine.metrics.best import RANKING, best_by
from engine.models.assembly import shape_of
from engine.objectives import OBJECTIVES
from engine.options import BadInput, Refusals, describe
from engine.stabilisers import STABILISERS

ADVERSARIAL = ("objective", "generator_update", "critic_steps", "pretrain_discriminator")


def check(gan: str, options: Any, source: Source) -> None:
    """Refuse combinations that make no sense: by field, with the reason and a remedy. Raises ``BadInput`` for
    the first, with the others.
    """
    recipe, data = GANS[gan], shape_of(source)
    refusals = Refusals()
    refusals.found += _short_of(recipe, options, data)
    if any(one.field == "data" for one in refusals.found):
        refusals.raise_all()  # nothing else can be asked of data that it cannot take
    _collect_pieces(refusals, recipe, options, data)
    refusals.found += [*_unplayable(options), *_unrecorded(recipe(options, data), options, source)]
    if options.batch_size > (fewest := _pictures_in(source)):
        error, remedy = f"the data hold only {fewest} pictures.", f"Set batch_size to {fewest} or less."
        refusals.found.append(BadInput(error, "batch_size", remedy))
    refusals.raise_all()
    recipe(options, data).subsets(source, seed=0)  # refuses data that are too small to be divided


def ruled_out(gan: str, options: Any, source: Source) -> dict[str, BadInput]:
    """By its switch, each stabiliser that is off and would make no sense with the other choices: why."""
    recipe, data = GANS[gan], shape_of(source)
    found = {}
    if any(one.field == "data" for one in _short_of(recipe, options, data)):
        return found
    for piece in STABILISERS.values():
        if not piece.is_on(options):
            refusals = Refusals()
            on = options.model_copy(update={piece.switch: piece.on_value(source.kind)})
            _collect_pieces(refusals, recipe, on, data)
            found |= {one.field: one for one in reversed(refusals.found) if one.field == piece.switch}
    return found


def never(gan: str, options: Any, source: Source) -> set[str]:
    """The options of stabilisers that no live option of this run could ever switch on."""
    at_rest = {field["name"]: field["default"] for field in describe(type(options)) if field["live"]}
    out = ruled_out(gan, options, source).keys()
    out &= ruled_out(gan, options.model_copy(update=at_rest), source).keys()
    return {
        name for piece in STABILISERS.values() if piece.switch in out for name in piece.Options.model_fields
    }


def _collect_pieces(refusals: Refusals, recipe: type[Recipe], options: Any, data: Shape) -> None:
    """What the GAN, the stabilisers that are on and the parts of the game have against each other."""
    with refusals.collect():
        recipe.check(options, data)
    for piece in STABILISERS.values():
        if piece.is_on(options):
            with refusals.collect():
                piece.check(options, recipe, data)
    refusals.found += _idle(options, recipe)


def _short_of(recipe: type[Recipe], options: Any, data: Shape) -> Iterator[BadInput]:
    """What the GAN needs of the data and of a batch, and does not get."""
    if recipe.needs_labels and not data.classes:
        yield BadInput(
            f"{recipe.title} needs labelled data.", "data", "Choose data with classes, such as mnist."
        )
    if options.batch_size < recipe.min_batch_size:
        yield BadInput(
            f"{recipe.title} compares the samples of a batch, or learns from their mean.",
            "batch_size",
            f"Set batch_size to {recipe.min_batch_size} or more.",
        )


def _idle(options: Any, recipe: type[Recipe]) -> Iterator[BadInput]:
    """What belongs to a part of the game that does not take place: it would do nothing."""
    defaults = {name: field.default for name, field in type(options).model_fields.items()}
    changed = {name for name in defaults if getattr(options, name) != defaults[name]}
    idle = {part: by for by, parts in recipe.disables.items() if by in changed for part in parts}
    needs = {piece.switch: piece.needs for piece in STABILISERS.values() if piece.is_on(options)}
    needs |= {name: "game" for name in (*ADVERSARIAL, *recipe.adversarial_options) if name in changed}
    for name, objective in OBJECTIVES.items():
        for field in changed & objective.Options.model_fields.keys() if name != options.objective else ():
            yield BadInput(
                f"it does nothing while objective is {options.objective}.",
                field,
                f"Set {field} to {defaults[field]}, or objective to {name}.",
            )
    for field, part in needs.items():
        if part in idle:
            by, remedy = idle[part], f"Set {field} to {defaults[field]}"
            reason = f"it does nothing while {by} is {getattr(options, by)}."
            yield BadInput(reason, field, f"{remedy}, or {by} to {defaults[by]}.")


def _unplayable(options: Any) -> Iterator[BadInput]:
    """Rules under which the game cannot be played."""
    objective = OBJECTIVES[options.objective].of(options)
    bounds = ("weight_clip", "gradient_penalty", "r1", "spectral_norm")
    if objective.needs_lipschitz and not any(getattr(options, bound) for bound in bounds):
        yield BadInput(
            "an unbounded critic grows without end: its value is a distance only if its slope is bounded.",
            "objective",
            "Switch on gradient_penalty, spectral_norm, r1 or weight_clip.",
        )
    if options.updates == "simultaneous" and options.critic_steps > 1:
        yield BadInput(
            "both players step at once, so D cannot step several times.",
            "critic_steps",
            "Set critic_steps to 1.",
        )


def _unrecorded(recipe: Recipe, options: Any, source: Source) -> Iterator[BadInput]:
    """What is to be recorded, and is not known in such a run."""
    if options.keep_best != "none":
        measure, known = RANKING[options.keep_best], best_by(recipe, source)
        if options.keep_best not in known:
            yield BadInput(
                f"{measure.heading} is not measured in a run of {recipe.title} on {source.title}.",
                "keep_best",
                f"Choose one of: none, {', '.join(known)}.",
            )
        if not measure.live and not options.evaluate_every:
            yield BadInput(
                f"{measure.heading} is only known where the run evaluates.",
                "keep_best",
                "Set evaluate_every, to 500 for example.",
            )
    if options.evaluate_every and not KINDS[source.kind].evaluates:
        yield BadInput(
            f"evaluation is for pictures; runs on {source.kind} measure what suits them anyway.",
            "evaluate_every",
            "Set evaluate_every to 0.",
        )


def _pictures_in(source: Source) -> float:
    if isinstance(source, TranslationSource):
        return min(len(source.a), len(source.b))
    return len(source.images) if isinstance(source, ImageSource) else float("inf")


def first_of_kind(kind: str) -> str:
    return next(name for name, source in DATASETS.items() if source.kind == kind)
