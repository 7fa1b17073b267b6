"""Runs as files that say what is asked for, and a GAN's options in words, for the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from engine.gans import GANS
from engine.options import BadInput, describe
from engine.requests.runs import StartRun
from engine.runs.records import RunConfig

MOST_BYTES = 1 << 20
REMEDY = "Write names and values, such as gan: dcgan, or print one with --dry-run."


def read_config(path: Path) -> dict[str, Any]:
    """What a YAML or JSON file asks for: the fields of ``StartRun``. Of a run's ``config.json``, those of
    them that it has. Raises ``BadInput``.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} has more than {MOST_BYTES >> 20} MiB.", "config", REMEDY)
        given = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "config", REMEDY) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:120]
        raise BadInput(f"{path} is not YAML: {said}.", "config", REMEDY) from None
    if not isinstance(given, dict):
        raise BadInput(f"{path} holds no names and values.", "config", REMEDY)
    if "meta" in given:  # a run's own
        given = {name: value for name, value in given.items() if name in StartRun.model_fields}
        given = {name: value for name, value in given.items() if name != "preset" or value is not None}
    options = given.get("options")
    if isinstance(options, dict):
        given["options"] = {name: _number(value) for name, value in options.items()}
    return {str(name): value for name, value in given.items()}


def _number(value: Any) -> Any:
    """What YAML takes for a text and everybody else for a number: 1e-4."""
    if not isinstance(value, str):
        return value
    try:
        number = json.loads(value)
    except ValueError:
        return value
    return number if isinstance(number, int | float) and not isinstance(number, bool) else value


def as_yaml(config: RunConfig) -> str:
    """A checked run as a file that ``read_config`` reads."""
    asked = ("name", "gan", "data", "steps", "seed", "device", "start_from", "preset", "options")
    plain = {name: config.get(name) for name in asked if config.get(name) is not None}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def options_text(gan: str) -> str:
    """The options that a GAN has for itself, one a line. Raises ``BadInput``."""
    if gan not in GANS:
        raise BadInput(f"there is no GAN called {gan[:80]!r}.", "gan", f"Choose one of: {', '.join(GANS)}.")
    fields = describe(GANS[gan].Options)
    lines = [f"options of {GANS[gan].title}, for --set:"]
    width = max((len(field["name"]) for field in fields), default=0)
    for field in fields:
        values = ", ".join(str(choice["value"]) for choice in field["choices"])
        if not values and field["min"] is not None and field["max"] is not None:
            values = f"{field['min']:g} to {field['max']:g}"
        told = f"{field['help']} [{field['default']}{'; ' + values if values else ''}]"
        lines.append(f"  {field['name']:<{width}}  {told}")
    if not fields:
        lines = [f"{GANS[gan].title} has no options of its own."]
    return "\n".join([*lines, "", "Options that all share: `ganscope list --json`, or REFERENCE.md."])
