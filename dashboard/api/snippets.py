"""Code that makes a picture of a model again: from Python, with curl, on the command line."""

from __future__ import annotations

import json
import shlex
from typing import Any, Literal

Kind = Literal["python", "curl", "cli"]


def snippet(kind: Kind, model: str, place: dict[str, Any], address: str) -> str:
    """Text of ``kind`` that writes the sample of ``model`` at ``place`` as sample.png. ``address`` is that of
    the API.
    """
    text = json.dumps(place)
    if kind == "python":
        return (
            "import json\nfrom pathlib import Path\n\nfrom engine.explore.rendering import picture\n\n"
            f"place = json.loads({text!r})\n"
            f"Path('sample.png').write_bytes(picture({model!r}, [place]))\n"
        )
    if kind == "curl":
        body = shlex.quote(json.dumps({"places": [place]}))
        url = shlex.quote(f"{address}/models/{model}/render")
        return f"curl -s {url} -H 'content-type: application/json' -d {body} -o sample.png\n"
    where = f"python -m engine sample {shlex.quote(model)} --place {shlex.quote(text)}"
    return f"{where} --out sample.png\n"
