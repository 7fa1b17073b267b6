"""The server's side of Explore: which requests go to which inference process, and when. No torch.

Two kinds of processes: what is quick goes to the interactive one; what takes long goes to a batch one, a
piece a turn, so that it never holds up a slider. Either kind serves one queue (``engine.server.turns``).
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine.options import BadInput, Conflict, NotFound
from engine.requests.models import SUFFIXES, Export
from engine.requests.viewer import SERVER, Viewer
from engine.runs.cards import ModelCard
from engine.runs.files import keep_if_room
from engine.runs.names import check_name
from engine.server.desk import AT_ONCE, Desk, Job, Kind
from engine.server.inference import Inference
from engine.server.projections import Projections
from engine.server.shelf import Shelf
from engine.server.translations import Translations
from engine.server.translator_cards import TRANSLATED, card_of
from engine.server.turns import QueuedRequest, Turns
from engine.worker.wire import ERRORS

ANSWER_S = 60.0
EXPORT = Kind("export", of_one=4, of_all=32)
TOGETHER = 24  # requests in one turn of the interactive process
SLOW = (
    "strip",
    "about",
    "weights",
    "examples",
    "exported",
    "for_browser",
    "translate",
    "translations",
    "read",
    "histograms",
    "features",
    "check",
    "project",
)
Answer = Future[dict[str, Any]]


class Exploring:
    """Answers what viewers ask of models. Everything that is worked on comes as a future. Those of
    ``batches`` that work share ``threads``.
    """

    def __init__(
        self, runs: Path, interactive: Inference, batches: Sequence[Inference], threads: int
    ) -> None:
        self._interactive, self._batches, self._threads = interactive, batches, threads
        self._cache = runs / ".cache"
        self.shelf = Shelf(runs, self._what_gans_can)
        self._abilities: tuple[object, dict[str, dict[str, bool]]] | None = None
        self._known: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self._learning = threading.Lock()
        self._busy, self._counting = 0, threading.Lock()
        self._quick = Turns(lambda model, turn: self._work(interactive, model, turn), TOGETHER, "explore")
        self._slow = Turns(self._work_long, 1, "explore-batch", len(batches))
        self._desk = Desk(self._slow, AT_ONCE + len(batches) - 1)
        self.projections = Projections(self._desk)
        self.translations = Translations(self._desk, self._cache / "translations")

    def close(self) -> None:
        """Answer nobody any more, and end the processes."""
        self._desk.close()
        self.translations.close()
        self._quick.close()
        self._slow.close()
        for process in (self._interactive, *self._batches):
            process.close()

    # --- models

    def details(self, model: str) -> dict[str, Any]:
        """A model's card, its latent's parts, directions by the names that users gave them, and its text."""
        card = self.shelf.card(model)
        about = self._remembered(model, "about", card["step"])
        names = self.shelf.direction_names(model)
        directions = [{**one, "title": names.get(one["name"], "")} for one in about["directions"]]
        return {**card, **about, "directions": directions, "card": self.shelf.text(model)}

    def name_directions(self, model: str, names: object) -> dict[str, str]:
        """Keep what a user calls directions of a model. Raises ``BadInput``."""
        if not isinstance(names, dict) or not names:
            raise BadInput("give names by direction.", "directions", 'For example {"d1": "slant"}.')
        known = [one["name"] for one in self.details(model)["directions"]]
        for direction in names:
            if direction not in known:
                remedy = f"Choose one of: {', '.join(known)}."
                raise BadInput(f"there is no direction {direction[:40]!r}.", "directions", remedy)
        titles = {key: check_name(name) if name != "" else "" for key, name in names.items()}
        return self.shelf.name_directions(model, titles)

    def histograms(self, model: str) -> dict[str, Any]:
        """The scores that D gives real and generated data (``engine.explore.scoring.histograms``)."""
        return self._remembered(model, "histograms", self.shelf.card(model)["step"])

    def examples(self, model: str, side: str) -> list[bytes]:
        """PNGs of held-out pictures of one side of a translator's data (``engine.translation.examples``)."""
        return self._remembered(model, "examples", self.shelf.card(model)["step"])[side]

    def translators(self, cards: list[ModelCard]) -> list[dict[str, Any]]:
        """Those of ``cards`` that translate, with what a page has to know of them. What ships comes first,
        and of that pix2pix, whose pictures convince.
        """
        there = [card for card in cards if card["kind"] in TRANSLATED]
        there.sort(key=lambda card: (card["source"] != "pretrained", card["gan"] != "pix2pix"))
        found = []
        for card in there:
            with contextlib.suppress(NotFound):  # deleted this moment, or damaged
                found.append(card_of(card, self.shelf.folder(card["id"])))
        return found

    def weights(self, model: str, viewer: Viewer) -> Path:
        """A safetensors file with a model's networks, averages in place. Raises ``TooMany``."""
        folder = self.shelf.folder(model)
        if (folder / "weights.safetensors").is_file():
            return folder / "weights.safetensors"
        out = self._cache / "weights" / self.shelf.version(model)
        if not (out / "weights.safetensors").is_file():
            for older in out.parent.glob(f"{model}@*"):
                shutil.rmtree(older, ignore_errors=True)
            self._write(model, "weights", {"out": str(out)}, viewer)
        return out / "weights.safetensors"

    def export(self, model: str, to: str, direction: str | None, viewer: Viewer) -> Path:
        """A model's generator as a file of another format, its card beside it under the same name with
        ``.md``; written once for a model's step. Raises ``BadInput``, ``TooMany``.
        """
        asked = Export.read({"to": to, "direction": direction})
        folder = self._cache / "exports" / self.shelf.version(model)
        file = folder / f"{model}{f'-{direction}' if direction else ''}{SUFFIXES[asked.to]}"
        if not file.with_name(f"{file.name}.md").is_file():
            for older in folder.parent.glob(f"{model}@*"):
                if older != folder:
                    shutil.rmtree(older, ignore_errors=True)
            arguments = {**asked.plain(), "out": str(file)}
            self._write(model, "exported", arguments, viewer)
        return file

    def for_browser(self, model: str, viewer: Viewer) -> Path:
        """A model's generator for browsers (``engine.explore.browser``); written once for a model's step.
        Raises ``BadInput``, ``TooMany``.
        """
        file = self._cache / "browsers" / f"{self.shelf.version(model)}.bin"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            for older in file.parent.glob(f"{model}@*"):
                older.unlink(missing_ok=True)
            self._write(model, "for_browser", {"out": str(file)}, viewer)
        return file

    def _write(self, model: str, kind: str, arguments: dict[str, Any], viewer: Viewer) -> None:
        """Have a file written, as a job of the desk."""
        asked = QueuedRequest(str(self.shelf.folder(model)), {"kind": kind, "arguments": arguments}, viewer)
        self._desk.carry_out(Job(EXPORT, model, asked), 2 * ANSWER_S)

    def strip(self, model: str) -> bytes:
        """A PNG of the samples of a few seeds side by side, drawn once for a model's step."""
        path = self._cache / "strips" / f"{self.shelf.version(model)}.png"
        if not path.is_file():
            kind = "translations" if self.shelf.card(model)["kind"] in TRANSLATED else "strip"
            drawn = self.ask(model, kind, {}, SERVER).result(2 * ANSWER_S)["png"]
            for older in path.parent.glob(f"{model}@*"):
                older.unlink(missing_ok=True)
            keep_if_room(path, drawn)
            return drawn
        return path.read_bytes()

    def _remembered(self, model: str, kind: str, step: int) -> dict[str, Any]:
        """The answer to a question without arguments, asked anew when the model's step has changed."""
        known = self._known.get((model, kind))
        if known is None or known[0] != step:
            answer = self.ask(model, kind, {}, SERVER).result(2 * ANSWER_S)
            known = self._known[model, kind] = (answer["step"], answer)
        return known[1]

    def _what_gans_can(self) -> dict[str, dict[str, bool]]:
        with self._learning:
            version = self._interactive.version()
            if self._abilities is None or self._abilities[0] != version:
                self._abilities = version, self._interactive.call("abilities", timeout_s=ANSWER_S)
            return self._abilities[1]

    # --- work

    def ask(
        self,
        model: str,
        kind: str,
        arguments: dict[str, Any],
        viewer: Viewer,
        control: str = "",
        sequence: int | None = None,
    ) -> Answer:
        """What ``engine.explore.calls`` makes of a request, with the model's ``step``, in the future.

        Raises ``NotFound`` without the model, ``TooMany``; the future raises ``BadInput`` and its kinds.
        """
        folder = str(self.shelf.folder(model))
        asked = QueuedRequest(folder, {"kind": kind, "arguments": arguments}, viewer, control, sequence)
        return (self._slow if kind in SLOW else self._quick).ask(asked)

    def _work_long(self, model: str, turn: list[QueuedRequest]) -> list[QueuedRequest]:
        """One turn of a batch process, with its part of the threads."""
        with self._counting:
            self._busy += 1
            threads = max(1, self._threads // self._busy)
        try:
            return self._work(self._batches[turn[0].worker or 0], model, turn, threads)
        finally:
            with self._counting:
                self._busy -= 1

    def _work(
        self, inference: Inference, model: str, turn: list[QueuedRequest], threads: int = 1
    ) -> list[QueuedRequest]:
        """One turn of a process; returns what is to have another one there."""
        requests = [
            {**asked.request, "state": asked.state, "parts": [] if asked.state.get("left") else asked.parts}
            for asked in turn
        ]
        try:
            answers = inference.call(
                "explore", model=model, requests=requests, threads=threads, timeout_s=ANSWER_S
            )
        except Conflict as error:
            if len(turn) > 1:  # one of them may be to blame: not all
                return [again for asked in turn for again in self._work(inference, model, [asked], threads)]
            turn[0].refuse(error)
            return []
        except BadInput as error:
            for asked in turn:
                asked.refuse(error)
            return []
        again = []
        for asked, answer in zip(turn, answers, strict=True):
            if not _take(asked, answer):
                continue
            if asked.state.get("elsewhere") and inference is self._interactive:
                self._slow.take_over(asked)
            else:
                again.append(asked)
        return again


def _take(asked: QueuedRequest, answer: dict[str, Any]) -> bool:
    """Hand over one answer, or keep what there is so far. Whether it needs another turn."""
    if "refused" in answer:
        refused = answer["refused"]
        asked.refuse(ERRORS[refused["kind"]](refused["error"], refused["field"], refused["remedy"]))
        return False
    if "result" in answer:
        asked.answer({**answer["result"], "step": answer["step"]})
        return False
    asked.state = answer["state"]
    asked.tell()
    if answer.get("fresh"):
        asked.parts = []
    if "part" in answer:
        asked.parts.append(answer["part"])
    return True
