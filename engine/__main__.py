"""The command line: ``python -m engine`` or ``ganscope``."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from engine.command_line import evaluate, runs, sample, tables, train, translate, weights
from engine.options import BadInput, NoRoom, is_full
from engine.plugins.finding import VARIABLE, plugins_beside

PLUGINS = "folder of your own GANs, data ... (default: plugins beside runs)"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 a run failed, 2 something given cannot be used."""
    _mend_streams()
    given = parser().parse_args(arguments)
    try:
        _load_plugins(given)
        return given.run(given)
    except BadInput as refusal:
        print(f"ganscope: {refusal}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `ganscope list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, SafetensorError) as error:
        if is_full(error):
            print(f"ganscope: {NoRoom()}", file=sys.stderr)
        elif isinstance(error, OSError) and error.filename is not None and error.strerror:
            print(f"ganscope: {error.filename}: {error.strerror}.", file=sys.stderr)
        else:
            raise
        return 2


def _mend_streams() -> None:
    """Nothing that is found out is lost over how it is said: letters that the terminal's encoding lacks are
    written by number, and where a stream is closed (``>&-``) words go nowhere, not into the next file opened.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def parser() -> argparse.ArgumentParser:
    """The command line: one sub-parser a command, whose ``run`` takes what was given."""
    parser = argparse.ArgumentParser(
        prog="ganscope",
        description="Train, watch, understand and use GANs.",
        epilog="`ganscope` alone, or `ganscope dashboard`, opens the dashboard in the browser.",
    )
    parser.add_argument("--plugins", type=Path, metavar="DIR", help=PLUGINS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Any], int], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, add_help=name != "train")
        sub.set_defaults(run=run, parser=sub)
        sub.add_argument("--plugins", type=Path, metavar="DIR", default=argparse.SUPPRESS, help=PLUGINS)
        return sub

    tables.add_command(command)
    train.add_command(command)
    runs.add_commands(command)
    sample.add_command(command)
    evaluate.add_command(command)
    weights.add_commands(command)
    translate.add_command(command)

    bench = command("bench", _bench, "Measure training speed, as ratios side by side on this machine.")
    bench.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser


def _load_plugins(given: argparse.Namespace) -> None:
    """Add plugins to the tables, here and in child processes. Raises ``BadInput`` without their folder."""
    out = getattr(given, "out", None)
    beside = out.parent if given.run is train.train and out else getattr(given, "runs", Path("runs"))
    plugins = plugins_beside(beside, given.plugins)
    if not plugins.are_any():
        return
    os.environ[VARIABLE] = str(plugins.folder)
    from engine.plugins.loading import load

    for loaded in load(plugins):
        if loaded.error and given.run is not tables.list_tables:
            print(f"ganscope: plugin {loaded.name}: {loaded.sentence}", file=sys.stderr)


def _bench(given: argparse.Namespace) -> int:
    from engine.tools.bench import bench, table

    figures = bench()
    print(json.dumps(figures, indent=2) if given.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
