"""``translate``: files and folders in, PNGs out."""

from __future__ import annotations

import argparse
import sys
import tempfile
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.options import BadInput, NoRoom, is_full
from engine.requests.translation import Translate
from engine.runs.files import refuse_overwriting, write_bytes

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm",
)  # fmt: skip
HEIC = (".heic", ".heif")  # read with an optional extra
UNREAD = (".jxl", ".svg", ".psd", ".dng", ".cr2", ".nef")  # pictures, but not for us
CHOICES = ("direction", "scale", "test_mode", "dropout", "preprocess", "alpha")
MOST_BYTES = 256 << 20  # of one file


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command line's parser."""
    parser = command("translate", translate, "Translate pictures, and folders of pictures, of any size.")
    parser.add_argument("model", help="a model's name, a run's name in runs/, or a folder")
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE_OR_FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    for name in CHOICES:
        field = Translate.model_fields[name]
        choices = typing.get_args(field.annotation)
        parser.add_argument(
            f"--{name.replace('_', '-')}", choices=choices, default=field.default, help=field.description
        )
    parser.add_argument(
        "--longest", type=int, default=0, help="reduce pictures whose longest side has more pixels first"
    )
    parser.add_argument("--value-range", default="", help=Translate.model_fields["value_range"].description)
    parser.add_argument("--seed", type=int, default=0, help="of dropout")
    parser.add_argument("--runs", type=Path, default=Path("runs"))


def translate(given: argparse.Namespace) -> int:
    """Translate what was named; 1 if one of them failed, the rest done."""
    from tqdm import tqdm

    from engine.models import finding
    from engine.models.library import Library

    options = Translate.read(
        {name: getattr(given, name) for name in (*CHOICES, "value_range", "longest", "seed")}
    )
    loaded = Library().get(finding.find(given.model, given.runs))
    found = list(_found(given.pictures))
    if not found:
        raise BadInput("there are no pictures.", "pictures", f"Known are {', '.join(SUFFIXES)}.")
    taken = set[Path]()
    outs = [_free(given.out / name.with_suffix(".png"), taken) for _, name in found]
    refuse_overwriting(outs, (path for path, _ in found))
    failed = 0
    with tqdm(total=len(found), disable=not sys.stderr.isatty(), dynamic_ncols=True, unit="picture") as bar:
        for number, ((path, _), out) in enumerate(zip(found, outs, strict=True)):
            bar.set_postfix_str(path.name[:40])

            def show(share: float, number: int = number) -> None:
                bar.n = round(number + share, 2)
                bar.refresh()

            try:
                out.parent.mkdir(parents=True, exist_ok=True)
                png, notes = _translated(loaded, path, options, show)
                write_bytes(out, png)
                bar.write(str(out), file=sys.stdout)
                for note in notes:
                    bar.write(f"{path}: {note}", file=sys.stderr)
            except (BadInput, OSError) as problem:
                if isinstance(problem, NoRoom) or is_full(problem):  # the others would find none, either
                    raise
                failed += 1
                bar.write(f"{path}: {problem}", file=sys.stderr)
    if failed:
        print(f"{failed} of {len(found)} failed.", file=sys.stderr)
    return 1 if failed else 0


def _translated(
    loaded: object, path: Path, options: Translate, show: Callable[[float], None]
) -> tuple[bytes, list[str]]:
    """The result as a PNG, and what is to be said about the picture. Raises ``BadInput``."""
    from engine.models.library import Loaded
    from engine.translation.translating import translate_picture

    assert isinstance(loaded, Loaded)
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(f"it has more than {MOST_BYTES >> 20} MiB.", "pictures", "Save it smaller.")
    with tempfile.TemporaryDirectory(prefix="ganscope-translate-") as folder:
        work = translate_picture(loaded, path.read_bytes(), options, Path(folder))
        while True:
            try:
                show(next(work))
            except StopIteration as end:
                return end.value["png"], end.value["notes"]


def _found(given: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Each picture, and its path under the output folder. Says what of a folder is left out."""
    for path in given:
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        for file in sorted(path.rglob("*")):
            if not file.is_file() or file.name.startswith("._"):  # what macOS keeps beside a file
                continue
            if file.suffix.lower() in SUFFIXES + HEIC:  # without its extra HEIC fails, with the remedy
                yield file, file.relative_to(path)
            elif file.suffix.lower() in UNREAD:
                print(
                    f"{file}: left out: {file.suffix} is not read. Save it as PNG or JPEG.", file=sys.stderr
                )


def _free(path: Path, taken: set[Path]) -> Path:
    """``path``, or the next name that no other picture of this call has."""
    found, number = path, 2
    while found in taken:
        found, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    taken.add(found)
    return found
