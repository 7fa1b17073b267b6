"""Who is served next: a queue for requests that are quick alone and many together. No torch.

Viewers take turns, whoever asks more. Of one viewer and control only the newest request waits: an older one
that has not begun is refused as superseded. Waiting requests for the same model are answered together.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from engine.options import BadInput, Conflict, TooMany

TOGETHER = 24  # requests answered in one turn
MOST_OF_ONE = 48  # requests of one viewer that may wait
MOST_OF_ALL = 1024
REMEMBERED = 4096  # controls whose newest number is known

log = logging.getLogger("ganscope")


@dataclass
class Asked:
    """A request, and where its answer goes. ``state`` is what earlier turns have made of it."""

    model: str
    request: dict[str, Any]
    viewer: str
    control: str
    future: Future[dict[str, Any]] = field(default_factory=Future)
    state: dict[str, Any] = field(default_factory=dict)
    begun: bool = False


class Turns:
    """``work(model, requests)`` is called in one thread of this object and answers each of ``Asked``: it sets
    the future, or leaves it for another turn.
    """

    def __init__(self, work: Callable[[str, list[Asked]], None], name: str = "turns") -> None:
        self._work = work
        self._changed = threading.Condition()
        self._lines: OrderedDict[str, deque[Asked]] = OrderedDict()  # viewers in the order of their turns
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._waiting = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(
        self, model: str, request: dict[str, Any], viewer: str, control: str = "", sequence: int | None = None
    ) -> Future[dict[str, Any]]:
        """The answer to ``request``, some day. ``control`` and ``sequence`` let a newer one take its place.

        The future raises what the engine raises, ``Conflict`` if a newer request took its place. Raises
        ``TooMany`` if too many wait.
        """
        asked = Asked(model, request, viewer, control)
        with self._changed:
            if self._closed:
                raise Conflict("the server is closing.", None, "Try again in a moment.")
            line = self._lines.get(viewer, deque())
            old = self._supersede(asked, line, sequence)
            if len(line) >= MOST_OF_ONE or self._waiting >= MOST_OF_ALL:
                raise TooMany("too many requests wait already.", None, "Wait for answers before asking on.")
            line.append(asked)
            self._lines[viewer] = line  # keeps its place among the viewers
            self._waiting += 1
            self._changed.notify()
        for one in old:
            _refuse(one)
        return asked.future

    def close(self) -> None:
        """Answer nobody any more."""
        with self._changed:
            self._closed = True
            left = [asked for line in self._lines.values() for asked in line]
            self._lines.clear()
            self._changed.notify()
        for asked in left:
            fail(asked, Conflict("the server is closing.", None, "Try again in a moment."))

    def _supersede(self, asked: Asked, line: deque[Asked], sequence: int | None) -> list[Asked]:
        """Take older requests of the same control out of ``line``. Raises if ``asked`` itself is older."""
        if sequence is None or not asked.control:
            return []
        key = (asked.viewer, asked.control)
        if sequence < self._newest.get(key, -1):
            raise superseded()
        self._newest[key] = sequence
        self._newest.move_to_end(key)
        while len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)
        old = [one for one in line if one.control == asked.control and not one.begun]
        for one in old:
            line.remove(one)
        self._waiting -= len(old)
        return old

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            if turn:
                self._serve(turn)
                with self._changed:
                    for asked in reversed(turn):
                        if not asked.future.done():  # it goes on at its viewer's next turn
                            self._lines.setdefault(asked.viewer, deque()).appendleft(asked)
                            self._waiting += 1

    def _serve(self, turn: list[Asked]) -> None:
        try:
            self._work(turn[0].model, turn)
        except Exception:  # the thread's outermost boundary: it must go on for all others
            log.exception("a turn broke")
            for asked in turn:
                if not asked.future.done():
                    fail(asked, Conflict("something broke in the server.", None, "Its log has the details."))

    def _next(self) -> list[Asked] | None:
        """The requests of the next turn: one of each viewer, all for the model of the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._lines)
            if self._closed:
                return None
            turn: list[Asked] = []
            for viewer in list(self._lines):
                line = self._lines[viewer]
                asked = next((one for one in line if not turn or one.model == turn[0].model), None)
                if asked is None or len(turn) == TOGETHER:
                    continue
                line.remove(asked)
                del self._lines[viewer]
                if line:
                    self._lines[viewer] = line  # behind all others
                turn.append(asked)
            self._waiting -= len(turn)
            begun = []
            for asked in turn:
                if asked.begun or asked.future.set_running_or_notify_cancel():
                    asked.begun = True
                    begun.append(asked)
            return begun


def superseded() -> Conflict:
    """What a request hears that a newer one of its control has overtaken."""
    return Conflict("superseded", "sequence", "A newer request of this control took its place.")


def fail(asked: Asked, error: BadInput) -> None:
    """Answer ``asked`` with ``error``, unless it has been given up."""
    if asked.begun or asked.future.set_running_or_notify_cancel():
        asked.future.set_exception(error)


def _refuse(asked: Asked) -> None:
    fail(asked, superseded())
