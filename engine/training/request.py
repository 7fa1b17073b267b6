"""From a request to a validated configuration: one flat set of options a run, checked before it starts."""

from __future__ import annotations

import platform
import time
from typing import Any

import torch

import engine
from engine.data import DATASETS, PointSource
from engine.data.source import Source
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Recipe, Shape
from engine.gans import GANS
from engine.models.assembly import open_source, options_model, shape_of
from engine.objectives import OBJECTIVES
from engine.options import BadInput, NotFound, Options, describe
from engine.options import validate as validate_values
from engine.runs.names import DEVICES
from engine.stabilisers import STABILISERS
from engine.training.refusals import check, first_of_kind

MAX_STEPS = 100_000_000
WATCH = {
    "points": "Watch the generated points find the real ones while D's map loses its colours.",
    "images": "Watch strokes turn into pictures while D(x) and D(G(z)) stay short of 1 and 0.",
    "pairs": "Watch the outputs beside their targets: L1 finds the colours, the adversary makes edges sharp.",
    "domains": "Watch B' become one of B while A'' still comes back to A.",
}


def validate_request(request: dict[str, Any]) -> tuple[dict[str, Any], Options, Source]:
    """A request ``{"gan", "data", "steps", "seed", "options"}`` as (plain parts, checked options, opened
    data).

    Raises ``BadInput`` with field and remedy for whatever is wrong.
    """
    if not isinstance(request, dict):
        raise BadInput(
            "a run is described by an object.", None, 'Send {"gan", "data", "steps", "seed", "options"}.'
        )
    unknown = set(request) - {
        "gan",
        "data",
        "steps",
        "seed",
        "options",
        "name",
        "preset",
        "device",
        "parent",
        "start_from",
    }
    if unknown:
        raise BadInput(
            f"there is no field called {min(unknown)[:80]!r}.", min(unknown)[:80], "Knobs go into options."
        )
    gan = _choice(request.get("gan", "gan"), "gan", GANS)
    data = _choice(request.get("data", "ring"), "data", DATASETS)
    steps = _whole(request.get("steps", 20_000), "steps", 1, MAX_STEPS)
    seed = _whole(request.get("seed", 0), "seed", 0, 2**31 - 1)
    given = request.get("options") or {}
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        raise BadInput(
            "options is an object of names and values.", "options", 'For example {"discriminator_lr": 1e-4}.'
        )
    recipe = GANS[gan]
    if DATASETS[data].kind not in recipe.kinds:
        raise BadInput(
            f"{recipe.title} takes {' or '.join(recipe.kinds)}, and {data} are {DATASETS[data].kind}.",
            "data",
            f"Choose {first_of_kind(recipe.kinds[0])} as data, or the GAN called "
            f"{next(name for name, one in GANS.items() if DATASETS[data].kind in one.kinds)}.",
        )
    options = validate_values(options_model(gan, data), given)
    source = open_source(data, options)
    check(gan, options, source)
    device = str(request.get("device") or "auto")  # perhaps with a number: cuda:1
    _choice(device.partition(":")[0], "device", dict.fromkeys(DEVICES))
    plain = {"gan": gan, "data": data, "steps": steps, "seed": seed, "device": device}
    if start := request.get("start_from"):
        plain["start_from"] = _beginning(start, gan, options, shape_of(source))
    return plain, options, source


def _beginning(start: Any, gan: str, options: Options, data: Shape) -> str:
    """The id of the model or run whose weights a run begins with. Raises ``BadInput`` if they do not fit."""
    from engine.models import loading

    if not isinstance(start, str):
        raise BadInput("a model is named by its id.", "start_from", "See `python -m engine list models`.")
    try:
        model = loading.load(start)
    except NotFound as problem:
        raise NotFound(problem.error, "start_from", problem.remedy) from None
    if model.config["gan"] != gan:
        raise BadInput(
            f"{start} is a {model.config['gan']}.", "start_from", f"Set gan to {model.config['gan']}."
        )
    recipe, networks = loading.build(gan, options, data, seed=0)
    if [code.size for code in recipe.codes] != [code.size for code in model.recipe.codes]:
        raise BadInput(f"{start} has other codes.", "start_from", _as_in(model.options, recipe))
    try:
        loading.begin_with(model, networks)
    except BadInput as problem:
        raise BadInput(problem.error, problem.field, _as_in(model.options, recipe)) from None
    return start


def _as_in(theirs: Any, recipe: Recipe) -> str:
    """The GAN's own options that a run has to share with a model, if any differ, as a remedy."""
    own = {name: getattr(theirs, name) for name in type(recipe).Options.model_fields}
    differ = [f"{name} to {value}" for name, value in own.items() if value != getattr(recipe.options, name)]
    return f"Set {', '.join(differ)}." if differ else "Take data of its size and number of classes."


def validate(request: dict[str, Any]) -> dict[str, Any]:
    """A request as the complete ``config.json``, without its ``id``. Raises ``BadInput``."""
    plain, options, source = validate_request(request)
    recipe = GANS[plain["gan"]]
    unknown = ("evaluate_every",) if source.kind == "points" else ()  # knobs that could only be refused
    objective = OBJECTIVES[options.objective].under(options.generator_update)  # type: ignore[attr-defined]
    return {
        "name": str(request.get("name") or f"{source.title} · {recipe.title} · {objective.title.lower()}")[
            :80
        ],
        **plain,
        "options": options.model_dump(),
        "kind": source.kind,
        "preset": request.get("preset"),
        "parent": request.get("parent"),
        "versions": {
            "ganscope": engine.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "created": time.time(),
        "meta": {
            "objective": {"name": options.objective, **objective.describe()},  # type: ignore[attr-defined]
            "data": _describe_source(source),
            "gan": {
                "title": recipe.title,
                "sentence": recipe.sentence,
                "judges_samples": recipe.judges_samples,
                "gradients": _gradients(recipe(options, shape_of(source))),
            },
            "live": [
                field for field in describe(type(options)) if field["live"] and field["name"] not in unknown
            ],
            "sentence": _sentence(plain, options, source),
        },
    }


def _gradients(recipe: Recipe) -> list[str]:
    """The gradient norms that a run records, in the order of its turns."""
    phases = [phase for stage in recipe.stages() for phase in stage.phases]
    return list(dict.fromkeys(name for phase in phases for name in phase.gradients))


def _describe_source(source: Source) -> dict[str, Any]:
    described: dict[str, Any] = {
        "title": source.title,
        "kind": source.kind,
        "shape": list(source.shape),
        "classes": list(source.classes or []) or None,
    }
    if isinstance(source, TranslationSource):
        described |= {"given": list(source.given), "names": list(source.names)}
    if isinstance(source, PointSource):
        described |= {"extent": list(source.extent), "modes": source.modes.tolist(), "sd": source.sd}
    return described


def _sentence(plain: dict[str, Any], options: Any, source: Source) -> str:
    """What will happen, in plain words."""
    on = [piece.title.lower() for piece in STABILISERS.values() if piece.is_on(options)]
    if options.critic_steps > 1:
        on.append(f"{options.critic_steps} steps of D for each of G")
    if options.pretrain_discriminator:
        on.append(f"D trained alone for {options.pretrain_discriminator:,} steps first")
    what = (
        f"{GANS[plain['gan']].title} learns {source.title} for {plain['steps']:,} steps of "
        f"{options.batch_size} {'sample' if options.batch_size == 1 else 'samples'}"
    )
    rules = f"under the {OBJECTIVES[options.objective].title.lower()} objective"
    return f"{what} {rules}{', with ' + ', '.join(on) if on else ''}. {WATCH[source.kind]}"


def _choice(value: Any, field: str, table: dict[str, Any]) -> str:
    if not isinstance(value, str) or value not in table:
        raise BadInput(
            f"there is no {field} called {str(value)[:80]!r}.", field, f"Choose one of: {', '.join(table)}."
        )
    return value


def _whole(value: Any, field: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(
            f"{field} is a whole number from {low} to {high}, not {str(value)[:80]!r}.",
            field,
            "Correct it and try again.",
        )
    return value
