"""``import``, ``pull`` and ``export``: weights that come from elsewhere, or go there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from engine.command_line.given import RUNS, spare
from engine.options import BadInput
from engine.requests.models import Dropout, Format, OfWeights, TestMode
from engine.requests.translation import Direction
from engine.runs.names import check_id


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verbs to the command line's parser."""

    def for_models(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--as", dest="gan", choices=get_args(OfWeights), help="what it was trained as")
        sub.add_argument(
            "--test-mode",
            default="auto",
            choices=get_args(TestMode),
            help="train: batch norm by the picture's own statistics, as the reference without --eval",
        )
        sub.add_argument(
            "--dropout",
            default="auto",
            choices=get_args(Dropout),
            help="off for a U-Net trained with --no_dropout, which its file does not show",
        )
        sub.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)

    importer = command("import", _import, "Make a model from weight files of pix2pix or CycleGAN.")
    importer.add_argument("files", nargs="+", type=Path, metavar="FILE", help="G, or G_A and G_B, and D's")
    importer.add_argument("--name", required=True, help="of the model")
    importer.add_argument("--sides", nargs=2, metavar="NAME", help="what is on them")
    importer.add_argument(
        "--places",
        default="",
        metavar="G_A,G_B,...",
        help="what each network is, in order, - to leave one out; needed where their names do not tell",
    )
    for_models(importer)

    puller = command("pull", _pull, "Fetch a published model of pix2pix or CycleGAN, e.g. horse2zebra.")
    puller.add_argument("name", help="as its authors call it")
    puller.add_argument("--from", dest="base", metavar="URL", help="another address that has NAME.pth")
    for_models(puller)

    exporter = command("export", _export, "Write a generator for other programs, with a card beside it.")
    exporter.add_argument("model", help="a model's name, a run's name in runs/, or a folder")
    exporter.add_argument("--to", required=True, choices=get_args(Format), help="format")
    exporter.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    exporter.add_argument("--direction", choices=get_args(Direction), help="of a translator")
    exporter.add_argument("--runs", type=Path, default=Path("runs"), help=RUNS)


def _import(given: argparse.Namespace) -> int:
    from engine.models.finding import find
    from engine.options import NotFound
    from engine.weights.adding import add

    try:
        check_id(given.name)
    except NotFound:
        raise BadInput(
            f"{given.name[:80]!r} cannot be the name of a folder.", "name", "Use letters, digits and -."
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

    spare(given)
    written = export(loading.load(given.model, given.runs), given.to, given.out, given.direction)
    print(
        f"{written['file']}\n{written['card']}\ndiffers from the model by {written['difference']:.1e} at most"
    )
    return 0
