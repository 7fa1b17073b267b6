"""The pictures that a run leaves in its folder: the newest frame while somebody watches, kept frames for
rewinding, a thumbnail.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from engine.data.kinds import KINDS
from engine.live.picture import Picture
from engine.runs.files import write_bytes
from engine.runs.folder import RunFolder
from engine.runs.headers import Moment

FRAMES_PER_S = 30
FRAME_SHARE = 0.09  # of the time between two frames, at most, goes into drawing for viewers
LOOK_EVERY_S = 0.25  # whether somebody watches
THUMBNAIL_EVERY_S = 5.0  # of training
SNAPSHOTS_AT_MOST = 300
FIRST_SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 400)


class Gallery:
    """Draws ``picture`` into ``folder``. ``header()`` says what a frame shows, its ``step`` and ``time`` (of
    training, in seconds) among it. ``keep(step)``, if there is one, keeps the weights of a snapshot's step.
    """

    def __init__(
        self,
        folder: RunFolder,
        picture: Picture,
        header: Callable[[], Moment],
        keep: Callable[[int], None] | None = None,
    ) -> None:
        self.folder, self.picture, self._header, self._keep = folder, picture, header, keep
        self.every = self._interval(header()["step"])
        self._is_watched, self._looked = False, 0.0
        self._framed, self._cost, self._step = 0.0, 0.0, -1
        self._thumbnailed = float("-inf")

    def begin(self) -> None:
        """The real data, once, and the first frame."""
        if not self.folder.real.exists():
            write_bytes(self.folder.real, self.picture.real())
        self.frame()

    def watch(self, paused: bool = False) -> None:
        """Draw a frame if somebody watches and drawing would not take more than its share of the time; while
        ``paused`` only if something has changed.
        """
        now = time.perf_counter()
        if now - self._looked > LOOK_EVERY_S:
            self._looked = now
            self._is_watched = self.folder.is_watched()
        if not self._is_watched or now - self._framed <= max(1 / FRAMES_PER_S, self._cost / FRAME_SHARE):
            return
        if not (paused and self._step == self._header()["step"]):
            self.frame()

    def frame(self) -> None:
        """Draw the newest frame."""
        started = time.perf_counter()
        header = self._header()
        write_bytes(self.folder.live, self.picture.frame(header))
        self._framed = time.perf_counter()
        self._cost, self._step = self._framed - started, header["step"]

    def snapshot_if_due(self, step: int) -> None:
        """Keep the present frame if ``step``, the present one, is one that is kept."""
        if step % self.every == 0 or step in FIRST_SNAPSHOTS:
            self.snapshot()

    def snapshot(self, is_last: bool = False) -> None:
        """Keep the present frame for rewinding; when there are too many, every second one goes and the
        interval doubles. Now and then, and with the last, the thumbnail is drawn anew.
        """
        header = self._header()
        frame = self.picture.frame(header)
        self.folder.snapshots.mkdir(exist_ok=True)  # somebody may have made room
        if self._keep:
            self._keep(header["step"])
        write_bytes(self.folder.snapshots / f"{header['step']:08d}.bin", frame)
        if is_last or header["time"] - self._thumbnailed > THUMBNAIL_EVERY_S:
            self._thumbnailed = header["time"]
            write_bytes(self.folder.thumbnail, self.picture.thumbnail())
        steps = self.folder.snapshot_steps()
        if len(steps) > SNAPSHOTS_AT_MOST:
            self.every *= 2
            for step in steps:
                if step % self.every and step not in FIRST_SNAPSHOTS:
                    (self.folder.snapshots / f"{step:08d}.bin").unlink(missing_ok=True)
                    shutil.rmtree(self.folder.snapshots / f"{step:08d}", ignore_errors=True)

    def _interval(self, step: int) -> int:
        interval = KINDS[self.folder.config()["kind"]].snapshot_every
        while step // interval > SNAPSHOTS_AT_MOST:
            interval *= 2
        return interval
