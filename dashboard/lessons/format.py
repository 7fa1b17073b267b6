"""A lesson's file: front matter between lines of ``---``, then Markdown with fenced blocks.

A block's fence names its kind: ``experiment``, ``predict``, ``reveal``, ``cure``, ``discuss``, ``takehome``
or ``notes``. The first four hold YAML and, below a line ``---``, words; the others words alone. Whatever is
wrong is said with its line, all of it at once. Nothing in a lesson is ever run or taken for markup: pages
hand the words to a Markdown that knows no HTML, and links and pictures are judged here.
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import yaml
from PIL import Image
from pydantic import ValidationError

from dashboard.lessons.glossary import GLOSSARY
from dashboard.lessons.theory import THEORY
from engine.options import BadInput, Refusals, bad_inputs
from engine.requests.base import Request
from engine.requests.lessons import LARGEST_LESSON, About, Cure, Experiment, Predict, Reveal

Kind = Literal["text", "experiment", "predict", "reveal", "cure", "discuss", "takehome", "notes"]
T = TypeVar("T", bound=Request)

SPECS: dict[str, type[Request]] = {
    "experiment": Experiment,
    "predict": Predict,
    "reveal": Reveal,
    "cure": Cure,
}
WORDS = ("discuss", "takehome", "notes")
MOST_LINES, MOST_BLOCKS, LONGEST_LINE = 2_000, 60, 4_000
LARGEST_PICTURE = 1_600  # pixels on a side
MOST_SAID = 50  # refusals
CODE = ("", "python", "text", "sh")  # fences of code that is shown

_FENCE = re.compile(r"^(`{3,}|~{3,})\s*(\S*)\s*$")
_LINK = re.compile(
    r"\]\(\s*<?([^)\s>]*)|^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)|<([a-zA-Z][a-zA-Z0-9+.-]*:[^\s>]*)>"
)
_PICTURE = re.compile(r"^!\[([^\]]*)\]\(data:image/(?:png|jpeg);base64,([A-Za-z0-9+/=]+)\)$")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`")
_TERM = re.compile(r"(?<![\\\w}^_])\{([a-zA-Z][a-zA-Z0-9* '-]{1,40})\}")
_SAFE_LINK = re.compile(r"(https?://|[^:]*$|[^:/?#]*[/?#])")


@dataclass(frozen=True)
class Block:
    """A part of a lesson: its ``kind``, the ``line`` where it begins (from 1), its words, and what it asks
    for.
    """

    kind: Kind
    id: str
    line: int
    words: str
    spec: Request | None = None


@dataclass(frozen=True)
class Step:
    """What a class does at once: the words before a block, the block, and what is discussed after it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Lesson:
    """A lesson that can be given."""

    id: str
    about: About
    blocks: tuple[Block, ...]
    source: str = field(repr=False)

    def of_kind(self, *kinds: Kind) -> list[Block]:
        """The blocks of these kinds, in order."""
        return [block for block in self.blocks if block.kind in kinds]

    @property
    def steps(self) -> list[Step]:
        """The lesson as it is walked through: words belong to the block below them, a discussion to that
        above.
        """
        titles = {
            "predict": "Predict",
            "experiment": "Run",
            "reveal": "See",
            "cure": "Cure",
            "takehome": "Take home",
        }
        steps: list[Step] = []
        waiting: list[Block] = []
        for block in self.blocks:
            if block.kind in titles:
                steps.append(Step(titles[block.kind], (*waiting, block)))
                waiting = []
            elif block.kind == "discuss" and steps and not waiting:
                steps[-1] = Step(steps[-1].title, (*steps[-1].blocks, block))
            elif block.kind != "notes":
                waiting.append(block)
        if waiting:
            steps.append(Step("Read", tuple(waiting)))
        return steps


class _Reader(yaml.SafeLoader):
    """YAML without anchors, which could make much of little, and with 1e-3 for a number."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors are not taken", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


_Reader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def refused(line: int, error: str, remedy: str) -> BadInput:
    """What is wrong at ``line`` of a lesson."""
    return BadInput(error, f"line {line}", remedy)


def parse(id: str, text: str) -> Lesson:
    """The lesson in ``text``. Raises ``BadInput`` for the first thing that is wrong, with the others."""
    refusals = Refusals()
    _refuse_size(text)
    lines = text.splitlines()
    about, start = _front_matter(lines, refusals)
    blocks = tuple(_blocks(lines, start, refusals))
    if not refusals.found:
        _refuse_whole(blocks, refusals)
    refusals.found.sort(key=lambda one: int(str(one.field).rpartition(" ")[2]))
    del refusals.found[MOST_SAID:]
    refusals.raise_all()
    assert about is not None
    return Lesson(id, about, blocks, text)


def parts(words: str) -> Iterator[tuple[str, bytes | None]]:
    """``words`` as Markdown and pictures in turn: (Markdown, None), or (what the picture shows, its
    bytes).
    """
    gathered: list[str] = []
    for line in words.splitlines():
        if picture := _PICTURE.match(line.strip()):
            if any(one.strip() for one in gathered):
                yield "\n".join(gathered), None
            gathered = []
            yield picture[1], base64.b64decode(picture[2])
        else:
            gathered.append(line)
    if any(one.strip() for one in gathered):
        yield "\n".join(gathered), None


def with_terms(words: str, shown: Callable[[str, str], str]) -> str:
    """``words`` with ``shown(term, sentence)`` in place of each ``{term}``; what stands in a formula
    stays.
    """
    pieces = re.split(f"({_FORMULA.pattern})", words)
    for k in range(0, len(pieces), 2):
        pieces[k] = _TERM.sub(
            lambda match: shown(match[1], GLOSSARY[match[1]].sentence) if match[1] in GLOSSARY else match[0],
            pieces[k],
        )
    return "".join(pieces)


def _refuse_size(text: str) -> None:
    if len(text.encode("utf-8", "replace")) > LARGEST_LESSON:
        raise refused(
            1, f"the lesson has more than {LARGEST_LESSON // 1024} KiB.", "Leave out pictures, or divide it."
        )
    if (count := text.count("\n") + 1) > MOST_LINES:
        raise refused(
            MOST_LINES + 1, f"the lesson has {count:,} lines, and {MOST_LINES:,} may be.", "Divide it."
        )
    for number, line in enumerate(text.split("\n"), 1):
        if any((ord(one) < 32 and one not in "\t\r") or "\ud800" <= one <= "\udfff" for one in line):
            raise refused(number, "the line holds characters that are none.", "Leave them out.")


def _front_matter(lines: list[str], refusals: Refusals) -> tuple[About | None, int]:
    """The front matter, and the number of lines that it takes."""
    if not lines or lines[0].strip() != "---":
        refusals.found.append(
            refused(1, "a lesson begins with its front matter.", 'Begin with "---", "title: ...", "---".')
        )
        return None, 0
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        refusals.found.append(refused(1, "the front matter does not end.", 'Close it with a line "---".'))
        return None, len(lines)
    about = _read(About, lines[1:end], 2, refusals)
    if about:
        for name in about.terms:
            if name not in GLOSSARY:
                line = _line_of("terms", lines[1:end], 2)
                refusals.found.append(
                    refused(line, f"the glossary has no {name!r}.", "Use one of its terms, or leave it out.")
                )
    return about, end + 1


def _blocks(lines: list[str], start: int, refusals: Refusals) -> Iterator[Block]:
    """The blocks below line ``start``; numbers count from 1."""
    counts: dict[str, int] = {}
    words: list[str] = []
    words_at = start + 1

    def block(kind: Any, line: int, words: str, spec: Request | None = None) -> Block:
        counts[kind] = counts.get(kind, 0) + 1
        if sum(counts.values()) == MOST_BLOCKS + 1:
            refusals.found.append(
                refused(line, f"there are more than {MOST_BLOCKS} blocks.", "Divide the lesson.")
            )
        return Block(kind, f"{kind}-{counts[kind]}", line, words.strip("\n"), spec)

    number = start
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if not fence:
            _judge_line(lines[number], number + 1, refusals)
            words.append(lines[number])
            number += 1
            continue
        end = _end_of(lines, number, fence[1])
        if end is None:
            refusals.found.append(
                refused(number + 1, "the block does not end.", f"Close it with {fence[1]}.")
            )
            return
        kind, inside = fence[2], lines[number + 1 : end]
        if kind in CODE:
            words += lines[number : end + 1]
        elif kind not in (*SPECS, *WORDS):
            known = ", ".join((*SPECS, *WORDS))
            refusals.found.append(
                refused(
                    number + 1,
                    f"there is no block {kind[:40]!r}.",
                    f"Choose from: {known}; or python for code.",
                )
            )
        else:
            if any(line.strip() for line in words):
                yield block("text", words_at, "\n".join(words))
            spec, said = _inside(kind, inside, number + 2, refusals)
            yield block(kind, number + 1, "\n".join(said), spec)
        if kind not in CODE:
            words, words_at = [], end + 2
        number = end + 1
    if any(line.strip() for line in words):
        yield block("text", words_at, "\n".join(words))


def _end_of(lines: list[str], at: int, fence: str) -> int | None:
    """The line that closes the fence opened ``at`` a line: as long, and of the same kind."""
    closing = re.compile(rf"^{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    return next((number for number in range(at + 1, len(lines)) if closing.match(lines[number])), None)


def _inside(kind: str, lines: list[str], first: int, refusals: Refusals) -> tuple[Request | None, list[str]]:
    """What a block asks for, and its words."""
    cut = 0
    spec = None
    if model := SPECS.get(kind):
        cut = next((number for number, line in enumerate(lines) if line.strip() == "---"), len(lines))
        spec = _read(model, lines[:cut], first, refusals)
        if isinstance(spec, Reveal):
            for name in spec.compare:
                if name not in THEORY:
                    refusals.found.append(
                        refused(
                            _line_of("compare", lines[:cut], first),
                            f"the theory's table has no {name!r}.",
                            f"Choose from: {', '.join(THEORY)}.",
                        )
                    )
        cut += 1
    said = lines[cut:]
    for number, line in enumerate(said, first + cut):
        _judge_line(line, number, refusals)
    return spec, said


def _read(model: type[T], lines: list[str], first: int, refusals: Refusals) -> T | None:
    """YAML as a request; what is wrong is said with the line where its field begins."""
    try:
        given = yaml.load("\n".join(lines), _Reader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        line = first + (min(mark.line, max(0, len(lines) - 1)) if mark else 0)
        why = f"{problem.problem or 'it cannot be read'}"[:120]
        refusals.found.append(
            refused(line, f"this is not YAML: {why}.", "Write name: value, texts with : in quotes.")
        )
        return None
    except (yaml.YAMLError, ValueError, RecursionError):
        refusals.found.append(refused(first, "this is not YAML.", "Write name: value, a line each."))
        return None
    try:
        return model.model_validate({} if given is None else given)
    except ValidationError as report:
        for problem, fault in zip(bad_inputs(report, model), _places(report), strict=False):
            line = _line_of(problem.field or fault, lines, first)
            refusals.found.append(
                refused(line, f"{problem.field or 'this'}: {problem.error}", problem.remedy or "Correct it.")
            )
        return None


def _places(report: ValidationError) -> Iterator[str]:
    """The outermost names that a report is about; empty ones after them."""
    for problem in report.errors(include_url=False, include_context=False, include_input=False):
        yield str(problem["loc"][0]) if problem["loc"] else ""
    while True:
        yield ""


def _line_of(name: str, lines: list[str], first: int) -> int:
    """The line where the field ``name`` stands, or the first."""
    where = re.compile(rf"(^|[{{,]|^\s+)\s*['\"]?{re.escape(name)}['\"]?\s*:") if name else None
    if where:
        for number, line in enumerate(lines, first):
            if where.search(line):
                return number
    return first


def _judge_line(line: str, number: int, refusals: Refusals) -> None:
    """What may not stand in a line of words."""
    stripped = line.strip()
    if stripped.startswith("!["):
        refusals.found += _judge_picture(stripped, number)
        return
    if len(line) > LONGEST_LINE:
        refusals.found.append(refused(number, f"the line is longer than {LONGEST_LINE:,}.", "Break it."))
        return
    if "![" in line:
        refusals.found.append(
            refused(number, "a picture stands in a line of its own.", "Put it into its own line.")
        )
    for match in _LINK.finditer(line):
        address = re.sub(
            r"[\s\\\x00-\x20]", "", html.unescape(next(one for one in match.groups() if one is not None))
        )
        if not _SAFE_LINK.match(address.lower()) or address.startswith("//"):
            refusals.found.append(
                refused(
                    number,
                    f"{address[:60]!r} is no link that may be here.",
                    "Link to http, https or a page of ours.",
                )
            )
    for term in _TERM.findall(_FORMULA.sub("", line)):
        if term not in GLOSSARY:
            refusals.found.append(
                refused(
                    number, f"the glossary has no {term!r}.", "Use one of its terms, or leave out the braces."
                )
            )


def _judge_picture(line: str, number: int) -> Iterator[BadInput]:
    match = _PICTURE.match(line)
    if not match:
        yield refused(
            number,
            "pictures are in the lesson itself: none is fetched from elsewhere.",
            "Write ![what it shows](data:image/png;base64,...), alone in its line.",
        )
        return
    try:
        with Image.open(
            io.BytesIO(base64.b64decode(match[2], validate=True)), formats=("PNG", "JPEG")
        ) as picture:
            size = picture.size
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError):
        yield refused(number, "this is no PNG or JPEG.", "Give a picture as base64.")
        return
    if max(size) > LARGEST_PICTURE:
        yield refused(
            number,
            f"the picture has {size[0]:,} x {size[1]:,} pixels.",
            f"Make it at most {LARGEST_PICTURE:,} wide and high.",
        )


def _refuse_whole(blocks: tuple[Block, ...], refusals: Refusals) -> None:
    """What only the whole lesson tells."""
    if not any(block.kind != "notes" for block in blocks):
        refusals.found.append(refused(1, "the lesson is empty.", "Write something below the front matter."))
    running = False
    for block in blocks:
        running = running or block.kind in ("experiment", "cure")
        if isinstance(block.spec, Reveal) and block.spec.compare and not running:
            refusals.found.append(
                refused(
                    block.line, "it compares a run, and none stands above it.", "Put an experiment above it."
                )
            )
