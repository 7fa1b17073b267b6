"""Who is served next: a queue for requests that are quick alone and many together. No torch.

Viewers take turns, whoever asks more. Of one viewer and control only the newest request waits: an older one
that has not begun is refused as superseded. Waiting requests for the same model are served together.
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

MOST_OF_ONE = 48  # requests of one viewer that may wait
MOST_OF_ALL = 1024
REMEMBERED = 4096  # controls whose newest number is known

log = logging.getLogger("ganscope")


@dataclass(eq=False)
class QueuedRequest:
    """A request, and where its answer goes. ``state`` and ``parts`` are what earlier turns have made of it.

    ``wanted`` may be set to false while it waits or is worked on: it is then given up.
    """

    model: str
    request: dict[str, Any]
    viewer: str
    control: str = ""
    sequence: int | None = None
    future: Future[dict[str, Any]] = field(default_factory=Future)
    state: dict[str, Any] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    begun: bool = False
    wanted: bool = True
    tell: Callable[[], None] = lambda: None  # called when ``state`` is another

    def answer(self, result: dict[str, Any]) -> None:
        """Hand over the result."""
        self.future.set_result(result)

    def refuse(self, error: BadInput) -> None:
        """Answer with ``error``, unless the answer was given up before it was begun."""
        if self.begun or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Newest:
    """Which request of a viewer's control is the newest one."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()

    def is_newest(self, viewer: str, control: str, sequence: int | None) -> bool:
        """Whether no newer one was asked for; from now on this one is known."""
        if not control or sequence is None:
            return True
        if sequence < self._known.get((viewer, control), -1):
            return False
        self._known[viewer, control] = sequence
        self._known.move_to_end((viewer, control))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True


class Turns:
    """``work(model, turn)`` is called in one thread of this object: it answers each of ``turn``, or returns
    those that are to have another turn. ``together`` requests at most make one.
    """

    def __init__(
        self, work: Callable[[str, list[QueuedRequest]], list[QueuedRequest]], together: int, name: str
    ) -> None:
        self._work, self._together = work, together
        self._changed = threading.Condition()
        self._lines: OrderedDict[str, deque[QueuedRequest]] = (
            OrderedDict()
        )  # viewers in the order of their turns
        self._newest = Newest()
        self._waiting = 0
        self._closed = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def ask(self, asked: QueuedRequest) -> Future[dict[str, Any]]:
        """The answer, some day: the future raises what the work refuses, and ``Conflict`` if a newer request
        took this one's place. Raises ``TooMany`` if too many wait.
        """
        with self._changed:
            if self._closed:
                raise _closing()
            line = self._lines.get(asked.viewer, deque())
            old = self._superseded_by(asked, line)
            if len(line) >= MOST_OF_ONE or self._waiting >= MOST_OF_ALL:
                raise TooMany("too many requests wait already.", None, "Wait for answers before asking on.")
            line.append(asked)
            self._lines[asked.viewer] = line  # keeps its place among the viewers
            self._waiting += 1
            self._changed.notify()
        for one in old:
            one.refuse(superseded())
        return asked.future

    def take_over(self, asked: QueuedRequest) -> None:
        """Go on with a request that another queue has begun."""
        with self._changed:
            if not self._closed:
                self._lines.setdefault(asked.viewer, deque()).append(asked)
                self._waiting += 1
                self._changed.notify()
                return
        asked.refuse(_closing())

    def close(self) -> None:
        """Answer nobody any more."""
        with self._changed:
            self._closed = True
            left = [asked for line in self._lines.values() for asked in line]
            self._lines.clear()
            self._changed.notify()
        for asked in left:
            asked.refuse(_closing())

    def _superseded_by(self, asked: QueuedRequest, line: deque[QueuedRequest]) -> list[QueuedRequest]:
        """Take older requests of the same control out of ``line``. Raises if ``asked`` itself is older."""
        if not self._newest.is_newest(asked.viewer, asked.control, asked.sequence):
            raise superseded()
        if asked.sequence is None or not asked.control:
            return []
        old = [one for one in line if one.control == asked.control and not one.begun]
        for one in old:
            line.remove(one)
        self._waiting -= len(old)
        return old

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            again = self._serve(turn) if turn else []
            with self._changed:
                for asked in again:  # behind what its viewer asked since: that may be quicker
                    self._lines.setdefault(asked.viewer, deque()).append(asked)
                self._waiting += len(again)
                if self._closed:
                    again, self._lines = [one for line in self._lines.values() for one in line], OrderedDict()
            if self._closed:
                for asked in again:
                    asked.refuse(_closing())

    def _serve(self, turn: list[QueuedRequest]) -> list[QueuedRequest]:
        try:
            return [asked for asked in self._work(turn[0].model, turn) if asked.wanted]
        except Exception:  # the thread's outermost boundary: it must go on for all others
            log.exception("a turn broke")
            for asked in turn:
                if not asked.future.done():
                    asked.refuse(Conflict("something broke in the server.", None, "Its log says what."))
            return []

    def _next(self) -> list[QueuedRequest] | None:
        """The requests of the next turn: one of each viewer, all for the model of the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._lines)
            if self._closed:
                return None
            turn: list[QueuedRequest] = []
            for viewer in list(self._lines):
                line = self._lines[viewer]
                asked = next((one for one in line if not turn or one.model == turn[0].model), None)
                if asked is None or len(turn) == self._together:
                    continue
                line.remove(asked)
                del self._lines[viewer]
                if line:
                    self._lines[viewer] = line  # behind all others
                turn.append(asked)
            self._waiting -= len(turn)
        for asked in turn:
            asked.begun = asked.begun or asked.future.set_running_or_notify_cancel()
        return [asked for asked in turn if asked.begun and asked.wanted]


def superseded() -> Conflict:
    """The refusal of a request whose control has asked for something newer."""
    return Conflict("superseded", "sequence", "A newer request of this control took its place.")


def _closing() -> Conflict:
    return Conflict("the server is closing.", None, "Try again in a moment.")
