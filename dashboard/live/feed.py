"""What one watched run has to say, read once for all its viewers.

Lines go out as the worker wrote them: they are parsed once to check them, and joined, never encoded again.
Memory is bounded: the last ``EXACT`` rows are kept whole, older ones thinned; of the events the newest are
kept, and of the evaluations among them more.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import struct
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.api import Tail, line_of
from engine.options import NotFound

if TYPE_CHECKING:
    from engine.api import Engine, Status

PROTOCOL = 1
EXACT = 8192  # newest rows that are kept whole
THINNED = 4000  # rows that a long history is thinned to
EVENTS = 2000  # newest events that are kept
EVALUATIONS = 200  # newest evaluations that are kept: they are rare, and a diagnosis is noted every 2 s
SLOW_S, TOUCH_S = 0.5, 1.0  # between looks at what changes rarely; between touches of `watching`
TEXT_S = 0.05  # between looks at rows, events and status
_STALE = 500  # rows that a thinned history may lack before it is thinned anew
_SHARED = 64  # messages kept for others who ask the same
_CHUNK = 1 << 20  # bytes that are read at a time
_log = logging.getLogger("ganscope")
_sequence = itertools.count(1)  # of all frames of all runs, so that one number names a frame in any socket


class Line(NamedTuple):
    """One line of a run's file, as it was written."""

    row: int
    attempt: int
    step: int
    text: str
    kind: str = ""


class Frame:
    """One picture; ``message(index)`` is the same bytes object for every viewer who watches it as run
    ``index``.
    """

    def __init__(self, body: bytes) -> None:
        self.seq = next(_sequence) & 0xFFFFFFFF
        self._body = body
        self._messages: dict[int, bytes] = {}

    def message(self, index: int) -> bytes:
        if index not in self._messages:
            self._messages[index] = struct.pack("<II", index, self.seq) + self._body
        return self._messages[index]


def read_lines(tail: Tail) -> Iterator[Line]:
    """What was appended since the last look; damaged lines are passed over."""
    for raw in tail.lines():
        if (value := line_of(raw)) is not None:
            numbers = value["row"], value.get("attempt", 0), value.get("step", 0)
            yield Line(*numbers, raw.decode(), value.get("type", ""))


def thin(lines: Sequence[Line], limit: int) -> tuple[list[Line], int]:
    """At most ``limit`` of ``lines``, evenly spread over the rows, and how many rows became one.

    What a later attempt has done again goes first. Of each group the longest line stays: it holds the
    measurements.
    """
    if len(lines) <= limit:
        return list(lines), 1
    kept: list[Line] = []
    for line in reversed(lines):  # newest first: an older attempt ends where the next one began
        if not kept or line.attempt == kept[-1].attempt or line.step < kept[-1].step:
            kept.append(line)
    kept.reverse()
    if len(kept) <= limit:
        return kept, 1
    first, last = kept[0].row, kept.pop()
    size = -(-(last.row - first) // (limit - 2))
    groups = itertools.groupby(kept, key=lambda line: (line.row - first) // size)
    return [*(max(group, key=lambda line: len(line.text)) for _, group in groups), last], size


class History:
    """A run's rows in bounded memory: the newest ``EXACT`` whole, one of each ``_stride`` older ones."""

    def __init__(self) -> None:
        self._recent: deque[Line] = deque()
        self._older: list[Line] = []
        self._bucket: list[Line] = []
        self._stride = 1

    @property
    def last(self) -> int:
        """The newest row, -1 if there is none."""
        return self._recent[-1].row if self._recent else -1

    def add(self, lines: Iterable[Line]) -> bool:
        """Take new rows in; whether there were any. A row that does not rise is passed over."""
        before = self.last
        for line in lines:
            if line.row <= self.last:
                continue
            self._recent.append(line)
            if len(self._recent) > EXACT:
                self._age(self._recent.popleft())
        return self.last > before

    def after(self, row: int) -> tuple[list[Line], int]:
        """The rows newer than ``row``, at most ``THINNED``, and how many became one."""
        newer = list(itertools.takewhile(lambda line: line.row > row, reversed(self._recent)))
        newer.reverse()
        if len(newer) == len(self._recent):
            newer = [line for line in [*self._older, *self._bucket] if line.row > row] + newer
        lines, size = thin(newer, THINNED)
        return lines, max(size, self._stride if lines and lines[0].row < self._recent[0].row else 1)

    def _age(self, line: Line) -> None:
        self._bucket.append(line)
        if len(self._bucket) < self._stride:
            return
        self._older.append(max(self._bucket, key=lambda line: len(line.text)))
        self._bucket.clear()
        if len(self._older) >= 2 * THINNED:
            pairs = zip(self._older[::2], self._older[1::2], strict=True)
            self._older = [max(pair, key=lambda line: len(line.text)) for pair in pairs]
            self._stride *= 2


class Feed:
    """One watched run. ``load`` once (it reads the whole history: not in the event loop), then ``poll``
    often.
    """

    def __init__(self, run: str, engine: Engine) -> None:
        self.run, self.engine = run, engine
        self.folder = engine.folder(run)
        self.history = History()
        self.events: deque[Line] = deque(maxlen=EVENTS)
        self._evaluations: deque[Line] = deque(maxlen=EVALUATIONS)
        self.frame: Frame | None = None
        self.gone = self.broken = False
        self.viewers = 0
        self.status: Status | None = None
        self._followers: dict[object, int] = {}  # with the sample whose way through the game they follow
        self.game_text = self.turns_text = ""
        self.status_text = self.lists_text = self.hello_text = ""
        self._config: Any = {}
        self._rows, self._events = (
            Tail(self.folder.metrics, most=_CHUNK),
            Tail(self.folder.events, most=_CHUNK),
        )
        self._seen: dict[str, Any] = {}
        self._due: dict[str, float] = {}
        self._shared: dict[int, tuple[str, int]] = {}
        self._openings: dict[int, tuple[str, int]] = {}

    def load(self) -> None:
        """Read what there is. Raises ``NotFound`` if there is no such run."""
        self._config = self.folder.config()
        while self.history.add(read_lines(self._rows)):
            pass
        while self._add_events():
            pass
        self._look(time.monotonic())

    @property
    def idle(self) -> bool:
        """Whether nothing trains here now, so that looking now and then is enough."""
        return (self.status or {}).get("state") not in ("starting", "running", "paused")

    def poll(self, now: float) -> bool:
        """Look at the files that are due; whether anything is new. ``now`` is a monotonic time in seconds."""
        try:
            return self._look(now)
        except NotFound:
            self.gone = True
            return True

    def _look(self, now: float) -> bool:
        changed = self._look_at_frame()
        if self._is_due("text", now, TEXT_S):
            if self.history.add(read_lines(self._rows)):
                self._shared.clear()
                changed = True
            changed |= self._add_events()
            changed |= self._look_at_status(now)
            changed |= self._look_at_game()
        if self._is_due("slow", now, SLOW_S):
            changed |= self._look_at_lists()
        if self._is_due("touch", now, TOUCH_S):
            self.engine.watch(self.run, self.sample)
        return changed

    def _add_events(self) -> bool:
        """Take new events in; whether there were any."""
        before = self.events[-1].row if self.events else -1
        for line in read_lines(self._events):
            self.events.append(line)
            if line.kind == "evaluation":
                self._evaluations.append(line)
        return (self.events[-1].row if self.events else -1) != before

    def rows_after(self, row: int) -> tuple[str, int]:
        """The message with all rows after ``row``, and the last row in it: made once for all who ask the
        same.
        """
        if row in self._shared:
            return self._shared[row]
        opening = self._openings.get(row)
        if opening and self.history.last - opening[1] < _STALE:
            return opening
        lines, size = self.history.after(row)
        thinned = f',"thinned":{size}' if size > 1 else ""
        made = (
            _message("rows", self.run, f'"rows":[{",".join(line.text for line in lines)}]{thinned}'),
            self.history.last,
        )
        if len(lines) > _STALE:  # many come at once when a class opens the page: they share it for a while
            self._openings = {row: made}
        else:
            if len(self._shared) >= _SHARED:
                self._shared.clear()
            self._shared[row] = made
        return made

    def events_after(self, row: int) -> tuple[str, int] | None:
        """The message with the events after event ``row`` and the last of them, or None if there are none."""
        if not self.events or self.events[-1].row <= row:
            return None
        first = self.events[0].row
        lines = [line for line in self._evaluations if row < line.row < first]  # older than what is kept
        lines += [line for line in self.events if line.row > row]
        texts = ",".join(line.text for line in lines)
        return _message("events", self.run, f'"events":[{texts}]'), self.events[-1].row

    def _is_due(self, what: str, now: float, every: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _look_at_frame(self) -> bool:
        try:
            stat = os.stat(self.folder.live)
            if not self._is_new("frame", (stat.st_mtime_ns, stat.st_ino, stat.st_size)):
                return False
            self.frame = Frame(self.folder.frame())
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def _look_at_status(self, now: float) -> bool:
        stat = _stamp(self.folder.path / "status.json")
        if not self._is_new("status.json", stat) and not self._is_due("liveness", now, SLOW_S):
            return False
        status = self.engine.status(self.run)
        if not self._is_new("status", status):
            return False
        self.status = status
        self.status_text = _message("status", self.run, f'"status":{_dump(status)}')
        self._greet()
        return True

    def _look_at_game(self) -> bool:
        changed = False
        for name in ("game", "turns"):
            path = self.folder.path / f"{name}.json"
            if not self._is_new(name, _stamp(path)):
                continue
            try:
                text = path.read_text("utf-8")
                json.loads(text)
            except (OSError, ValueError):
                continue
            setattr(self, f"{name}_text", _message(name, self.run, f'"{name}":{text}'))
            changed = True
        return changed

    @property
    def sample(self) -> int | None:
        """The sample that somebody follows, of several the one asked for last."""
        return next(reversed(self._followers.values()), None)

    def follow(self, who: object, sample: int | None) -> None:
        """``who`` follows a sample of each batch, or none any more: the worker is told at once."""
        self._followers.pop(who, None)
        if sample is not None:
            self._followers[who] = sample
        self._due["touch"] = 0.0

    def _look_at_lists(self) -> bool:
        stamps = _stamp(self.folder.snapshots), _stamp(self.folder.checkpoints)
        if not self._is_new("folders", stamps):
            return False
        lists = {
            "steps": self.folder.snapshot_steps(),
            "checkpoints": self.folder.checkpoint_steps(),
            "weights": self.folder.weight_steps(),
        }
        if not self._is_new("lists", lists):
            return False
        self.lists_text = _message("snapshots", self.run, _dump(lists)[1:-1])
        self._greet()
        return True

    def _greet(self) -> None:
        lists = self._seen.get("lists", {"steps": [], "checkpoints": [], "weights": []})
        parts = {"config": self._config, "status": self.status, "snapshots": lists["steps"]}
        parts |= {"checkpoints": lists["checkpoints"], "weights": lists["weights"]}
        self.hello_text = _message("hello", self.run, _dump(parts)[1:-1])

    def _is_new(self, what: str, value: object) -> bool:
        if self._seen.get(what) == value:
            return False
        self._seen[what] = value
        return True


def gone_text(run: str) -> str:
    """The message that ``run`` was deleted."""
    return f'{{"v":{PROTOCOL},"type":"gone","run":{json.dumps(run)}}}'


def viewers_text(run: str, count: int) -> str:
    """The message that ``count`` sockets watch ``run``."""
    return _message("viewers", run, f'"viewers":{count}')


def _message(kind: str, run: str, inside: str) -> str:
    return f'{{"v":{PROTOCOL},"type":"{kind}","run":{json.dumps(run)},{inside}}}'


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_ino
