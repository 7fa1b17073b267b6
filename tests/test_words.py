"""One word for each thing in all that a user reads: the choice stands in .github/CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.__main__ import parser
from engine.presets import PRESETS
from engine.tools.reference import render
from engine.training.catalogue import catalogue
from engine.training.diagnosis import seen

DASHBOARD = Path(__file__).parents[1] / "dashboard"
SAID = {"title", "sentence", "label", "help", "heading", "menu", "watch", "error", "divergence", "deviations"}
CODE = re.compile(
    r"`[^`]*`|--?\w[\w-]*|\w+_\w+|data:\S+|\{[^}]*\}|<(svg|g) .*"
    r"|\(images\)|For [^.]*images[^.]*\.|Defaults for images:"  # the kind of data, by its name
)
JS_STRING = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"[^"\n]*"|`[^`]*`""")
INSTEAD = {"image": "picture", "images": "pictures", "fake": "generated", "fakes": "generated ones"}
WORDS = re.compile(rf"\b({'|'.join(INSTEAD)})\b", re.IGNORECASE)


def declared(found: Any, key: str = "") -> Iterator[str]:
    """The words of a catalogue; the rest of it is names."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from declared(value, name)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from declared(value, key)
    elif isinstance(found, str) and key in SAID:
        yield found


def of_pages() -> Iterator[str]:
    """Strings of several words in the sources of the pages."""
    for path in [*(DASHBOARD / "pages").rglob("*.py"), *(DASHBOARD / "studio").rglob("*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        explained = [
            node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        ]
        about = {ast.get_docstring(node, clean=False) for node in explained}
        strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        yield from (text for text in strings if isinstance(text, str) and " " in text and text not in about)
    for path in (DASHBOARD / "components" / "static").rglob("*.js"):
        if "vendor" not in path.parts:
            code = re.sub(r"(?m)^\s*[/*].*$", "", path.read_text("utf-8"))  # without comments
            yield from (text for line in code.splitlines() for text in JS_STRING.findall(line) if " " in text)


def test_one_word_for_each_thing() -> None:
    texts = [*declared(catalogue()), *of_pages(), *seen.WHY.values(), render(), parser().format_help()]
    texts += [f"{preset.title} {preset.watch}" for preset in PRESETS.values()]
    assert len(texts) > 1000
    wrong = [(found[0], text[:90]) for text in texts for found in WORDS.finditer(CODE.sub("", text))]
    assert not wrong, f"say {INSTEAD}: {wrong}"
