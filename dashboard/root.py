"""Where the site begins: ``/`` of its host, or a path such as ``/gan`` that a reverse proxy gives it.

The only place that knows. A proxy may pass the path on or take it off; inside, each request carries it, with
``root_path`` as ASGI has it. Browsers have ``address`` of ``components/static/base/request.js``.
"""

from __future__ import annotations

import re

from starlette.types import Scope

TAKEN = ("api", "assets", "studio", "_stcore", "static", "media", "component")  # addresses below the root
_SHAPE = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")

_root = ""


def parse_root(text: str) -> str:
    """``text`` as ``""`` or as ``/a`` or ``/a/b``. Raises ``ValueError`` for what is no such path, or begins
    as an address of ours, which could not be told from it.
    """
    root = "/" + text.strip("/") if text.strip("/") else ""
    if root and (not _SHAPE.fullmatch(root) or root.split("/")[1] in TAKEN):
        raise ValueError(f"{text[:80]!r} cannot be the root; give a path such as /gan")
    return root


def set_root(root: str) -> None:
    """Called once by the server, before the first page is served; ``root`` is one of ``parse_root``."""
    global _root
    _root = root


def address(path: str) -> str:
    """``path`` from the site's root, such as ``/api/health``, as browsers have to ask for it."""
    return _root + path


def placed(scope: Scope) -> Scope:
    """The request with the root in its path, whether or not the proxy took it off."""
    path = scope["path"]
    if not _root:
        return scope
    if path == _root or path.startswith(f"{_root}/"):
        return {**scope, "root_path": _root}
    raw = scope.get("raw_path") or path.encode()
    return {**scope, "root_path": _root, "path": _root + path, "raw_path": _root.encode() + raw}


def below(scope: Scope) -> str:
    """The request's path below its ``root_path``."""
    return scope["path"].removeprefix(scope.get("root_path", ""))
