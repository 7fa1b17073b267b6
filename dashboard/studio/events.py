"""What happens in the studio when somebody does something: values of components in, updates out."""

from __future__ import annotations

import base64
import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio_client.utils import is_file_obj_with_meta

from dashboard.hosts import host_of
from dashboard.root import address as rooted
from dashboard.studio import texts as texts
from dashboard.studio.updates import SAME, Chosen, Many, Placed, Result, Steered, Taken, Turned
from dashboard.studio.ways import CONTROLS, USUAL, changed, choices_of
from dashboard.studio.work import Card, Translation, Work
from engine.options import BadInput
from engine.requests.viewer import Viewer

PICTURE, DRAW, MANY = "picture", "draw", "many"
SHOWN_EXAMPLES = 6
PAGES = 10_000  # that are remembered; Gradio remembers the states of as many
NO_MODEL = (
    "There is no model that translates yet. Train pix2pix or CycleGAN, or add weights on the Models page."
)
REFUSED = "Not translated"
NO_PICTURE = "Drop a picture on the left, or draw one."
LastInput = dict[str, Any]  # {"path", "kind": "example" | "picture" | "draw"} of what was translated last


class Events:
    """Of all visitors; what is one visitor's own lies in his browser and in ``gr.State``."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._numbers = itertools.count(1)
        self._newest: OrderedDict[str, int] = OrderedDict()  # of each page, what it waits for

    def ask(self, request: gr.Request) -> int:
        """The number of what a page asks for from now on: a change of ``asked``, which Gradio follows by
        ``renew``. What the page waits for until then is no longer wanted.
        """
        page = str(request.session_hash)
        self._newest[page] = number = next(self._numbers)
        self._newest.move_to_end(page)
        while len(self._newest) > PAGES:
            self._newest.popitem(last=False)
        return number

    def _wants(self, request: gr.Request, number: int | None) -> bool:
        return self._newest.get(str(request.session_hash)) == number

    # --- choosing

    def open(self, request: gr.Request) -> Chosen:
        """A visitor comes: the model of the address, and an example of it."""
        with saying():
            models = self._work.models()
        asked = request.query_params.get("model", "")
        chosen = asked if asked in models else next(iter(models), "")
        choices = [(card["title"], name) for name, card in models.items()]
        dropdown = gr.update(choices=choices, value=chosen or None, interactive=bool(choices))
        return self._about(models.get(chosen), {}, request)._replace(model=dropdown)

    def choose(self, model: str, given: LastInput, request: gr.Request) -> Chosen:
        """Another model: it gets the visitor's own picture, or an example of its own."""
        with saying():
            return self._about(self._work.models().get(model), given, request)

    def _card(self, model: str) -> Card:
        """Raises ``BadInput``."""
        card = self._work.models().get(model)
        if card is None:
            raise BadInput("this model is gone.", "model", "Choose another.")
        return card

    def _about(self, card: Card | None, given: LastInput, request: gr.Request) -> Chosen:
        if card is None:
            return Chosen(
                direction=gr.update(visible=False),
                examples=gr.update(pictures=[]),
                pad=_pad([], True, None),
                picture=None,
                given={},
                access="",
                asked=self.ask(request),
                **_usual_ways(None),
            )
        direction = card["directions"][0]
        choices = texts.directions(card)
        radio = gr.update(choices=choices, value=direction, visible=len(choices) > 1)
        turned = self.turn(card["id"], direction, given, request)
        tab = DRAW if _is_ink(card, direction) else PICTURE
        tabs = SAME if turned.given.get("kind") == PICTURE else gr.Tabs(selected=tab)
        return Chosen(**turned._asdict(), direction=radio, tabs=tabs, **_usual_ways(card))

    def turn(self, model: str, direction: str, given: LastInput, request: gr.Request) -> Turned:
        """The other direction."""
        with saying():
            card = self._card(model)
            pictures = self._work.examples(model, direction)[:SHOWN_EXAMPLES]
        ink = _is_ink(card, direction)
        urls = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in pictures]
        pad = _pad(urls, ink, 0 if ink and urls else None)
        picture: Any = SAME
        if given.get("kind") != PICTURE:
            given = (
                {"path": self._work.keep(pictures[0], "example.png"), "kind": "example"} if pictures else {}
            )
            picture = given.get("path") if not ink else None
        # its base_url is the studio's, not the server's
        address = f"{request.url.scheme}://{request.url.netloc}{rooted('')}"
        access = texts.access(model, direction, address)
        return Turned(gr.update(pictures=urls), pad, given, picture, access, asked=self.ask(request))

    def steer(
        self, scale: str, test_mode: str, dropout: str, preprocess: str, request: gr.Request
    ) -> Steered:
        """Another way to translate. The reference's way sets the size by itself."""
        ways = changed(dict(zip(CONTROLS, (scale, test_mode, dropout, preprocess), strict=True)))
        sized = gr.update(interactive="preprocess" not in ways)
        return Steered(ways, sized, asked=self.ask(request))

    def show_example(self, clicked: list[int], model: str, direction: str, request: gr.Request) -> Placed:
        """An example was clicked on."""
        with saying():
            path = self._work.keep(self._work.examples(model, direction)[int(clicked[0])], "example.png")
        return Placed({"path": path, "kind": "example"}, picture=path, asked=self.ask(request))

    def take(self, path: str | None, request: gr.Request) -> Taken:
        """A picture was sent."""
        return Taken({"path": path, "kind": PICTURE} if path else {}, asked=self.ask(request))

    def take_away(self, request: gr.Request) -> Taken:
        """The picture was taken away; with this event Gradio would still hand it over."""
        return Taken({}, asked=self.ask(request))

    def reuse(self, made: str, request: gr.Request) -> Placed:
        """The output becomes the input."""
        if not made:
            return Placed()
        tabs = gr.Tabs(selected=PICTURE)
        return Placed({"path": made, "kind": PICTURE}, picture=made, tabs=tabs, asked=self.ask(request))

    # --- translating

    def renew(
        self,
        given: LastInput,
        model: str | None,
        direction: str,
        patches: bool,
        ways: dict[str, str],
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio knows it by its default)
    ) -> Result:
        """What was given, however large. It gives up when the page asks for something else; Gradio then calls
        it again.
        """
        if not model:
            return _nothing(NO_MODEL)
        if not given.get("path"):
            return _nothing(NO_PICTURE)
        number = self._newest.get(str(request.session_hash))
        options = {"direction": direction, "patches": patches, **ways}
        try:
            if len(self._card(model)["directions"]) > 1:
                options["back"] = True
            made = self._work.translate(
                given["path"],
                model,
                options,
                viewer(request),
                _teller(progress),
                wanted=lambda: self._wants(request, number),
            )
        except BadInput as problem:
            # said, not raised: after an error Gradio forgets what was asked for meanwhile
            if not self._wants(request, number):
                return Result()
            gr.Warning(escape(_words(problem)), title=REFUSED)
            return _nothing(_words(problem))
        return _shown(made) if made else Result()

    def sketch(
        self,
        drawn: object,
        model: str | None,
        direction: str,
        patches: bool,
        ways: dict[str, str],
        request: gr.Request,
    ) -> Result:
        """A stroke was drawn, unless something else was asked for since. Gradio has seen to it that the file
        was sent to it.
        """
        file = FileData(**drawn) if isinstance(drawn, dict) and is_file_obj_with_meta(drawn) else None
        if file is None or not model:
            return Result()
        number = self.ask(request)
        sized = {} if "preprocess" in ways else {"scale": "model"}
        options = {"direction": direction, "patches": patches, **sized, **ways}
        with saying():
            made = self._work.sketch(file.path, model, options, viewer(request))
        if not self._wants(request, number):
            return Result()
        return (_shown(made) if made else Result())._replace(given={"path": file.path, "kind": DRAW})

    def translate_all(
        self,
        paths: list[str] | None,
        model: str | None,
        direction: str,
        ways: dict[str, str],
        request: gr.Request,
    ) -> Iterator[Many]:
        """Many files, while they are worked on."""
        hidden, busy, idle = (
            gr.update(visible=False),
            gr.update(interactive=False),
            gr.update(interactive=True),
        )
        if not paths or not model:
            hint = texts.hint("Choose pictures, or a zip of them." if model else NO_MODEL)
            yield Many("", hint, zip=hidden, begin=idle, end=busy)
            return
        with saying():
            options = {"direction": direction, **ways}
            job = self._work.start_many(paths, model, options, viewer(request))
        try:
            status: dict[str, Any] = {}
            with saying():
                for status in self._work.watch_many(job):
                    yield Many(job, texts.queue(status), zip=hidden, begin=busy, end=idle)
                file = self._work.zip_of(job) if status["state"] == texts.DONE and status["done"] else None
            offered = gr.update(value=file, visible=file is not None)
            yield Many("", texts.queue(status), zip=offered, begin=idle, end=busy)
        finally:
            self._work.cancel(job)  # also if the visitor has left

    def cancel_all(self, job: str) -> None:
        """The visitor has had enough."""
        if job:
            self._work.cancel(job)

    # --- for programs

    def translate(self, picture: str, model: str, direction: str, request: gr.Request) -> str:
        """Translate a picture with a GAN of this server: drawings to colour, satellite pictures to maps.

        Args:
            picture: of any size and shape; the result has the same. Agents: "data:image/png;base64,..."
            model: id of a translator, one of those that the tool "translators" names; empty: the first
            direction: "a_to_b", or "b_to_a" with models that translate both ways

        Returns:
            the translated picture as PNG
        """
        with saying():
            if not picture:
                raise BadInput("there is no picture.", "picture", "Send one.")
            chosen = model or next(iter(self._work.models()), "")
            made = self._work.translate(picture, chosen, {"direction": direction}, viewer(request))
            assert made is not None, "it was wanted to its end"
            return made.made

    def translators(self) -> list[dict[str, Any]]:
        """The translators of this server: id, title, what they translate into what, and their directions."""
        about = ("id", "title", "sentence", "names", "directions", "size")
        return [{key: card.get(key) for key in about} for card in self._work.models().values()]


@contextmanager
def saying() -> Iterator[None]:
    """What the engine refuses is shown in its words."""
    try:
        yield
    except BadInput as problem:
        raise gr.Error(escape(_words(problem)), title=REFUSED, print_exception=False) from problem


def _words(problem: BadInput) -> str:
    return f"{problem.error[:1].upper()}{problem.error[1:]} {problem.remedy}"


def viewer(request: gr.Request) -> Viewer:
    """Who asks: the tab; a program that names none is one with all such programs of its host."""
    return Viewer(f"studio {getattr(request, 'session_hash', None) or ''}", host_of(request))


def _is_ink(card: Mapping[str, Any], direction: str) -> bool:
    """Whether a direction begins with drawings in black on white."""
    side = 0 if direction == "a_to_b" else 1
    shape = card["given"] if side == 0 else card["shape"]
    words = card["names"][side].lower()
    return shape[0] == 1 or any(word in words for word in ("line", "edge", "sketch"))


def _pad(urls: list[str], ink: bool, start: int | None) -> Any:
    return gr.update(examples=urls, ink=ink, start=start)


def _usual_ways(card: Mapping[str, Any] | None) -> dict[str, Any]:
    """Nothing chosen yet: for each control, the choices that ``card``'s model has."""
    updates: dict[str, Any] = {"ways": {}}
    for name in CONTROLS:
        choices = choices_of(card, name)
        updates[name] = gr.update(
            choices=choices, value=USUAL[name], visible=len(choices) > 1, interactive=True
        )
    return updates


def _teller(progress: gr.Progress) -> Any:
    def tell(share: float, words: str) -> None:
        progress(share, desc=words)

    return tell


def _nothing(words: str) -> Result:
    idle = gr.update(interactive=False)
    download = gr.update(value=None, interactive=False)
    return Result(None, texts.hint(words), download=download, again=idle, figures="", made="")


def _shown(made: Translation) -> Result:
    return Result(
        (made.given, made.made),
        texts.line(made.about),
        download=gr.update(value=made.made, interactive=True),
        again=gr.update(interactive=True),
        figures=texts.figures(made.made, made.back, made.patches, made.about.get("patch_mean")),
        made=made.made,
    )
