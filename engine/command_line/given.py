"""What several verbs take."""

from __future__ import annotations

import argparse
import json
from typing import Any

from engine.options import BadInput

RUNS = "folder with runs, and with your own models"


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """``["discriminator_lr=1e-4", "ema=0.999"]`` as a dictionary; values are read as JSON where they are
    JSON. Raises ``BadInput``.
    """
    options: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise BadInput(
                f"{setting!r} is not OPTION=VALUE.", "set", "For example: --set discriminator_lr=1e-4"
            )
        try:
            options[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def spare(given: argparse.Namespace) -> None:
    """Refuse to write over a file of the model or run itself. Raises ``BadInput``."""
    from engine.models.finding import find
    from engine.runs.files import refuse_overwriting

    refuse_overwriting([given.out], find(given.model, given.runs).rglob("*"))
