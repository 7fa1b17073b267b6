"""Gradio components of the studio that are not Gradio's as they are: nothing is decoded and nothing fetched
in the server, and two small JavaScript components of ours.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr
from gradio import processing_utils, route_utils
from gradio.data_classes import ImageData
from starlette.datastructures import FormData

from dashboard.root import address

_ASKED = "This server fetches nothing from elsewhere: send the picture itself."


class _TidyParser(route_utils.GradioMultiPartParser):
    """Gradio's reader of uploads, which would leave what it has read of one that breaks off."""

    async def parse(self) -> FormData:
        with contextlib.ExitStack() as undo:
            undo.callback(self._remove)
            form = await super().parse()
            undo.pop_all()
            return form

    def _remove(self) -> None:
        for file in self._files_to_close_on_error:
            with contextlib.suppress(OSError):  # what is still to be written of it cannot be, either
                file.close()
            Path(file.name).unlink(missing_ok=True)


def leave_nothing() -> None:
    """Have uploads that break off, or find no room, removed."""
    route_utils.GradioMultiPartParser = _TidyParser


def fetch_nothing() -> None:
    """Gradio would download whatever address stands where a file should: not from here."""

    async def refuse_soon(*_: Any, **__: Any) -> NoReturn:
        refuse()

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise gr.Error(_ASKED, title="Not translated", print_exception=False)

    processing_utils.async_ssrf_protected_download = refuse_soon
    processing_utils.save_url_to_cache = refuse


def picture(**more: Any) -> gr.Image:
    """One picture, handed over as the path of the file that was sent, unread."""
    made = gr.Image(type="filepath", image_mode=None, format="png", **more)
    made.preprocess = _path  # a subclass would do, but Gradio writes a .pyi file beside the source of one
    return made


def _path(payload: ImageData | None) -> str | None:
    if payload is None:
        return None
    if payload.path is None:  # base64 in place of an address
        raise gr.Error(_ASKED, title="Not translated", print_exception=False)
    return payload.path


def _ours(module: str, box: str, **props: Any) -> gr.HTML:
    """An empty box, and an ES module of ours that gets what Gradio gives to ``js_on_load``."""
    script = (
        f"import(new URL('{address('/assets/' + module)}', location.href))"
        ".then((module) => module.default({ element, trigger, props, upload, watch }))"
    )
    html = f'<div class="{box}"></div>'
    return gr.HTML(value=None, html_template=html, js_on_load=script, apply_default_css=False, **props)


def sketch_pad(**more: Any) -> gr.HTML:
    """A canvas to draw on; what is on it comes as a PNG after each stroke, in Gradio's words for a file.

    ``examples``: data URLs to begin with or to trace. ``ink``: black on white, otherwise in the examples'
    colours. ``start``: the example that is on it at first.
    """
    return _ours("studio/pad.js", "gs-pad", **more)


def examples(**more: Any) -> gr.HTML:
    """Small ``pictures`` to click on; the value is ``[number, clicks]`` of the one that was chosen."""
    return _ours("studio/examples.js", "gs-examples", **more)
