"""Our small ES modules and Plotly out of its package, under ``/assets``: compressed once, cached by content.

``/assets/live.js`` is asked for anew each time and answered with 304 while it is the same.
``/assets/HASH/live.js`` is kept by browsers for good; since the hash covers all files, modules may import
each other by relative names.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import threading
from pathlib import Path
from typing import NamedTuple

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dashboard.errors import Refusal, answer, shorten
from dashboard.root import address, below

STATIC = Path(__file__).parent / "components" / "static"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
PACKED = ".gz"  # of a file that lies here compressed, and is asked for without
_SMALL = {".png", ".webp", ".woff2"}  # compressed in themselves
_FOREVER = "public, max-age=31536000, immutable"


class _Asset(NamedTuple):
    body: bytes
    packed: bytes | None  # gzip, where it is smaller
    digest: str
    changed: tuple[int, int]  # (mtime in ns, size) of the file


class Assets:
    """The ASGI application. ``folder`` is served with its subfolders; only files of a known type."""

    def __init__(self, folder: Path = STATIC, extra: dict[str, Path] | None = None) -> None:
        self._folder = folder
        self._extra = plotly() if extra is None else extra
        self._assets: dict[str, _Asset] = {}
        self._lock = threading.Lock()
        self.version = self._hash()

    def url(self, name: str) -> str:
        """The address under which browsers keep ``name`` for good: ``/assets/HASH/name``."""
        return address(f"/assets/{self.version}/{name}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        path = below(scope)
        if scope["method"] not in ("GET", "HEAD"):
            refusal = Refusal(405, f"{shorten(path)} can only be read.", None, "Use GET.")
            response: Response = answer(refusal, {"Allow": "GET, HEAD"})
        else:
            response = await self._respond(path.lstrip("/"), Headers(scope=scope))
        await response(scope, receive, send)

    async def _respond(self, name: str, headers: Headers) -> Response:
        first, _, rest = name.partition("/")
        is_hash = len(first) == len(self.version) and all(letter in "0123456789abcdef" for letter in first)
        if is_hash:
            name = rest
        path = self._files().get(name)
        if path is None:
            refusal = Refusal(404, f"there is no asset called {shorten(name)}.", None, "Reload the page.")
            return answer(refusal, {"Cache-Control": "no-store"})
        asset = await anyio.to_thread.run_sync(self._load, name, path)
        packed = asset.packed if _takes_gzip(headers.get("accept-encoding", "")) else None
        tag = f'"{asset.digest}{"-gz" if packed else ""}"'
        about = {
            "ETag": tag,
            "Vary": "Accept-Encoding",
            # a page from before an update asks for the old hash: it gets the new file, and must not keep it
            "Cache-Control": _FOREVER if is_hash and first == self.version else "no-cache",
        }
        if tag in (part.strip() for part in headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=about)
        if packed:
            about["Content-Encoding"] = "gzip"
        return Response(packed or asset.body, headers=about, media_type=TYPES[Path(name).suffix])

    def _files(self) -> dict[str, Path]:
        """Every name there is. A request is looked up here and never joined to a path."""
        names = {
            path.relative_to(self._folder).as_posix().removesuffix(PACKED): path
            for path in self._folder.rglob("*")
            if Path(path.name.removesuffix(PACKED)).suffix in TYPES and path.is_file()
        }
        return names | self._extra

    def _load(self, name: str, path: Path) -> _Asset:
        stat = path.stat()
        changed = (stat.st_mtime_ns, stat.st_size)
        with self._lock:  # one thread compresses Plotly, the others wait for it
            if (asset := self._assets.get(name)) is None or asset.changed != changed:
                body = path.read_bytes()
                if path.suffix == PACKED:
                    body, packed = gzip.decompress(body), body
                else:
                    packed = None if path.suffix in _SMALL else gzip.compress(body, 6, mtime=0)
                if packed and len(packed) >= len(body):
                    packed = None
                asset = self._assets[name] = _Asset(body, packed, _digest(body), changed)
            return asset

    def _hash(self) -> str:
        names = sorted(self._files().items())
        return _digest(b"".join(name.encode() + b"\0" + path.read_bytes() for name, path in names))


def plotly() -> dict[str, Path]:
    """``plotly.min.js`` out of the installed package, without importing it."""
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        return {}
    path = Path(found.origin).parent / "package_data" / "plotly.min.js"
    return {"plotly.min.js": path} if path.is_file() else {}


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
