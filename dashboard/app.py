"""The ASGI application: Streamlit's pages, ``/api``, ``/assets``, and the guard around all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.bootstrap import load_config_options

from dashboard import errors, session
from dashboard.access import Access
from dashboard.assets import Assets
from dashboard.document import completed, is_document, uncompressed
from dashboard.guard import Guard
from dashboard.live.hub import Hub
from dashboard.root import address, below, set_root
from dashboard.sent import sweep
from dashboard.settings import streamlit_options
from dashboard.studio.application import Studio
from engine.api import Engine
from engine.options import BadInput, NoRoom, is_full

API_AFTER_S = 3.0  # FastAPI takes half a second to import: not while the first page is being served
SCRIPT = Path(__file__).parent / "pages" / "main.py"


def create_app(engine: Engine, access: Access, host: str, port: int, root: str = "") -> Dashboard:
    """The application of one process, around an engine that is open. Streamlit allows one a process."""
    set_root(root)
    load_config_options(streamlit_options(host, port, root))
    session.set_engine(engine)
    sweep(engine)
    hub, studio = Hub(engine), Studio(engine)

    def import_api() -> ASGIApp:
        from dashboard.api.application import create_api

        return create_api(engine, hub, access, studio.put_off)

    api = _Later(import_api)

    @asynccontextmanager
    async def lifespan(_: streamlit.App) -> AsyncIterator[None]:
        asyncio.get_running_loop().call_later(API_AFTER_S, api.start)
        try:
            yield
        finally:
            hub.close()
            await studio.close()
            sweep(engine)

    pages = streamlit.App(
        SCRIPT,
        lifespan=lifespan,
        on_script_error=show_script_error,
        exception_handlers={HTTPException: _refuse},
    )
    parts = {"/api": api, "/assets": Assets(), "/studio": studio}
    return Dashboard(_Site(pages, parts, studio.start_soon), access, studio.leave)


class Dashboard(Guard):
    """The whole application. ``leave`` is to be called as soon as the server is told to end."""

    def __init__(self, site: ASGIApp, access: Access, leave: Callable[[], None]) -> None:
        super().__init__(site, access)
        self.leave = leave


class _Later:
    """An application that is imported in a thread when it is first needed, or when ``start`` is called."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: asyncio.Task[ASGIApp] | None = None

    def start(self) -> asyncio.Task[ASGIApp]:
        """Begin the import, once."""
        if self._made is None:
            self._made = asyncio.create_task(asyncio.to_thread(self._make))
        return self._made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await asyncio.shield(self.start())
        await app(scope, receive, send)


class _Site:
    """Sends each request to the part that owns its address; before Streamlit, whose own layers are for its
    pages alone. ``on_page`` is told of each request for one of these.
    """

    def __init__(self, pages: ASGIApp, parts: Mapping[str, ASGIApp], on_page: Callable[[], None]) -> None:
        self._pages, self._parts, self._on_page = pages, parts, on_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = "" if scope["type"] == "lifespan" else below(scope)
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        for prefix, part in self._parts.items():
            if path.startswith(f"{prefix}/"):
                await part({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
                return
        if is_read and (path in self._parts or not path):
            query = scope.get("query_string", b"").decode("latin-1")
            to = address(f"{path}/" + (f"?{query}" if query else ""))
            await RedirectResponse(to)(scope, receive, send)
            return
        if scope["type"] != "lifespan":
            self._on_page()
            scope = {**scope, "root_path": ""}  # Streamlit has the root in its own routes
        if is_document(scope):
            scope, send = uncompressed(scope), completed(address("/"), send)
        await self._pages(scope, receive, send)


def show_script_error(error: Exception) -> bool:
    """Draws what went wrong in a page: a refusal in its own words, a fault of ours without its traceback.

    Streamlit has logged it.
    """
    if isinstance(error, BadInput) or is_full(error):
        streamlit.error(str(error if isinstance(error, BadInput) else NoRoom()))
    else:
        streamlit.error(
            "This page broke. The runs go on. Reload it; the server's terminal says what happened."
        )
    return True


def _refuse(request: Request, problem: HTTPException) -> Response:
    return errors.from_http(problem, request.method, request.url.path)
