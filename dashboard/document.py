"""The one HTML document behind all pages: Streamlit's, with our style sheet and the site's address in it.

The looks are there before the first thing is drawn, so nothing jumps when they come. Told where the site
begins, Streamlit need not find out by asking, which on a deep link such as /train fails twice in the
browser's log.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.types import Message, Scope, Send

from dashboard.theme import DARK, LIGHT


@cache
def style() -> str:
    """A ``<style>`` element with our classes; colours follow the light or dark theme by themselves."""
    colours = "".join(f"--gs-{name}:light-dark({LIGHT[name]},{DARK[name]});" for name in LIGHT)
    return f"<style>:root{{{colours}}}\n{(Path(__file__).parent / 'style.css').read_text('utf-8')}</style>"


def is_document(scope: Scope) -> bool:
    """Whether a browser asks for a page, rather than for what belongs to one."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def uncompressed(scope: Scope) -> Scope:
    """The same request, answered as plain text."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}


def completed(root: str, send: Send) -> Send:
    """``send`` that puts into a page what it lacks; ``root`` is the address under which the site lies."""
    where = f"new URL({json.dumps(root)},location.origin).href"
    script = f"<head><script>window.__streamlit={{BACKEND_BASE_URL:{where}}}</script>"
    start: list[Message] = []
    body = bytearray()

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.append(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        page = body.replace(b"<head>", script.encode(), 1)
        # at the end: rules of equal weight go before those that Streamlit puts into the head
        page = page.replace(b"</body>", style().encode() + b"</body>", 1)
        headers = [(name, value) for name, value in start[0]["headers"] if name.lower() != b"content-length"]
        if body:
            headers.append((b"content-length", str(len(page)).encode()))
        await send({**start[0], "headers": headers})
        await send({"type": "http.response.body", "body": bytes(page)})

    return sent
