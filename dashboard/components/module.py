"""How a component's Python half names its JavaScript half, an ES module of ours under ``/assets``."""

from __future__ import annotations

from dashboard.root import address


def module(name: str) -> str:
    """Source of a module that is ``/assets/{name}``: Streamlit carries this, the browser caches the file.

    Streamlit tells source from a file name by its lines, so there must be more than one.
    """
    url = address(f"/assets/{name}")
    load = f"const m = await import(new URL('{url}', document.baseURI));"
    return f"{load}\nexport default m.default;\n"
