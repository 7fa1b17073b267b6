"""The server's side of Explore: which requests go to which inference process, and when. No torch.

Two processes: what is quick goes in turns (``engine.turns``) to the interactive one; what takes long goes to
the batch one, so that it never holds up a slider.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine.commands import check_name
from engine.inference import ERRORS, Inference
from engine.options import BadInput, Conflict
from engine.shelf import Card, Shelf
from engine.turns import Asked, Turns, fail

ANSWER_S = 60.0
Answer = Future[dict[str, Any]]


class Exploring:
    """Answers what viewers ask of models. Everything that is drawn comes as a future."""

    def __init__(self, runs: Path, interactive: Inference, batch: Inference) -> None:
        self._interactive, self._batch = interactive, batch
        self.shelf = Shelf(runs, self._what_gans_can)
        self._abilities: dict[str, dict[str, bool]] = {}
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}
        self._learning = threading.Lock()
        self._turns = Turns(self._work, "explore")

    def close(self) -> None:
        """Answer nobody any more, and end the processes."""
        self._turns.close()
        self._interactive.close()
        self._batch.close()

    # --- models

    def details(self, model: str) -> Card:
        """A model's card, its latent's parts, directions by the names that users gave them, and its text."""
        card = self.shelf.card(model)
        known = self._known.get(model)
        if known is None or known[0] != card["step"]:
            about = self._interactive.call(
                "about_model", model=str(self.shelf.folder(model)), timeout_s=ANSWER_S
            )
            known = self._known[model] = (about["step"], about)
        names = self.shelf.direction_names(model)
        directions = [{**one, "title": names.get(one["name"], "")} for one in known[1]["directions"]]
        return {**card, **known[1], "directions": directions, "card": self.shelf.text(model)}

    def name_directions(self, model: str, names: object) -> dict[str, str]:
        """Keep what a user calls directions of a model. Raises ``BadInput``."""
        known = [one["name"] for one in self.details(model)["directions"]]
        if not isinstance(names, dict) or not names:
            raise BadInput("give names by direction.", "directions", 'For example {"d1": "slant"}.')
        for direction in names:
            if direction not in known:
                remedy = f"Choose one of: {', '.join(known)}."
                raise BadInput(f"there is no direction {direction[:40]!r}.", "directions", remedy)
        return self.shelf.name_directions(
            model, {key: check_name(name) if name else "" for key, name in names.items()}
        )

    def _what_gans_can(self) -> dict[str, dict[str, bool]]:
        with self._learning:
            if not self._abilities:
                self._abilities = self._interactive.call("abilities", timeout_s=ANSWER_S)
            return self._abilities

    # --- pictures

    def ask(
        self,
        model: str,
        kind: str,
        arguments: dict[str, Any],
        viewer: str,
        control: str = "",
        sequence: int | None = None,
    ) -> Answer:
        """What ``engine.explore.calls.PLANS[kind]`` makes of ``arguments``, with ``step``, in the future.

        Raises ``NotFound`` without the model, ``TooMany``; the future raises ``BadInput`` and its kinds.
        """
        folder = str(self.shelf.folder(model))
        return self._turns.ask(folder, {"kind": kind, "arguments": arguments}, viewer, control, sequence)

    def _work(self, model: str, turn: list[Asked]) -> None:
        requests = [{**asked.request, **_progress(asked)} for asked in turn]
        try:
            answers = self._interactive.call("explore", model=model, requests=requests, timeout_s=ANSWER_S)
        except Conflict as error:
            if len(turn) == 1:
                fail(turn[0], error)
            else:  # one of them may be to blame: not all
                for asked in turn:
                    self._work(model, [asked])
            return
        except BadInput as error:
            for asked in turn:
                fail(asked, error)
            return
        for asked, answer in zip(turn, answers, strict=True):
            _take(asked, answer)


def _progress(asked: Asked) -> dict[str, Any]:
    state = asked.state
    complete = state.get("left") == 0
    progress = {"done": state.get("done", 0), "parts": state.get("parts", []) if complete else []}
    return {**progress, "step": state["step"]} if "step" in state else progress


def _take(asked: Asked, answer: dict[str, Any]) -> None:
    """Hand over one answer, or keep what has been drawn for the next turn."""
    if "refused" in answer:
        refused = answer["refused"]
        fail(asked, ERRORS[refused["kind"]](refused["error"], refused["field"], refused["remedy"]))
    elif "result" in answer:
        asked.future.set_result({**answer["result"], "step": answer["step"]})
    else:
        if answer["restart"]:
            asked.state = {"done": 0, "parts": []}
        asked.state["parts"].append(answer["more"])
        asked.state["done"] += answer["count"]
        asked.state |= {"left": answer["left"], "step": answer["step"]}
