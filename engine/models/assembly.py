"""From a configuration to its options, its data and its networks."""

from __future__ import annotations

import functools
from typing import Any

from pydantic import Field, create_model

from engine.data import DATASETS
from engine.data.reading.split import SPLIT, Split
from engine.data.source import Source
from engine.data.translations.two_sides import TranslationSource
from engine.game.recipe import Shape
from engine.gans import GANS
from engine.models.options import training_options
from engine.objectives import OBJECTIVES
from engine.options import BadInput, Options
from engine.stabilisers import STABILISERS


@functools.cache
def options_model(gan: str, data: str) -> type[Options]:
    """The one flat model of all knobs of a run of ``gan`` on ``data``, with the defaults that suit the kind
    of data. Raises ``BadInput`` if there is no such GAN or data set.
    """
    if gan not in GANS or data not in DATASETS:
        what = f"GAN called {gan}" if gan not in GANS else f"data set called {data}"
        raise BadInput(
            f"there is no {what} here (any more).",
            "gan" if gan not in GANS else "data",
            "Put the plugin that added it back, or install the version that had it: see `python -m engine "
            "list`.",
        )
    recipe, source = GANS[gan], DATASETS[data]
    parts = [
        recipe.Options,
        *(objective.Options for objective in OBJECTIVES.values()),
        *(piece.Options for piece in STABILISERS.values()),
        training_options(),
        source.Options,
    ]
    fields: dict[str, Any] = {}
    for part in parts:
        for name, field in part.model_fields.items():
            assert name not in fields, f"two options are called {name}"
            if name in (defaults := recipe.defaults.get(source.kind, {})):
                field = field.merge_field_infos(field, Field(defaults[name]))
            fields[name] = (field.annotation, field)
    return create_model(f"{gan}_{data}", __base__=Options, **fields)


def kept_options(options: Options) -> dict[str, Any]:
    """``options`` as plain values for a file, without those of plugins' stabilisers that are off: so it can
    be read where there is no such plugin.
    """
    foreign = [piece for piece in STABILISERS.values() if not type(piece).__module__.startswith("engine.")]
    off = {name for piece in foreign if not piece.is_on(options) for name in piece.Options.model_fields}
    return options.model_dump(exclude=off)


def open_source(data: str, options: Options, split: Split = SPLIT) -> Source:
    """The data set with its own knobs taken out of the run's flat options, held out by the rule ``split``.
    Raises ``BadInput`` if it is not there.
    """
    kind = DATASETS[data]
    own = kind.Options(**{name: getattr(options, name) for name in kind.Options.model_fields})
    if (missing := kind.missing(own)) is not None:
        raise missing
    source = kind(own)
    source.split = split
    return source


def shape_of(source: Source) -> Shape:
    names = tuple(source.classes or ())
    given = tuple(source.given) if isinstance(source, TranslationSource) else ()
    return Shape(source.kind, tuple(source.shape), len(names), names, given)
