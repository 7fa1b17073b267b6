"""The studio's page: a picture in, by file, camera, clipboard or hand; beside it what a model makes of it.

Imports Gradio, so only ``dashboard.studio.application`` imports this, when the studio is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.events import api
from starlette.routing import Mount

from dashboard.errors import broken
from dashboard.root import address
from dashboard.studio.events import DRAW, MANY, PICTURE, Events
from dashboard.studio.parts import examples, fetch_nothing, leave_nothing, picture, sketch_pad
from dashboard.studio.queue import fair
from dashboard.studio.settings import KEPT_FOR_S, LARGEST, PREFIX, SWEPT_EVERY_S
from dashboard.studio.theme import css, theme
from dashboard.studio.updates import Chosen, Many, Placed, Result, Steered, Taken, Turned
from dashboard.studio.ways import CONTROLS
from dashboard.studio.work import Work
from engine.api import Engine

_CAMERA = {"video": {"width": {"ideal": 800}, "height": {"ideal": 600}}}  # models learn at less
_AT_START = """() => {
  if (window.top !== window) document.body.classList.add('embedded');
  if (!window.isSecureContext) document.body.classList.add('no-camera');
  import(new URL('PASTE', location.href)).then((module) => module.default());
}"""


def mount(engine: Engine, files: Path) -> FastAPI:
    """The application for ``/studio``, to be entered by its lifespan."""
    fetch_nothing()
    leave_nothing()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    no_docs: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    page = Page(Events(Work(engine, files)))
    # Gradio takes an application that was mounted for one that is still being written: it would let requests
    # name any file of this machine, and serve SVG files as pages
    page.blocks.has_launched = page.blocks.is_running = True
    gr.mount_gradio_app(
        app,
        page.blocks,
        "/",
        root_path=address(PREFIX),
        footer_links=[],
        run_history=False,
        app_kwargs=no_docs,
        allowed_paths=[],
        max_file_size=LARGEST,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=True,
        theme=theme(),
        css=css(),
    )
    inner = app.routes[-1]
    assert isinstance(inner, Mount) and isinstance(inner.app, FastAPI)
    inner.app.add_exception_handler(Exception, lambda _, fault: broken(fault))
    return app


class Page:
    """``blocks``, and what its events do."""

    def __init__(self, events: Events) -> None:
        self._on = events
        self.blocks = gr.Blocks(
            title="Studio · GANscope",
            analytics_enabled=False,
            delete_cache=(SWEPT_EVERY_S, KEPT_FOR_S),
            fill_width=True,
        )
        with self.blocks:
            self._lay_out()
            self._wire()
            self._publish()
        fair(self.blocks)

    # --- what is where

    def _lay_out(self) -> None:
        self.given, self.made = gr.State({}), gr.State("")  # what was translated last, and what it became
        self.asked = gr.State(0)  # its change is what calls for a result
        self.job, self.ways = gr.State(""), gr.State({})
        with gr.Row(elem_id="choices"):
            gr.HTML("<h1>Studio</h1>", elem_id="studio-title", scale=0, min_width=90)
            self.model = gr.Dropdown([], label="Model", elem_id="model-choice", scale=2, min_width=220)
            self.direction = gr.Radio(
                [], value=None, label="Direction", elem_id="direction", visible=False, scale=3
            )
        with gr.Row(elem_id="work"):
            with gr.Column(min_width=300, scale=5):
                self._lay_out_input()
            with gr.Column(min_width=300, scale=6):
                self._lay_out_result()
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            for name, control in CONTROLS.items():
                radio = gr.Radio([], label=control.label, info=control.about, visible=False, elem_id=name)
                setattr(self, name, radio)
        with gr.Accordion("Use it from a program", open=False, elem_id="access"):
            self.access = gr.HTML()

    def _lay_out_input(self) -> None:
        with gr.Tabs(elem_id="input") as self.tabs:
            with gr.Tab("Picture", id=PICTURE):
                self.picture = picture(
                    sources=["upload", "webcam", "clipboard"],
                    show_label=False,
                    buttons=[],
                    height=360,
                    elem_id="picture",
                    placeholder="Drop a picture here\n- or -\nClick to choose one",
                    webcam_options=gr.WebcamOptions(mirror=False, constraints=_CAMERA),
                )
                self.examples = examples(pictures=[], elem_id="examples")
            with gr.Tab("Draw", id=DRAW):
                self.pad = sketch_pad(examples=[], ink=True, start=None, elem_id="pad")
            with gr.Tab("Many pictures", id=MANY):
                self.files = gr.File(
                    file_count="multiple",
                    file_types=["image", ".zip"],
                    type="filepath",
                    label="Pictures, or a zip of them",
                    height=220,
                    elem_id="files",
                )
                with gr.Row():
                    self.begin = gr.Button("Translate all", variant="primary", size="sm", elem_id="begin")
                    self.end = gr.Button("Cancel", interactive=False, size="sm", elem_id="end")
                self.queue = gr.HTML(elem_id="queue")
                self.zip = gr.DownloadButton("Download the zip", visible=False, size="sm", elem_id="zip")

    def _lay_out_result(self) -> None:
        self.result = gr.ImageSlider(
            type="filepath",
            format="png",
            image_mode=None,
            interactive=False,
            show_label=False,
            buttons=["fullscreen"],
            max_height=400,
            elem_id="result",
        )
        self.line = gr.HTML(elem_id="line")
        with gr.Row(elem_id="actions"):
            self.download = gr.DownloadButton(
                "Download PNG", interactive=False, size="sm", min_width=120, elem_id="download"
            )
            self.again = gr.Button(
                "Use the output as input", interactive=False, size="sm", min_width=160, elem_id="again"
            )
            self.patches = gr.Checkbox(
                False, label="D's patch map", min_width=130, container=False, elem_id="patches"
            )
        self.figures = gr.HTML(elem_id="figures")

    # --- what follows what

    def _of(self, updates: type[Any]) -> list[Any]:
        """The components that ``updates``, one of ``dashboard.studio.updates``, names, in its order."""
        return [getattr(self, name) for name in updates._fields]

    def _wire(self) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        quiet = {**private, "show_progress": "hidden"}
        chosen, taken, placed = self._of(Chosen), self._of(Taken), self._of(Placed)
        on = self._on
        at_start = _AT_START.replace("PASTE", address("/assets/studio/paste.js"))
        self.blocks.load(None, js=at_start, **private)
        self.blocks.load(on.open, None, chosen, **quiet)
        self.model.input(on.choose, [self.model, self.given], chosen, **private)
        self.direction.input(on.turn, [self.model, self.direction, self.given], self._of(Turned), **private)
        self.picture.upload(on.take, self.picture, taken, **quiet)
        self.picture.clear(on.take_away, None, taken, **quiet)
        self.examples.change(on.show_example, [self.examples, self.model, self.direction], placed, **quiet)
        self.patches.input(on.ask, None, self.asked, **private)
        self.again.click(on.reuse, self.made, placed, **quiet)
        controls = [getattr(self, name) for name in CONTROLS]
        for control in controls:
            control.input(on.steer, controls, self._of(Steered), **quiet)
        # one at a time and the last one always, so that no result comes after that of a later request
        self.asked.change(
            on.renew,
            [self.given, self.model, self.direction, self.patches, self.ways],
            self._of(Result),
            trigger_mode="always_last",
            show_progress_on=self.result,
            **private,
        )
        self.pad.change(
            self._on.sketch,
            [self.pad, self.model, self.direction, self.patches, self.ways],
            self._of(Result),
            trigger_mode="always_last",
            **quiet,
        )
        files = [self.files, self.model, self.direction, self.ways]
        self.begin.click(on.translate_all, files, self._of(Many), **quiet)
        # through the queue: Gradio refuses what is private and goes around it
        self.end.click(self._on.cancel_all, self.job, None, concurrency_limit=None, **private)

    def _publish(self) -> None:
        """The tools for programs and agents; the page itself has other ways."""
        with gr.Row(visible=False):
            given = picture(label="picture")
            model = gr.Textbox("", label="model")
            direction = gr.Textbox("a_to_b", label="direction")
            made = picture(label="translated")
            run = gr.Button()
        # without Gradio's queue: the engine has its own, and agents need no connection from us to ourselves
        run.click(self._on.translate, [given, model, direction], made, api_name="translate", queue=False)
        api(self._on.translators, api_name="translators", queue=False)
