"""From a request to a validated configuration: one flat set of options a run, checked before it starts."""

from __future__ import annotations

import contextlib
import platform
import time
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch

import engine
from engine.data import DATASETS
from engine.data.kinds import KINDS
from engine.data.source import Source
from engine.game.recipe import Recipe, Shape
from engine.gans import GANS
from engine.models.assembly import kept_options, open_source, options_model, shape_of
from engine.objectives import OBJECTIVES
from engine.options import BadInput, Forbidden, NotFound, Options, Refusals, describe, paths
from engine.options import validate as validate_values
from engine.requests.runs import StartRun
from engine.runs.records import RunConfig
from engine.stabilisers import STABILISERS
from engine.training.equilibrium import equilibrium
from engine.training.refusals import check, first_of_kind, never, ruled_out


@dataclass
class Judged:
    """A request with what could be made of it, and all that is wrong with it."""

    refusals: Refusals = field(default_factory=Refusals)
    asked: StartRun | None = None
    options: Options | None = None
    source: Source | None = None


def judge(request: dict[str, Any], reads_files: bool = True) -> Judged:
    """All that is wrong with a request. Combinations are judged once every option can be used by itself.
    Unless ``reads_files``, no option may name a path.
    """
    judged = Judged()
    with judged.refusals.collect():
        judged.asked = StartRun.read(request)
    if judged.asked is None and isinstance(request, dict):
        choices = {name: request[name] for name in ("gan", "data", "options") if name in request}
        with contextlib.suppress(BadInput):  # these may be judged though others are wrong
            judged.asked = StartRun.read(choices)
    if judged.asked is not None:
        _judge_choices(judged, judged.asked, reads_files)
    return judged


def _judge_choices(judged: Judged, asked: StartRun, reads_files: bool) -> None:
    found, refusals = len(judged.refusals.found), judged.refusals
    for name, table in (("gan", GANS), ("data", DATASETS)):
        with refusals.collect():
            _choice(getattr(asked, name), name, table)
    if len(refusals.found) > found:
        return
    with refusals.collect():
        _refuse_other_kind(asked.gan, asked.data)
    with refusals.collect():
        options = validate_values(options_model(asked.gan, asked.data), asked.options)
        _refuse_paths(options, reads_files)
        judged.options = options
    if judged.options is None or len(refusals.found) > found:
        return
    with refusals.collect():
        judged.source = open_source(asked.data, judged.options)
        check(asked.gan, judged.options, judged.source)
    if judged.source is not None and asked.start_from:
        with refusals.collect():
            _refuse_beginning(asked.start_from, asked.gan, judged.options, shape_of(judged.source))


def _refuse_other_kind(gan: str, data: str) -> None:
    recipe, kind = GANS[gan], DATASETS[data].kind
    if kind not in recipe.kinds:
        raise BadInput(
            f"{recipe.title} takes {' or '.join(recipe.kinds)}, and {data} are {kind}.",
            "data",
            f"Choose {first_of_kind(recipe.kinds[0])} as data, or the GAN called "
            f"{next(name for name, one in GANS.items() if kind in one.kinds)}.",
        )


def _refuse_paths(options: Options, reads_files: bool) -> None:
    for name in paths(type(options)):
        if getattr(options, name) and not reads_files:
            raise Forbidden(
                "viewers may not name files of this machine.", name, "Enter the presenter code first."
            )


def _refuse_beginning(start: str, gan: str, options: Options, data: Shape) -> None:
    """Refuse a model or run whose weights do not fit. Raises ``BadInput``, ``NotFound``."""
    from engine.models import loading

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


def _as_in(theirs: Any, recipe: Recipe) -> str:
    """The GAN's own options that a run has to share with a model, if any differ, as a remedy."""
    own = {name: getattr(theirs, name) for name in type(recipe).Options.model_fields}
    differ = [f"{name} to {value}" for name, value in own.items() if value != getattr(recipe.options, name)]
    return f"Set {', '.join(differ)}." if differ else "Take data of its size and number of classes."


def assess(request: dict[str, Any], reads_files: bool = True) -> dict[str, Any]:
    """All that can be said of a request at once: ``config`` as of ``validate``, or None where there are
    ``refusals``; and ``ruled_out``: by switch, stabilisers that would make no sense with the other choices.
    """
    judged = judge(request, reads_files)
    asked, options, source = judged.asked, judged.options, judged.source
    config, others = None, {}
    if asked is not None and options is not None and source is not None:
        others = ruled_out(asked.gan, options, source)
        config = None if judged.refusals.found else _configuration(asked, options, source)
    return {
        "config": config,
        "refusals": [problem.as_dict() for problem in judged.refusals.found],
        "ruled_out": {switch: problem.as_dict() for switch, problem in others.items()},
    }


def validate(request: dict[str, Any]) -> RunConfig:
    """A request as the complete ``config.json``, without its ``id``. Raises ``BadInput`` for the first thing
    that is wrong with it, with the others.
    """
    judged = judge(request)
    judged.refusals.raise_all()
    assert judged.asked and judged.options and judged.source
    return cast(RunConfig, _configuration(judged.asked, judged.options, judged.source))


def _configuration(asked: StartRun, options: Any, source: Source) -> dict[str, Any]:
    plain = {name: getattr(asked, name) for name in ("gan", "data", "steps", "seed", "device")}
    plain |= {"start_from": asked.start_from} if asked.start_from else {}
    recipe = GANS[asked.gan]
    rest = equilibrium(recipe(options, shape_of(source)))
    unknown = set() if KINDS[source.kind].evaluates else {"evaluate_every"}  # it could only be refused
    unknown |= never(asked.gan, options, source)
    for name, other in OBJECTIVES.items():
        unknown |= set(other.Options.model_fields) if name != options.objective else set()
    objective = OBJECTIVES[options.objective].of(options)
    usual = f"{source.title} · {recipe.title} · {objective.title.lower()}"
    return {
        "name": asked.name or usual[:80],
        **plain,
        "options": kept_options(options),
        "split": source.split,
        "kind": source.kind,
        "preset": asked.preset,
        "parent": None,
        "versions": {
            "ganscope": engine.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "created": time.time(),
        "meta": {
            "objective": {
                "name": options.objective,
                **objective.describe(),
                "equilibrium": rest,
                # a smoothed D that cannot tell says another thing, which may not be known
                "midpoint": rest.get("d_real") if options.label_smoothing else objective.midpoint,
            },
            "data": source.describe(),
            "gan": {
                "title": recipe.title,
                "sentence": recipe.sentence,
                "judges_samples": recipe.judges_samples,
                "judged": asdict(recipe.judged),
                "at_rest": recipe.at_rest,
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


def _sentence(plain: dict[str, Any], options: Any, source: Source) -> str:
    """What will happen, in plain words."""
    on = [piece.title.lower() for piece in STABILISERS.values() if piece.is_on(options)]
    if options.critic_steps > 1:
        on.append(f"{options.critic_steps} steps of D for each of G")
    if options.pretrain_discriminator:
        on.append(f"D trained alone for {options.pretrain_discriminator:,} steps first")
    what = (
        f"{GANS[plain['gan']].title} trains on {source.subject or source.title} "
        f"for {plain['steps']:,} steps of "
        f"{options.batch_size} {'sample' if options.batch_size == 1 else 'samples'}"
    )
    rules = f"with the {OBJECTIVES[options.objective].title.lower()} objective"
    watch = GANS[plain["gan"]].watch or KINDS[source.kind].watch
    return f"{what} {rules}{', with ' + ', '.join(on) if on else ''}. {watch}"


def _choice(value: str, field: str, table: dict[str, Any]) -> None:
    if value not in table:
        raise BadInput(
            f"there is no {field} called {value[:80]!r}.", field, f"Choose one of: {', '.join(table)}."
        )
