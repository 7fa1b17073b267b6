"""Making runs and changing their course: start, steer, branch, duplicate, delete. No torch."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from engine.options import Conflict, NotFound
from engine.requests.base import MAX_STEPS
from engine.runs import branches, names
from engine.runs.files import write_json
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.lock import is_locked
from engine.runs.names import new_id
from engine.runs.records import Parent, RunConfig, Status
from engine.server import commands
from engine.server.launcher import Launcher
from engine.server.processes import end_by_force

STOP_PATIENCE_S = 5.0
LAST_PATIENCE_S = 7.0


class Steering:
    """Carries out what the presenter asks of the runs in ``runs``.

    ``validate`` turns a request into a configuration without an id. Whatever looks at a run's state and then
    changes it holds that run's own lock: deleting one run, which may take seconds, holds up no other.
    """

    def __init__(
        self,
        runs: Path,
        launcher: Launcher,
        validate: Callable[[Any], RunConfig],
        gone: Callable[[RunConfig], str | None] = lambda config: None,
    ) -> None:
        """``gone`` says what a configuration needs and is no more (``engine.server.catalogue``)."""
        self.runs, self._launcher, self._validate, self._gone = runs, launcher, validate, gone
        self._locks: dict[str, threading.RLock] = {}

    def start(self, *configs: RunConfig) -> list[str]:
        """Start validated configurations side by side, or queue them. Returns the new runs' ids."""
        ids = [self._make_folder(config).id for config in configs]
        self._launcher.start(*ids)
        return ids

    def status(self, folder: RunFolder) -> Status:
        """The run's status, with ``queue`` while it waits, and why its worker died if it did."""
        status = folder.status()
        if status["state"] == "queued":
            names = [self._name(run) for run in self._in_the_way(folder.id)]
            return {**status, "queue": self._launcher.position(folder.id), "waits_for": names}
        if status["state"] == "failed" and not folder.written().get("error"):
            return cast(Status, {**status, **self._launcher.death(folder.id)})
        return status

    def _name(self, run: str) -> str:
        try:
            return RunFolder(self.runs / run).config()["name"]
        except NotFound:  # damaged, or deleted this moment
            return run

    def control(self, folder: RunFolder, command: object) -> str:
        """Carry out one command; returns the run's id, or the new one's. Raises ``BadInput``."""
        config = folder.config()
        checked = commands.check(command, config["meta"]["live"])
        name = checked["command"]
        if name == "branch":
            return self._branch(folder, config, checked)
        if name == "duplicate":
            request = branches.request_of(config, **checked)
            return self.start({**self._validate(request), "name": config["name"]})[0]
        with self._alone(folder):
            if name == "stop" and self._launcher.cancel(folder):
                return folder.id
            if name == "start_now":
                return self._start_now(folder)
            state = folder.status()["state"]
            if state in ACTIVE:
                _tell(folder, checked)
            elif name == "resume" and state != "queued":
                if gone := self._gone(config):
                    raise Conflict(gone, "command", "Then resume it.")
                self._relaunch(folder, checked["steps"])
            else:
                waits = "Wait until its turn comes, or stop another run."
                remedy = waits if state == "queued" else "Resume it first."
                raise Conflict(f"the run is {state}, so it cannot {name}.", "command", remedy)
        return folder.id

    def _in_the_way(self, run: str) -> list[str]:
        return [one for one in self._launcher.in_the_way(run) if RunFolder(self.runs / one).path.is_dir()]

    def _start_now(self, folder: RunFolder) -> str:
        """Stop what holds the place of a queued run, whose turn is next then."""
        if (state := folder.status()["state"]) != "queued":
            raise Conflict(f"the run is {state}, so it does not wait.", "command", "Look at it.")
        others = self._in_the_way(folder.id)
        self._launcher.promote(folder.id)
        for other in others:
            RunFolder(self.runs / other).command({"command": "stop"})
        return folder.id

    def rename(self, folder: RunFolder, name: object) -> None:
        """Give the run another name. Raises ``BadInput``."""
        checked = names.check_name(name)
        with self._alone(folder):
            write_json(folder.path / "config.json", {**folder.config(), "name": checked})

    def delete(self, folder: RunFolder) -> None:
        """Stop the run if it lives, by force after ``STOP_PATIENCE_S``, and remove its folder."""
        with self._alone(folder):
            self._launcher.cancel(folder)
            _end(folder)
            with contextlib.suppress(FileNotFoundError):  # somebody else was quicker
                branches.remove(folder.path)

    def _alone(self, folder: RunFolder) -> threading.RLock:
        return self._locks.setdefault(folder.id, threading.RLock())

    def _make_folder(self, config: RunConfig) -> RunFolder:
        folder = RunFolder(self.runs / new_id(config["gan"], config["data"]))
        folder.create({**config, "id": folder.id}, state="queued")
        return folder

    def _relaunch(self, folder: RunFolder, steps: int | None) -> None:
        _await_end(folder)
        status = folder.status()
        total = steps or status.get("steps") or folder.config()["steps"]
        if status["step"] >= total:
            done = f"{status['step']:,} steps"
            raise Conflict(f"it has done all of its {done}.", "steps", f"Give it more than {done}.")
        self._launcher.start(folder.id, resume=True, steps=total)

    def _branch(self, folder: RunFolder, config: RunConfig, command: commands.Command) -> str:
        self._validate(branches.request_of(config, **command))  # before the worker is asked for anything
        status = folder.status()
        step = branches.step_to_branch_from(folder, command["step"], lives=status["state"] in ACTIVE)
        total = command["steps"] or status.get("steps") or config["steps"]
        if command["steps"] is None and total <= step:
            total = step + config["steps"]  # a branch from the end goes on for as long again
        if total <= step:
            more = f"Give it more than {step:,} steps."
            raise Conflict(f"its checkpoint has {step:,} steps already.", "steps", more)
        options = {**branches.options_at(folder, step), **command["options"]}
        request = branches.request_of(config, options=options, steps=min(total, MAX_STEPS))
        name = f"{config['name'][:60]} · from {step:,}"
        parent: Parent = {"run": folder.id, "step": step}
        branch: RunConfig = {
            **self._validate(request),
            "split": config.get("split", "names"),  # its data are those that it goes on with
            "name": name,
            "parent": parent,
        }
        target = self._make_folder(branch)
        try:
            branches.copy_checkpoint(folder, step, target, branch["options"])
        except Conflict:  # or no room
            branches.remove(target.path)
            raise
        self._launcher.start(target.id, resume=True)
        return target.id


def _tell(folder: RunFolder, command: commands.Command) -> None:
    """Leave ``command`` for the living worker."""
    if command["command"] == "resume" and command.pop("steps") is not None:
        remedy = "Stop it first, or wait until it is done."
        raise Conflict("a run can be given more steps only once it has ended.", "steps", remedy)
    folder.command(command)


def _await_end(folder: RunFolder) -> None:
    """Wait for a worker that is saving its last checkpoint; it still has words to say about its state."""
    end = time.monotonic() + STOP_PATIENCE_S
    while is_locked(folder.lock):
        if time.monotonic() > end:
            raise Conflict("the run is still saving its state.", "command", "Try again in a moment.")
        time.sleep(0.01)


def _end(folder: RunFolder) -> None:
    """Return when no worker lives in ``folder``: after a stop, and after ``STOP_PATIENCE_S`` by force."""
    begun = time.monotonic()
    told = killed = False
    while (status := folder.status())["state"] in ACTIVE or is_locked(folder.lock):
        waited = time.monotonic() - begun
        if not told:
            folder.command({"command": "stop"})
            told = True
        if waited > STOP_PATIENCE_S and not killed and is_locked(folder.lock) and (pid := status.get("pid")):
            with contextlib.suppress(ProcessLookupError):
                end_by_force(pid)  # it holds the lock, so the number is still its own
            killed = True
        if waited > LAST_PATIENCE_S:
            return
        time.sleep(0.02)
