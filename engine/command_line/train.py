"""``train``: a run from the terminal, with its bar."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.command_line.given import parse_settings
from engine.options import BadInput, Conflict
from engine.requests.base import MAX_STEPS
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.names import check_id, new_id
from engine.runs.records import Row


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command line's parser."""
    trainer = command("train", train, "Train a GAN; it can be watched in the browser meanwhile.")
    trainer.add_argument("-h", "--help", action=_Help, help="with --gan, the options of that GAN, too")
    trainer.add_argument("--gan", help="see `list gans` (default: gan)")
    trainer.add_argument("--data", help="see `list datasets` (default: ring)")
    trainer.add_argument("--preset", help="start from a preset of the home page instead")
    trainer.add_argument("--steps", type=int, help="training steps (default: 20000)")
    trainer.add_argument("--seed", type=int, help="same seed, same run (default: 0)")
    trainer.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="OPTION=VALUE",
        help="e.g. discriminator_lr=1e-4",
    )
    trainer.add_argument(
        "--out", type=Path, metavar="runs/NAME", help="the run's folder (default: runs/ and a new name)"
    )
    trainer.add_argument(
        "--resume", action="store_true", help="continue the run in --out from its last checkpoint"
    )
    trainer.add_argument("--device", help="auto, cpu, cuda or mps (default: auto)")
    trainer.add_argument("--start-from", metavar="MODEL", help="a model or run whose weights it starts from")
    trainer.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML or JSON: gan, data, steps, seed, options ...; arguments override it. A run's "
        "config.json will do",
    )
    trainer.add_argument(
        "--dry-run", action="store_true", help="check everything, print it as a --config file, train nothing"
    )


class _Help(argparse._HelpAction):
    """Help that waits until everything is read."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, *given: Any, **more: Any) -> None:
        namespace.run = _help


def _help(given: argparse.Namespace) -> int:
    given.parser.print_help()
    if given.gan:
        from engine.training.asked import options_text

        print(f"\n{options_text(given.gan)}")
    return 0


def train(given: argparse.Namespace) -> int:
    """Start a run or go on with one, until it ends; 1 if it failed."""
    from engine.worker import session

    if given.resume:
        folder = _resumed(given)
    else:
        from engine.training.device import pick_device
        from engine.training.request import validate

        config = validate(_request(given))
        pick_device(config["device"])  # before there is a folder
        if given.dry_run:
            from engine.training.asked import as_yaml

            print(as_yaml(config), end="")
            return 0
        folder = RunFolder(given.out or Path("runs") / new_id(config["gan"], config["data"]))
        check_id(folder.id)
        config["id"] = folder.id
        for line in config["meta"]["data"].get("notes", ()):
            print(line, file=sys.stderr)
        folder.create(config, "starting")
    steps = folder.status().get("steps") or folder.config()["steps"]
    with _Bar(steps) as bar:
        say = None if sys.stderr.isatty() else _say
        state = session.train(folder, resume=given.resume, progress=bar.show, say=say)
    status = folder.status()
    print(f"{state} at step {status['step']:,}: {folder.path}")
    if state == "failed":
        print(f"{status.get('error')} {status.get('remedy')}", file=sys.stderr)
    elif state == "stopped":
        print(f"Go on with: python -m engine train --resume --out {folder.path}")
    return 1 if state == "failed" else 0


def _request(given: argparse.Namespace) -> dict[str, Any]:
    from engine.training.asked import read_config

    request: dict[str, Any] = {"gan": "gan", "data": "ring"}
    if given.config:
        request |= read_config(given.config)
    if given.preset:
        from engine.presets import PRESETS

        if given.preset not in PRESETS:
            raise BadInput(
                f"there is no preset called {given.preset!r}.",
                "preset",
                f"Choose one of: {', '.join(PRESETS)}.",
            )
        request |= {**PRESETS[given.preset].runs[0], "preset": given.preset}
    for name in ("gan", "data", "steps", "seed", "device", "start_from"):
        if getattr(given, name) is not None:
            request[name] = getattr(given, name)
    request["options"] = {**request.get("options", {}), **parse_settings(given.set)}
    return request


def _resumed(given: argparse.Namespace) -> RunFolder:
    """The run to go on with, for more steps if asked for. Raises ``BadInput``, ``Conflict``."""
    if given.out is None:
        raise BadInput("which run?", "out", "Name its folder: --resume --out runs/NAME")
    for name in ("gan", "data", "preset", "seed", "set", "device", "start_from", "config", "dry_run"):
        if getattr(given, name):
            raise BadInput(
                "a run goes on as it began.",
                name,
                "Leave it out; for another value branch or start a new run.",
            )
    folder = RunFolder(given.out)
    folder.config()
    status = folder.status()
    if status["state"] in ACTIVE:
        raise Conflict(f"{folder.id} is being trained.", "out", "Stop it first, or wait until it ends.")
    if given.steps is not None:
        if not status["step"] < given.steps <= MAX_STEPS:
            raise BadInput(
                f"the run stands at step {status['step']:,}.",
                "steps",
                f"Give more, at most {MAX_STEPS:,}, or leave it out.",
            )
        folder.write_status(**{**status, "state": "starting", "steps": given.steps})
    return folder


class _Bar:
    """A progress bar on a terminal; elsewhere there are lines."""

    def __init__(self, steps: int) -> None:
        from tqdm import tqdm

        self.bar = tqdm(total=steps, unit="step", disable=not sys.stderr.isatty(), dynamic_ncols=True)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def show(self, step: int, row: Row) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone, and the run goes on
            self._show(step, row)

    def _show(self, step: int, row: Row) -> None:
        parts = [
            f"D {row['d_loss']:.3f}" if "d_loss" in row else "",
            f"G {row['g_loss']:.3f}" if "g_loss" in row else "",
        ]
        if "modes_hit" in row:
            self.modes = f"modes {row['modes_hit']}/{row['modes_total']}"
        self.bar.set_postfix_str(
            "  ".join(part for part in [*parts, getattr(self, "modes", "")] if part), refresh=False
        )
        self.bar.update(step - self.bar.n)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever read it has left
        print(line, file=sys.stderr, flush=True)
