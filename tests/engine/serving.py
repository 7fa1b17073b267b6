"""A real engine for tests: small runs, and waiting for what they come to."""

import time

import pytest

from engine.options import NotFound

FOREVER = 10_000_000
OPTIONS = {"hidden": 16, "batch_size": 32, "report_every": 5, "measure_every": 20}
NAN = float("nan")


def clear(engine):
    """Delete what lives, so that the next test finds all places free."""
    for run in engine.runs():
        if run["status"]["state"] in ("queued", "starting", "running", "paused"):
            engine.delete("presenter", run["id"])


def eventually(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return value


def request(steps=FOREVER, **more):
    return {"gan": "gan", "data": "ring", "steps": steps, "options": OPTIONS, **more}


def in_state(engine, run, *states):
    """The run's status once it is in one of ``states``."""

    def reached():
        status = engine.status(run)
        assert "failed" in states or status["state"] != "failed", status
        return status["state"] in states and status

    try:
        return eventually(reached)
    except AssertionError:
        pytest.fail(f"it did not come to {states}: {engine.status(run)}")


def running(engine, **more):
    run = engine.start("presenter", request(**more))
    in_state(engine, run, "running")
    eventually(lambda: engine.status(run)["step"] > 0)
    return run


def finished(engine, steps=20, **more):
    run = engine.start("presenter", request(steps=steps, **more))
    in_state(engine, run, "done")
    return run


def or_none(call, *arguments):
    try:
        return call(*arguments)
    except NotFound:
        return None


def nested(depth):
    """A list in a list in a list ..."""
    inside = []
    for _ in range(depth):
        inside = [inside]
    return inside
