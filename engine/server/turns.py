"""Who is served next: a queue for requests that are quick alone and many together. No torch.

Hosts take turns by the time that their work takes, whoever asks more, and inside a host its viewers do. Of
one viewer and control only the newest request waits: an older one that has not begun is refused as
superseded. Waiting requests for the same model are served together.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from engine.options import BadInput, Conflict, TooMany
from engine.requests.viewer import HERE, Viewer, may_add, shares

MOST_OF_ONE = 48  # requests of one viewer that may wait
MOST_OF_ALL = 1024  # of all hosts, each MiB that comes with a request counted as another one
REMEMBERED = 4096  # controls whose newest number is known
LEAST_S = 0.01  # that a turn counts as, however quick
USUAL_S = 0.2  # that a turn counts as while it lasts

log = logging.getLogger("ganscope")


@dataclass(eq=False)
class QueuedRequest:
    """A request, and where its answer goes. ``state`` and ``parts`` are what earlier turns have made of it;
    ``worker`` is the one that has begun it, and goes on.

    ``wanted`` may be set to false while it waits or is worked on: it is then given up.
    """

    model: str
    request: dict[str, Any]
    viewer: Viewer
    control: str = ""
    sequence: int | None = None
    future: Future[dict[str, Any]] = field(default_factory=Future)
    state: dict[str, Any] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    begun: bool = False
    worker: int | None = None
    wanted: bool = True
    tell: Callable[[], None] = lambda: None  # called when ``state`` is another

    @property
    def weight(self) -> int:
        """What it counts as while it waits: 1, and 1 for each MiB that is kept for it."""
        arguments = self.request.get("arguments", {}).values()
        return 1 + (sum(len(value) for value in arguments if isinstance(value, bytes)) >> 20)

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
        self._known: OrderedDict[tuple[Viewer, str], int] = OrderedDict()

    def is_newest(self, viewer: Viewer, control: str, sequence: int | None) -> bool:
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


class _Line:
    """What waits of one host, its viewers in the order of their turns. ``used`` are the seconds of work that
    it has had, divided by its shares; ``busy`` of its requests are being worked on.
    """

    def __init__(self) -> None:
        self.viewers: OrderedDict[Viewer, deque[QueuedRequest]] = OrderedDict()
        self.used, self.busy = 0.0, 0

    @property
    def is_busy(self) -> bool:
        """Whether anything of it waits or is worked on."""
        return bool(self.viewers) or self.busy > 0

    @property
    def due(self) -> float:
        """The less, the sooner it has its turn."""
        return self.used + self.busy * USUAL_S

    def of(self, viewer: Viewer) -> deque[QueuedRequest]:
        """What waits of ``viewer``, who keeps his place among the others."""
        return self.viewers.setdefault(viewer, deque())

    def take(
        self, suits: Callable[[QueuedRequest], bool], served: set[Viewer]
    ) -> tuple[QueuedRequest, int] | None:
        """The next request that ``suits``, of none who is ``served``, and how many viewers wait."""
        waiting = len(self.viewers)
        for viewer, line in self.viewers.items():
            asked = None if viewer in served else next(filter(suits, line), None)
            if asked is not None:
                line.remove(asked)
                del self.viewers[viewer]
                if line:
                    self.viewers[viewer] = line  # behind all others
                return asked, waiting
        return None


class Turns:
    """``work(model, turn)`` is called in a thread of this object, one for each of ``workers``: it answers
    each of ``turn``, or returns those that are to have another turn with the same worker. ``together``
    requests at most make one. ``clock`` gives seconds.
    """

    def __init__(
        self,
        work: Callable[[str, list[QueuedRequest]], list[QueuedRequest]],
        together: int,
        name: str,
        workers: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work, self._together, self._clock = work, together, clock
        self._of_a_host = max(1, workers - 1) * together  # requests at work: some worker is for others
        self._changed = threading.Condition()
        self._lines: dict[str, _Line] = {}  # by host
        self._newest = Newest()
        self._waiting: Counter[str] = Counter()  # weights, by host
        self._now = 0.0  # what the host that was served last had used
        self._closed = False
        for worker in range(workers):
            threading.Thread(target=self._run, args=(worker,), name=f"{name}-{worker}", daemon=True).start()

    def ask(self, asked: QueuedRequest) -> Future[dict[str, Any]]:
        """The answer, some day: the future raises what the work refuses, and ``Conflict`` if a newer request
        took this one's place. Raises ``TooMany`` if too many wait.
        """
        host = asked.viewer.host
        with self._changed:
            if self._closed:
                raise _closing()
            known = self._lines.get(host)
            line = known.viewers.get(asked.viewer, ()) if known else ()
            old = self._superseded_by(asked, line)
            more = asked.weight - sum(one.weight for one in old)
            is_full = not may_add(self._waiting, host, MOST_OF_ALL, more)
            if is_full or len(line) - len(old) >= MOST_OF_ONE:
                raise TooMany("too many requests wait already.", None, "Wait for answers before asking on.")
            self._add(asked)
            for one in old:  # only now, so that its viewer keeps the place
                self._lines[host].of(one.viewer).remove(one)
                self._waiting[host] -= one.weight
            self._changed.notify_all()
        for one in old:
            one.refuse(superseded())
        return asked.future

    def take_over(self, asked: QueuedRequest) -> None:
        """Go on with a request that another queue has begun."""
        asked.worker = None
        with self._changed:
            if not self._closed:
                self._add(asked)
                self._changed.notify_all()
                return
        asked.refuse(_closing())

    def close(self) -> None:
        """Answer nobody any more."""
        with self._changed:
            self._closed = True
            left = self._empty()
            self._changed.notify_all()
        for asked in left:
            asked.refuse(_closing())

    def _empty(self) -> list[QueuedRequest]:
        lines, self._lines = self._lines, {}
        return [asked for line in lines.values() for of_one in line.viewers.values() for asked in of_one]

    def _add(self, asked: QueuedRequest) -> None:
        """Let it wait; a host that has been away begins where the others are."""
        host = asked.viewer.host
        if host not in self._lines:
            self._lines = {at: one for at, one in self._lines.items() if one.is_busy or one.used > self._now}
            self._lines[host] = _Line()
        line = self._lines[host]
        if not line.is_busy:
            line.used = max(line.used, self._now)
        line.of(asked.viewer).append(asked)
        self._waiting[host] += asked.weight

    def _superseded_by(self, asked: QueuedRequest, line: Iterable[QueuedRequest]) -> list[QueuedRequest]:
        """The older requests of the same control in ``line``. Raises if ``asked`` itself is older."""
        if not self._newest.is_newest(asked.viewer, asked.control, asked.sequence):
            raise superseded()
        if asked.sequence is None or not asked.control:
            return []
        return [one for one in line if one.control == asked.control and not one.begun]

    def _run(self, worker: int) -> None:
        while (chosen := self._next(worker)) is not None:
            began = self._clock()
            turn = [asked for asked, _ in chosen if _begins(asked)]
            again = self._serve(turn) if turn else []
            with self._changed:
                self._charge(chosen, self._clock() - began)
                if not self._closed:
                    for asked in again:  # behind what its viewer asked since: that may be quicker
                        self._add(asked)
                    again = []
                    self._changed.notify_all()
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

    def _next(self, worker: int) -> list[tuple[QueuedRequest, int]] | None:
        """The requests of a worker's next turn, at most one of each viewer and all for the model of the
        first, each with the shares of its host by then.
        """
        chosen: list[tuple[QueuedRequest, int]] = []
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._choose(worker, chosen))
            return None if self._closed else chosen

    def _choose(self, worker: int, chosen: list[tuple[QueuedRequest, int]]) -> bool:
        """Take what is due: one of each host, then a second one; whether there is anything."""

        def suits(asked: QueuedRequest) -> bool:
            return asked.worker in (None, worker) and (not chosen or asked.model == chosen[0][0].model)

        before, served = -1, set[Viewer]()
        while before < len(chosen) < self._together:
            before = len(chosen)
            for host, line in sorted(self._lines.items(), key=lambda item: item[1].due):
                if host != HERE and line.busy >= self._of_a_host:
                    continue
                if len(chosen) < self._together and (taken := line.take(suits, served)) is not None:
                    asked, viewers = taken
                    asked.worker = worker
                    chosen.append((asked, shares(host, viewers)))
                    served.add(asked.viewer)
                    line.busy += 1
                    self._waiting[host] -= asked.weight
                    self._now = max(self._now, line.used)
        return bool(chosen)

    def _charge(self, chosen: list[tuple[QueuedRequest, int]], seconds: float) -> None:
        """Count a turn that has ended as work of its hosts."""
        for asked, share in chosen:
            if (line := self._lines.get(asked.viewer.host)) is not None:
                line.busy -= 1
                line.used += max(LEAST_S, seconds) / len(chosen) / share


def _begins(asked: QueuedRequest) -> bool:
    """Whether it is still wanted, and from now on is being worked on."""
    asked.begun = asked.begun or asked.future.set_running_or_notify_cancel()
    return asked.begun and asked.wanted


def superseded() -> Conflict:
    """The refusal of a request whose control has asked for something newer."""
    return Conflict("superseded", "sequence", "A newer request of this control took its place.")


def _closing() -> Conflict:
    return Conflict("the server is closing.", None, "Try again in a moment.")
