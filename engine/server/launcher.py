"""The queue of runs: who gets a process, and when. No torch.

Nothing here talks to a worker once it lives: that goes through the run folder, and so a worker outlives all
of this.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

from engine.options import Conflict, NotFound
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.lock import is_locked
from engine.runs.records import Status
from engine.server.processes import Job, Spawn, Zygote

ONE_THREAD = ("points",)  # kinds of data whose runs keep one thread busy: two share a place
OCCUPYING = ("starting", "running")  # a paused run computes nothing, so another may have its place
NTSTATUS = 1 << 31  # codes from here on are Windows's word for a crash
POLL_S = (
    0.2  # how soon a place that no exit report announced (an adopted run's, a pause) goes to the next run
)


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """The bytes of memory that this machine has; 0 where the system does not say."""
    known = hasattr(os, "sysconf") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(os.sysconf_names)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else 0


def gpus() -> int:
    """The NVIDIA GPUs that are plugged in: a guess without torch, refined once torch has loaded."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


class Launcher:
    """The queue of runs: at most ``limit`` train at once, the others start in order as places fall free.

    ``runs`` is the runs folder. Every run in it counts that lives, whoever started it. ``shares``: runs on
    2-D data take half a place.
    """

    def __init__(self, runs: Path, processes: Zygote | Spawn, limit: int, shares: bool = False) -> None:
        self.runs, self.limit, self._shares = runs, limit, shares
        self._kinds: dict[str, str] = {}  # of the data of runs
        self.gpus = 0  # with several, each run sees the one that has the fewest
        self._processes = processes
        self._changed = threading.Condition(threading.RLock())
        self._queue: deque[tuple[str, ...]] = deque()
        self._launches: dict[
            str, int
        ] = {}  # of each run, so that a late report is not taken for the newest worker's
        self._gpu: dict[str, int] = {}
        self._deaths: dict[str, int] = {}
        self._ended: dict[
            str, tuple[int, int]
        ] = {}  # run: which writing of its status said that it has ended
        self._closed = False
        self._thread = threading.Thread(target=self._schedule, name="scheduler", daemon=True)
        self._thread.start()

    def start(self, *runs: str, resume: bool = False, **status: Any) -> None:
        """Queue runs whose folders exist, and start them at once if a place is free. ``status`` goes into
        theirs.

        Several in one call are to be seen side by side, so they start together and share a place.
        """
        for run in runs:
            folder = RunFolder(self.runs / run)
            folder.write_status(
                **_carried(folder, state="queued", resume=resume, queued=time.time(), **status)
            )
        with self._changed:
            for run in runs:
                self._deaths.pop(run, None)
            self._queue.append(runs)
            self._dispatch()
            self._changed.notify_all()

    def adopt(self) -> list[str]:
        """Take up what an earlier server left: its queue, in order. Returns the runs that live."""
        waiting = []
        for run in self._folders():
            status = RunFolder(self.runs / run).written()
            if status["state"] == "queued":
                waiting.append((status.get("queued", 0.0), run))
        with self._changed:
            self._queue.extend((run,) for _, run in sorted(waiting))
            self._changed.notify_all()
        return self.live()

    def cancel(self, folder: RunFolder) -> bool:
        """Take a run out of the queue and call it stopped. False if it does not wait: its turn may just have
        come.
        """
        with self._changed:
            if folder.written()["state"] != "queued":
                return False
            shorter = (tuple(run for run in group if run != folder.id) for group in self._queue)
            self._queue = deque(group for group in shorter if group)
            folder.write_status(**_carried(folder, state="stopped"))
        return True

    def position(self, run: str) -> int | None:
        """1 for the run that starts next, and so on; ``None`` for a run that is not queued."""
        with self._changed:
            waiting = [one for group in self._queue for one in group]
        return waiting.index(run) + 1 if run in waiting else None

    def in_the_way(self, run: str) -> list[str]:
        """The runs, oldest first, that would have to end for the queued ``run`` to be the next to start."""
        with self._changed:
            group = next((group for group in self._queue if run in group), (run,))
            live = sorted(self.live(OCCUPYING), key=self._started)
            count = 0
            while count < len(live) and not self._fits(group, live[count:]):
                count += 1
            return live[:count]

    def promote(self, run: str) -> None:
        """Put a queued run, and what starts beside it, first in the queue."""
        with self._changed:
            first = [group for group in self._queue if run in group]
            self._queue = deque([*first, *(group for group in self._queue if run not in group)])
            self._changed.notify_all()

    def queued(self) -> int:
        """How many runs wait."""
        with self._changed:
            return sum(len(group) for group in self._queue)

    def live(self, states: Sequence[str] = (*OCCUPYING, "paused")) -> list[str]:
        """The runs in one of ``states`` whose worker lives."""
        return [run for run in self._folders() if self._state(run) in states]

    def death(self, run: str) -> dict[str, str]:
        """How the run's last worker died, as ``{"error", "remedy"}``; empty if nobody saw it."""
        code = self._deaths.get(run, 0)
        if code == 0:
            return {}
        remedy = "Resume it: it goes on from its last checkpoint."
        if 0 < code < NTSTATUS:
            return {
                "error": "The training process gave up with an error.",
                "remedy": f"Its log says where. {remedy}",
            }
        name = f"{code:#x}" if code > 0 else signal.Signals(-code).name
        if name == "SIGKILL":
            return {
                "error": f"The training process was killed ({name}), by hand or for lack of memory.",
                "remedy": remedy,
            }
        return {"error": f"The training process crashed ({name}).", "remedy": f"Its log says where. {remedy}"}

    def on_exit(self, job: Job, code: int) -> None:
        """A worker has ended: its place is free. The zygote calls this."""
        if job["kind"] != "train":
            return
        folder = RunFolder(Path(job["folder"]))
        with self._changed:
            if code != 0 and job.get("launch") == self._launches.get(folder.id):
                self._deaths[folder.id] = code
                status = folder.written()
                if status["state"] == "starting" and not is_locked(
                    folder.lock
                ):  # it never got to say so itself
                    folder.write_status(**_carried(folder, state="failed", **self.death(folder.id)))
            self._changed.notify_all()

    def on_ready(self) -> None:
        """The zygote can fork. The zygote calls this."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Start no more runs. Those that live go on; those queued stay so on disk."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(5)

    def _schedule(self) -> None:
        with self._changed:
            while not self._closed:
                self._dispatch()
                self._changed.wait(POLL_S if self._queue else None)

    def _dispatch(self) -> None:
        while (
            self._queue
            and self._processes.state == "ready"
            and self._fits(self._queue[0], self.live(OCCUPYING))
        ):
            for run in self._queue.popleft():
                self._launch(RunFolder(self.runs / run))

    def _fits(self, group: Sequence[str], live: Sequence[str]) -> bool:
        """Whether there is a place for ``group``, which shares one, beside the runs in ``live``."""
        return sum(map(self._weight, live)) + min(1.0, sum(map(self._weight, group))) <= self.limit

    def _weight(self, run: str) -> float:
        """The share of a place that a run takes."""
        return 0.5 if self._shares and self._kind(run) in ONE_THREAD else 1.0

    def _kind(self, run: str) -> str:
        if run not in self._kinds:
            self._kinds[run] = ""
            with contextlib.suppress(NotFound):  # damaged, or deleted this moment
                self._kinds[run] = RunFolder(self.runs / run).config()["kind"]
        return self._kinds[run]

    def _started(self, run: str) -> float:
        return RunFolder(self.runs / run).written().get("since", 0.0)

    def _launch(self, folder: RunFolder) -> None:
        status = folder.written()
        if status["state"] != "queued":
            return  # deleted or stopped while it waited
        folder.write_status(**_carried(folder, state="starting"))
        number = self._launches[folder.id] = self._launches.get(folder.id, 0) + 1
        job = {"kind": "train", "folder": str(folder.path.resolve()), "resume": status.get("resume", False)}
        job |= {"log": str(folder.log.resolve()), "launch": number, "env": self._place(folder.id)}
        # of two to four cores one is for server and browser: threads that share a core with them wait
        # for each other at every operation, and two took three times as long as one
        shared = 2 if self._weight(folder.id) < 1 else 1
        job["threads"] = max(1, (cores() - (cores() <= 4)) // max(1, self.limit * shared))
        try:
            asked = self._processes.launch(job)
        except Conflict:  # the zygote died this moment
            self._requeue(folder, job)
        else:
            asked.add_done_callback(lambda future: self._launched(folder, job, future))

    def _place(self, run: str) -> dict[str, str]:
        if self.gpus < 2:
            return {}
        taken = [self._gpu.get(other) for other in self.live(OCCUPYING) if other != run]
        number = self._gpu[run] = min(range(self.gpus), key=taken.count)
        visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        return {"CUDA_VISIBLE_DEVICES": visible[number] if visible else str(number)}

    def _launched(self, folder: RunFolder, job: Job, asked: Future[int]) -> None:
        try:
            asked.result()
        except ConnectionError:
            self._requeue(folder, job)
        except OSError as error:
            remedy = "Close other programs or delete runs, then resume it."
            folder.write_status(**_carried(folder, state="failed", error=str(error), remedy=remedy))

    def _requeue(self, folder: RunFolder, job: Job) -> None:
        with self._changed:
            folder.write_status(**_carried(folder, state="queued", resume=job["resume"], queued=time.time()))
            self._queue.appendleft((folder.id,))
            self._changed.notify_all()

    def _folders(self) -> list[str]:
        try:
            with os.scandir(self.runs) as entries:
                return [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
        except FileNotFoundError:
            return []

    def _state(self, run: str) -> str:
        folder = RunFolder(self.runs / run)
        try:
            written = os.stat(folder.path / "status.json")
        except (FileNotFoundError, NotADirectoryError):
            return "none"
        version = (written.st_mtime_ns, written.st_ino)
        if self._ended.get(run) == version:
            return "ended"
        status = folder.status()
        if status["state"] not in (*ACTIVE, "queued"):
            self._ended[run] = version
        return status["state"]


def _carried(folder: RunFolder, **status: Any) -> Status:
    """The next status of a run without a worker: what it has reached stays, the last worker's words go."""
    before: dict[str, Any] = {**folder.written()}
    kept = ("step", "steps", "elapsed", "attempt", "live", "limit")
    return cast(Status, {"step": 0, **{name: before[name] for name in kept if name in before}, **status})
