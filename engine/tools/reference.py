"""``engine/REFERENCE.md``: every command and option, written down from where they are declared.

    python -m engine.tools.reference [--check]

With ``--check`` nothing is written: it fails where the file is not current.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from engine import ENGINE
from engine.training.catalogue import catalogue

FILE = ENGINE / "REFERENCE.md"
# by name: the doors stand above the tools, and a document about them is no reason to need them
DASHBOARD, COMMANDS = "dashboard.launch:parser", "engine.__main__:parser"
HEAD = """# Reference

Written by `python -m engine.tools.reference` from the declarations in the code; a test fails when it is not
current. Options are given as `--set NAME=VALUE` on the command line, under `"options"` over HTTP, and as
fields on *New run*. Those marked **live** can be changed while a run trains.
"""


def render() -> str:
    """The whole document."""
    known = catalogue()
    return "\n".join(
        [
            HEAD,
            "## Commands\n",
            "`ganscope` alone opens the dashboard; in a clone that is `python run_dashboard.py`.\n",
            *_command(resolve_name(DASHBOARD)(), "ganscope dashboard"),
            "`ganscope COMMAND` and `python -m engine COMMAND` are the same:\n",
            *_commands(resolve_name(COMMANDS)()),
            "## GANs\n",
            *_gans(known["gans"]),
            "## Options of every run\n",
            *_options(known["training"]),
            "## Objectives\n",
            *_objectives(known["objectives"]),
            "## Stabilisers\n",
            *_stabilisers(known["stabilisers"]),
            "## Measures\n",
            *_metrics(known["metrics"]),
            "## Data sets\n",
            *_datasets(known["datasets"]),
        ]
    )


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from _command(sub, f"ganscope {name}")


def _command(parser: argparse.ArgumentParser, title: str) -> Iterator[str]:
    yield f"### `{title}`\n\n{parser.description}\n"
    actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    rows = [[_argument(action), _default(action), action.help or ""] for action in actions]
    yield from _table(["argument", "default", "what it is"], rows)


def _argument(action: argparse.Action) -> str:
    """The argument as it is typed, required ones without brackets around them."""
    value = _value(action)
    if not action.option_strings:
        return f"`[{value}]`" if action.nargs == "?" else f"`{value}`"
    return f"`{' '.join([action.option_strings[-1], value]).strip()}`" + " (required)" * action.required


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = "|".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
    if action.nargs in ("+", "*"):
        return f"{name} ..."
    return " ".join([str(name)] * action.nargs) if isinstance(action.nargs, int) else str(name)


def _default(action: argparse.Action) -> str:
    value = action.default
    if value is None or value is False or value in ([], "", argparse.SUPPRESS):
        return ""
    return f"`{' '.join(value) if isinstance(value, tuple) else value}`"


def _gans(gans: dict[str, Any]) -> Iterator[str]:
    for name, gan in gans.items():
        needs = ", with classes" if gan["needs_labels"] else ""
        yield f"### `{name}`\n\n{gan['title']}. {gan['sentence']} {gan['paper']}.\n"
        yield f"For {' and '.join(gan['kinds'])}{needs}.\n"
        if gan["deviations"]:
            yield f"Unlike the paper: {' '.join(gan['deviations'])}\n"
        for kind, values in gan["defaults"].items():
            said = ", ".join(f"`{option}={_number(value)}`" for option, value in values.items())
            if said:
                yield f"Defaults for {kind}: {said}.\n"
        yield from _options(gan["options"])


def _objectives(objectives: dict[str, Any]) -> Iterator[str]:
    for name, one in objectives.items():
        yield f"### `{name}`\n\n{one['title']}. {one['sentence']}\n"
        yield f"$${one['latex_d']}$$\n\n$${one['latex_g']}$$\n"
        yield f"What G minimises against the best D: {one['divergence'] or 'none in closed form'}.\n"
        yield from _options(one["options"])


def _stabilisers(stabilisers: dict[str, Any]) -> Iterator[str]:
    for name, piece in stabilisers.items():
        on, on_points = _number(piece["on"]), _number(piece["on_points"])
        points = "" if on == on_points else f", for points `{piece['switch']}={on_points}`"
        yield f"### `{name}`\n\n{piece['title']}. {piece['sentence']}\n"
        yield f"On: `{piece['switch']}={on}`{points}.\n"
        yield from _options(piece["options"])


def _metrics(metrics: dict[str, Any]) -> Iterator[str]:
    yield "Names for `evaluate --metrics`, and the figures of each; some are taken in training only.\n"
    rows = [
        [
            f"`{name}`" + " (in training)" * (not metric["evaluated"]),
            metric["sentence"],
            f"`{key}`",
            figure["better"],
            figure["sentence"],
        ]
        for name, metric in metrics.items()
        for key, figure in metric["figures"].items()
    ]
    yield from _table(["measure", "what it is", "figure", "better", "what it says"], rows)


def _datasets(datasets: dict[str, Any]) -> Iterator[str]:
    for name, source in datasets.items():
        yield f"### `{name}`\n\n{source['title']} ({source['kind']}). {source['sentence']}\n"
        yield f"Licence: {source['licence']}.\n"
        yield from _options(source["options"])


def _options(options: list[dict[str, Any]]) -> Iterator[str]:
    rows = [
        [
            f"`{option['name']}`",
            f"`{_number(option['default'])}`" if option["default"] != "" else "",
            _range(option),
            option["help"] + " **live**" * option["live"],
        ]
        for option in options
    ]
    yield from _table(["option", "default", "values", "what it is"], rows)


def _range(option: dict[str, Any]) -> str:
    """What an option may be, in words."""
    if option["choices"]:
        return ", ".join(
            f"`{choice['value'] if isinstance(choice, dict) else choice}`" for choice in option["choices"]
        )
    low, high = option["min"], option["max"]
    if low is None and high is None:
        return "`true`, `false`" if option["type"] == "bool" else option["type"]
    low_said = "" if low is None else f"above {_number(low)}" if option["min_excluded"] else _number(low)
    return f"{low_said} to {_number(high)}" if high is not None else f"{low_said} or more"


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    if not rows:
        return
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Write the document, or with ``--check`` compare it. Exits with one line if it is not current."""
    parser = argparse.ArgumentParser(prog="python -m engine.tools.reference")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is not current")
    text = render()
    if not parser.parse_args().check:
        FILE.write_text(text, "utf-8")
    elif not FILE.exists() or FILE.read_text("utf-8") != text:
        sys.exit(f"{Path(FILE.parent.name, FILE.name)} is not current: run python -m engine.tools.reference")


if __name__ == "__main__":
    main()
