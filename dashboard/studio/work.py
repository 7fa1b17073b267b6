"""What the studio asks of the engine, in Gradio's terms: files in, files out, progress on the way.

Pictures are never decoded here: paths and bytes go to the engine's batch process.
"""

from __future__ import annotations

import itertools
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.studio.kept import Kept
from engine.api import Engine
from engine.options import BadInput, Conflict, NoRoom, is_full
from engine.requests.viewer import Viewer

LOOK_EVERY_S = 0.25  # whether a translation is still wanted, while there is nothing new of it
SKETCHES_S = 30.0
SHOWN_BY_BROWSERS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp")
Card = dict[str, Any]
Tell = Callable[[float, str], None]  # progress from 0 to 1, and what is being done


@dataclass(frozen=True)
class Translation:
    """One translation: files to show, and what the engine says of it."""

    given: str
    made: str
    back: str | None
    patches: str | None
    about: dict[str, Any]


class Work:
    """One server's studio at work. ``files`` is the folder that Gradio may serve from."""

    def __init__(self, engine: Engine, files: Path) -> None:
        self._engine, self._files, self._room = engine, files, Kept(files)
        self._numbers = itertools.count()

    # --- models

    def models(self) -> dict[str, Card]:
        """What translates, by id."""
        return {card["id"]: card for card in self._engine.translators()}

    def examples(self, model: str, direction: str) -> list[bytes]:
        """PNGs of held-out pictures to begin ``direction`` with; none if its data are not here."""
        return self._engine.translation_examples(model, direction)

    # --- one picture

    def translate(
        self,
        path: str,
        model: str,
        options: dict[str, Any],
        viewer: Viewer,
        tell: Tell | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> Translation | None:
        """One picture as a job, however large; None once it is not ``wanted``. Raises ``BadInput``."""
        asked = {**options, "given": Path(path).suffix.lower() not in SHOWN_BY_BROWSERS}
        job = self._engine.start_translation(model, [self._sent(path)], asked, viewer, many=False)
        try:
            for status in self._watch(job):
                if not wanted():
                    return None
                if tell is not None:
                    tell(status["progress"], _doing(status))
            return self._made(path, model, self._engine.translation_result(job))
        finally:
            self._engine.cancel_translation(job)

    def sketch(self, path: str, model: str, options: dict[str, Any], viewer: Viewer) -> Translation | None:
        """A drawing, as quickly as can be; None if a newer one of this viewer has overtaken it."""
        number = next(self._numbers)
        future = self._engine.translate(model, self._sent(path), options, viewer, "sketch", number)
        try:
            return self._made(path, model, future.result(SKETCHES_S))
        except (Conflict, CancelledError):
            return None

    def _made(self, path: str, model: str, result: dict[str, Any]) -> Translation:
        stem = re.sub(r"[^\w-]+", "-", Path(path).stem)[:60] or "picture"
        shown = result.get("given")
        return Translation(
            given=self.keep(shown, f"{stem}.png") if shown else path,
            made=self.keep(result["png"], f"{stem}-{model}.png"),
            back=self.keep(result["back"], f"{stem}-back.png") if result.get("back") else None,
            patches=self.keep(result["patches"], f"{stem}-patches.png") if result.get("patches") else None,
            about=result,
        )

    def _sent(self, path: str) -> Path:
        """A file that was sent, or made here. Not all that a request calls its file is: Gradio looks only at
        some of them.
        """
        found = Path(path).resolve()
        if not found.is_relative_to(self._files.resolve()) or not found.is_file():
            raise BadInput("that file was not sent to this server.", "picture", "Send it, or send it again.")
        return found

    def keep(self, data: bytes, name: str) -> str:
        """A new file that Gradio may serve."""
        return self._kept(name, lambda path: path.write_bytes(data))

    def _kept(self, name: str, write: Callable[[Path], object]) -> str:
        """A file that ``write`` makes, in a folder of its own; nothing stays of half. Raises ``NoRoom``."""
        path = self._files / "made" / secrets.token_hex(16) / name
        try:
            path.parent.mkdir(parents=True)
            write(path)
        except OSError as error:
            shutil.rmtree(path.parent, ignore_errors=True)
            if is_full(error):
                raise NoRoom from error
            raise
        self._room.trim()
        return str(path)

    # --- many pictures

    def start_many(self, paths: list[str], model: str, options: dict[str, Any], viewer: Viewer) -> str:
        """The job that translates files and zips. Raises ``BadInput``."""
        return self._engine.start_translation(
            model, [self._sent(path) for path in paths], options, viewer, many=True
        )

    def watch_many(self, job: str) -> Iterator[dict[str, Any]]:
        """Its status now and then, the last one when it has ended."""
        yield from self._watch(job)

    def zip_of(self, job: str) -> str:
        """What it has made, where Gradio may serve it; the job is forgotten. Raises ``BadInput``."""
        made = Path(self._engine.translation_result(job)["zip"])
        path = self._kept("translated.zip", lambda path: shutil.copyfile(made, path))
        self._engine.cancel_translation(job)
        return path

    def cancel(self, job: str) -> None:
        """End a job, if it still goes on."""
        try:
            self._engine.cancel_translation(job)
        except BadInput:
            return  # it has ended by itself

    def _watch(self, job: str) -> Iterator[dict[str, Any]]:
        """Statuses until it is over, each as soon as there is something new; whoever leaves the loop early
        should cancel it.
        """
        status = self._engine.translation(job)
        yield status
        while status["state"] not in ("done", "failed", "cancelled"):
            status = self._engine.translation_changed(job, status, LOOK_EVERY_S)
            yield status


def _doing(status: dict[str, Any]) -> str:
    if status["state"] == "queued":
        return f"waiting: {status['ahead']} before you" if status["ahead"] else "about to begin"
    left = status.get("eta_s")
    return f"translating, {left:.0f} s left" if left and left > 2 else "translating"
