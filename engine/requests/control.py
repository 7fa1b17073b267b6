"""To steer a run: one model a command, told apart by ``command``."""

from __future__ import annotations

import typing
from typing import Annotated, Literal, cast

from pydantic import Field

from engine.options import BadInput
from engine.requests.base import WHOLE, OptionValues, Request, Seed, Step, Steps

MAX_RATE = 1e6  # steps a second: beyond that, say null for "no limit"
MAX_COUNT = 1000  # phases in one click
_TOTAL = Field(None, description="Another total of steps.")


class Pause(Request):
    """Wait, until it is told to go on."""

    command: Literal["pause"]


class Resume(Request):
    """Go on: after a pause, or from the last checkpoint of a run that has ended."""

    command: Literal["resume"]
    steps: Steps | None = Field(None, description="A new total, for a run that has ended.")


class Stop(Request):
    """Save a checkpoint and end."""

    command: Literal["stop"]


class StartNow(Request):
    """Start a run that waits in the queue before the others; those that hold its place are stopped."""

    command: Literal["start_now"]


class StepOnce(Request):
    """Let one player move, or both, while the run is paused."""

    command: Literal["step"]
    what: Literal["discriminator", "generator", "both"] = Field(examples=["both"])
    count: Annotated[int, Field(ge=1, le=MAX_COUNT), WHOLE] = 1


class SetOptions(Request):
    """Change options while the run trains."""

    command: Literal["set"]
    options: Annotated[OptionValues, Field(min_length=1)]


class Limit(Request):
    """Train no faster than so many steps a second."""

    command: Literal["limit"]
    steps_per_s: float | None = Field(None, gt=0, le=MAX_RATE, description="null for no limit.")


class Checkpoint(Request):
    """Save a checkpoint now."""

    command: Literal["checkpoint"]


class Branch(Request):
    """Make a new run that goes on from a step of this one. Answers with its `id` and the `step`."""

    command: Literal["branch"]
    step: Step | None = Field(None, description="One whose weights were kept; now, if left out.")
    options: OptionValues = Field(default_factory=dict)
    steps: Steps | None = _TOTAL


class Duplicate(Request):
    """Make a new run with the same configuration. Answers with its `id`."""

    command: Literal["duplicate"]
    options: OptionValues = Field(default_factory=dict)
    seed: Seed | None = Field(None, description="Another seed.")
    steps: Steps | None = _TOTAL


Command = Annotated[
    Pause | Resume | Stop | StartNow | StepOnce | SetOptions | Limit | Checkpoint | Branch | Duplicate,
    Field(discriminator="command", examples=[{"command": "pause"}]),
]
COMMANDS: dict[str, type[Request]] = {
    typing.get_args(model.model_fields["command"].annotation)[0]: model
    for model in typing.get_args(typing.get_args(Command)[0])
}


def read_command(given: object) -> Command:
    """``given`` as a command. Raises ``BadInput``, whatever it is given."""
    if not isinstance(given, dict):
        raise BadInput("a command is an object.", "command", 'For example {"command": "pause"}.')
    name = given.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise BadInput("there is no such command.", "command", f"Choose one of: {', '.join(COMMANDS)}.")
    return cast(Command, COMMANDS[name].read(given))
