"""What the studio's events hand back: updates of the page's components, by the names that the page has for
them. What is left out stays as it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

SAME: Any = gr.skip()


class Taken(NamedTuple):
    """A picture was sent, or taken away."""

    given: Any
    asked: Any


class Placed(NamedTuple):
    """A picture is to stand where pictures are sent."""

    given: Any = SAME
    picture: Any = SAME
    tabs: Any = SAME
    asked: Any = SAME


class Turned(NamedTuple):
    """Another direction."""

    examples: Any
    pad: Any
    given: Any
    picture: Any
    access: Any
    asked: Any


class Steered(NamedTuple):
    """Another way to translate: see ``dashboard.studio.ways``."""

    ways: Any
    scale: Any
    asked: Any


class Chosen(NamedTuple):
    """Another model."""

    examples: Any
    pad: Any
    given: Any
    picture: Any
    access: Any
    asked: Any
    direction: Any
    ways: Any
    scale: Any
    test_mode: Any
    dropout: Any
    preprocess: Any
    tabs: Any = SAME
    model: Any = SAME


class Result(NamedTuple):
    """A translation."""

    result: Any = SAME
    line: Any = SAME
    download: Any = SAME
    again: Any = SAME
    figures: Any = SAME
    made: Any = SAME
    given: Any = SAME


class Many(NamedTuple):
    """How far many translations are."""

    job: Any
    queue: Any
    zip: Any
    begin: Any
    end: Any
