"""The command line: ``python -m engine`` or ``ganscope``."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError

from engine.options import BadInput, Conflict
from engine.plugins.finding import VARIABLE, plugins_beside
from engine.requests.base import MAX_STEPS
from engine.requests.evaluation import Evaluate
from engine.requests.models import Dropout, Format, OfWeights, TestMode
from engine.requests.translation import Direction
from engine.runs.files import NoRoom, is_full
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.names import check_id, new_id
from engine.runs.records import Row
from engine.translation import command as translation

PLUGINS = "folder of your own GANs, data ... (default: plugins beside runs)"
TABLES = ("gans", "objectives", "stabilisers", "datasets", "models", "plugins")
RUNS = "folder with runs, where models of one's own lie, too"


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

    lister = command("list", _list, "List the GANs, objectives, stabilisers, data sets, models and plugins.")
    lister.add_argument("table", nargs="?", choices=TABLES, help="one of them (default: all)")
    lister.add_argument("--json", action="store_true", help="everything, options included, as JSON")

    trainer = command("train", _train, "Train a GAN; it can be watched in the browser meanwhile.")
    trainer.add_argument("-h", "--help", action=_Help, help="with --gan, the options of that GAN, too")
    trainer.add_argument("--gan", help="see `list gans` (default: gan)")
    trainer.add_argument("--data", help="see `list datasets` (default: ring)")
    trainer.add_argument("--preset", help="start from a preset of the home page instead")
    trainer.add_argument("--steps", type=int, help="how many (default: 20000)")
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
        "--resume", action="store_true", help="go on with the run in --out from its last checkpoint"
    )
    trainer.add_argument("--device", help="auto, cpu, cuda or mps (default: auto)")
    trainer.add_argument("--start-from", metavar="MODEL", help="a model or run whose weights it begins with")
    trainer.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML or JSON: gan, data, steps, seed, options ...; what "
        "is given beside it counts more. A run's config.json will do",
    )
    trainer.add_argument(
        "--dry-run", action="store_true", help="check everything, print it as a --config file, train nothing"
    )

    lister = command("runs", _runs, "List the runs: state, step, rate.")
    lister.add_argument("--runs", type=Path, default=Path("runs"), help="the folder with runs")
    lister.add_argument("--json", action="store_true", help="as JSON")

    teller = command("status", _status, "Say how a run stands: step, rate, time left, losses.")
    teller.add_argument("which", metavar="RUN", help="its name in runs/, or its folder")
    teller.add_argument("--runs", type=Path, default=Path("runs"), help="the folder with runs")
    teller.add_argument("--json", action="store_true", help="as JSON, with its newest row of metrics")

    sampler = command("sample", _sample, "Draw samples from a model or a run as one picture.")
    sampler.add_argument("model", help="a model's name, a run's name in runs/, or a folder")
    sampler.add_argument("--n", type=int, default=64, help="how many samples")
    sampler.add_argument("--seed", type=int, default=0, help="of the latents")
    sampler.add_argument(
        "--codes", nargs="+", default=[], metavar="CODE=VALUE", help="e.g. category=3 c1=-1.5, or class=7"
    )
    sampler.add_argument("--truncation", type=float, default=1.0, help="scales the noise; 1 is as trained")
    sampler.add_argument(
        "--place",
        nargs="+",
        metavar="JSON",
        help="places that the Explore page gives, instead of --n and --seed, e.g. '{\"plane\": [0.5, 2]}'",
    )
    sampler.add_argument("--out", type=Path, required=True, metavar="grid.png", help="the file to write")
    sampler.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)

    judge = command("evaluate", _evaluate, "Measure a model or a run: each figure with its floor.")
    judge.add_argument("model", nargs="?", help="a model's name, a run's name in runs/, or a folder")
    judge.add_argument("--real", type=Path, metavar="FOLDER", help="instead of a model: real pictures,")
    judge.add_argument("--fake", type=Path, metavar="FOLDER", help="and pictures of any program beside them")
    judge.add_argument(
        "--metrics", help="names joined by commas, e.g. fid,precision (default: all that apply)"
    )
    judge.add_argument("--n", type=int, help="samples (default: what is usual for each measure)")
    judge.add_argument("--seed", type=int, default=0, help="of the samples")
    judge.add_argument(
        "--network",
        default="auto",
        help="what looks at pictures: auto, classifier, inception (fetched once) or random",
    )
    judge.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    judge.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)
    judge.add_argument("--json", action="store_true", help="the figures as JSON")

    _weights_commands(command)
    translation.add_command(command)

    bench = command("bench", _bench, "Measure training speed, as ratios side by side on this machine.")
    bench.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser


class _Help(argparse._HelpAction):
    """Help that waits until everything is read."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, *given: Any, **more: Any) -> None:
        namespace.run = _help


def _weights_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    def for_models(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--as", dest="gan", choices=get_args(OfWeights), help="what it was trained as")
        sub.add_argument(
            "--test-mode",
            default="auto",
            choices=get_args(TestMode),
            help="train: batch norm by what is there, as the reference without --eval",
        )
        sub.add_argument(
            "--dropout",
            default="auto",
            choices=get_args(Dropout),
            help="off for what was trained with --no_dropout, which a U-Net's file does not show",
        )
        sub.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)

    importer = command("import", _import, "Make a model of weight files of pix2pix or CycleGAN.")
    importer.add_argument("files", nargs="+", type=Path, metavar="FILE", help="G, or G_A and G_B, and D's")
    importer.add_argument("--name", required=True, help="of the model")
    importer.add_argument("--sides", nargs=2, metavar="NAME", help="what is on them")
    importer.add_argument(
        "--places",
        default="",
        metavar="G_A,G_B,...",
        help="what each network is, in turn, - to leave it out; needed where names do not say",
    )
    for_models(importer)

    puller = command("pull", _pull, "Fetch a published model of pix2pix or CycleGAN, e.g. horse2zebra.")
    puller.add_argument("name", help="as its authors call it")
    puller.add_argument("--from", dest="base", metavar="URL", help="another place that has NAME.pth")
    for_models(puller)

    exporter = command("export", _export, "Write a generator for other programs, with a card beside it.")
    exporter.add_argument("model", help="a model's name, a run's name in runs/, or a folder")
    exporter.add_argument("--to", required=True, choices=get_args(Format), help="format")
    exporter.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    exporter.add_argument("--direction", choices=get_args(Direction), help="of a translator")
    exporter.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)


def _load_plugins(given: argparse.Namespace) -> None:
    """Add plugins to the tables, here and in child processes. Raises ``BadInput`` without their folder."""
    out = getattr(given, "out", None)
    runs = out.parent if given.run is _train and out else getattr(given, "runs", Path("runs"))
    plugins = plugins_beside(runs, given.plugins)
    if not plugins.are_any():
        return
    os.environ[VARIABLE] = str(plugins.folder)
    from engine.plugins.loading import load

    for loaded in load(plugins):
        if loaded.error and given.run is not _list:
            print(f"ganscope: plugin {loaded.name}: {loaded.sentence}", file=sys.stderr)


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """``["discriminator_lr=1e-4", "ema=0.999"]`` as a dictionary; values are read as JSON where they are
    JSON. Raises ``BadInput``.
    """
    options: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise BadInput(
                f"{setting!r} is no OPTION=VALUE.", "set", "For example: --set discriminator_lr=1e-4"
            )
        try:
            options[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def _list(given: argparse.Namespace) -> int:
    from engine.models import finding
    from engine.plugins.loading import report
    from engine.training.catalogue import catalogue

    cards = {folder.name: finding.describe(folder) for folder in finding.folders(finding.RUNS)}
    everything = {**catalogue(), "models": cards, "plugins": report()}
    if given.json:
        print(json.dumps(everything[given.table] if given.table else everything, indent=2))
        return 0
    for table in (given.table,) if given.table else TABLES:
        entries = everything[table]
        print(f"{table}:" if entries else f"{table}: none yet")
        width = max(map(len, entries), default=0)
        for name, entry in entries.items():
            missing = "" if entry.get("available", True) else "  (not on this machine)"
            print(f"  {name:<{width}}  {entry['sentence']}{missing}")
    return 0


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


def _train(given: argparse.Namespace) -> int:
    from engine.worker.session import train

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
        state = train(folder, resume=given.resume, progress=bar.show, say=say)
    status = folder.status()
    print(f"{state} at step {status['step']:,}: {folder.path}")
    if state == "failed":
        print(f"{status.get('error')} {status.get('remedy')}", file=sys.stderr)
    elif state == "stopped":
        print(f"Go on with: python -m engine train --resume --out {folder.path}")
    return 1 if state == "failed" else 0


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever read it has left
        print(line, file=sys.stderr, flush=True)


def _help(given: argparse.Namespace) -> int:
    given.parser.print_help()
    if given.gan:
        from engine.training.asked import options_text

        print(f"\n{options_text(given.gan)}")
    return 0


def _runs(given: argparse.Namespace) -> int:
    from engine.runs.telling import all_runs, as_table

    found = all_runs(given.runs)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        print(as_table(found) if found else f"There are no runs in {given.runs}.")
    return 0


def _status(given: argparse.Namespace) -> int:
    from engine.runs.telling import status_of

    named = given.runs / given.which
    folder = named if (named / "status.json").exists() else Path(given.which)
    print(status_of(RunFolder(folder.resolve()), given.json))
    return 0


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


def _spare(given: argparse.Namespace) -> None:
    """Refuse to write over a file of the model or run itself. Raises ``BadInput``."""
    from engine.models.finding import find
    from engine.runs.files import refuse_overwriting

    refuse_overwriting([given.out], find(given.model, given.runs).rglob("*"))


def _sample(given: argparse.Namespace) -> int:
    from engine.explore.rendering import picture as picture_at
    from engine.explore.sample import sample_grid

    codes = parse_settings(given.codes)
    if given.place:
        picture = picture_at(given.model, [_place(text) for text in given.place], runs=given.runs)
    else:
        picture = sample_grid(
            given.model, given.n, given.seed, given.runs, codes=codes, truncation=given.truncation
        )
    if given.out.suffix.lower() != ".png":
        raise BadInput(f"{given.out} is no .png file.", "out", "Name it NAME.png.")
    _spare(given)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_bytes(picture)
    print(given.out)
    return 0


def _place(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise BadInput(f"{text[:80]} is no JSON.", "place", "Write e.g. '{\"seed\": 7}'.") from None


def _evaluate(given: argparse.Namespace) -> int:
    from tqdm import tqdm

    from engine.metrics import evaluate
    from engine.training.device import pick_device

    folders = given.real is not None and given.fake is not None
    if folders == (given.model is not None) or (given.real is None) != (given.fake is None):
        raise BadInput(
            "one thing is measured at a time.",
            "model",
            "Name a model or run, or --real FOLDER --fake FOLDER.",
        )
    names = None if given.metrics is None else [name.strip() for name in given.metrics.split(",")]
    asked = Evaluate.read({"metrics": names, "n": given.n, "seed": given.seed, "network": given.network})
    device = pick_device(given.device)
    with tqdm(disable=not sys.stderr.isatty(), dynamic_ncols=True, leave=False) as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.set_description(what, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        how = (asked.metrics, asked.n, asked.seed, show, asked.network, asked.network == "inception")
        if given.real is not None and given.fake is not None:
            from engine.metrics.folders import evaluate_folders

            found = evaluate_folders(given.real, given.fake, *how, device=str(device))
        else:
            found = evaluate.evaluate(_model_on(given, device), *how)
    print(json.dumps(found, indent=2) if given.json else evaluate.as_text(found))
    return 0


def _model_on(given: argparse.Namespace, device: Any) -> Any:
    from engine.models import loading

    model = loading.load(given.model, given.runs)
    for network in model.networks.values():
        network.to(device)
    return model


def _import(given: argparse.Namespace) -> int:
    from engine.models.finding import find
    from engine.options import NotFound
    from engine.weights.adding import add

    try:
        check_id(given.name)
    except NotFound:
        raise BadInput(
            f"{given.name[:80]!r} is no name for a folder.", "name", "Use letters, digits and -."
        ) from None
    out = given.runs / ".models" / given.name
    sides = None if given.sides is None else (given.sides[0], given.sides[1])
    card = add(given.files, out, given.name, _chosen(given, given.places), sides)
    print(f"{card['sentence']}\n{find(out)}")
    return 0


def _chosen(given: argparse.Namespace, places: str = "") -> dict[str, Any]:
    return {"as": given.gan, "test_mode": given.test_mode, "dropout": given.dropout, "places": places}


def _pull(given: argparse.Namespace) -> int:
    from tqdm import tqdm

    from engine.weights.pull import published, pull

    wanted = published(given.name, given.gan, given.base)
    quiet = not sys.stderr.isatty()
    with tqdm(disable=quiet, unit="B", unit_scale=True, dynamic_ncols=True, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        card = pull(wanted, given.runs, _chosen(given), show)
    print(f"{card['sentence']}\n{given.runs / '.models' / card['id']}")
    return 0


def _export(given: argparse.Namespace) -> int:
    from engine.models import loading
    from engine.weights.export import export

    _spare(given)
    written = export(loading.load(given.model, given.runs), given.to, given.out, given.direction)
    print(
        f"{written['file']}\n{written['card']}\ndiffers from the model by {written['difference']:.1e} at most"
    )
    return 0


def _bench(given: argparse.Namespace) -> int:
    from engine.tools.bench import bench, table

    figures = bench()
    print(json.dumps(figures, indent=2) if given.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
