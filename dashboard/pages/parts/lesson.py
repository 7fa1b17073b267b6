"""A lesson on the page: its words, its questions, its runs, and what was seen beside what theory says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.components.guess import guess as guess_chart
from dashboard.components.live import live
from dashboard.lessons.answers import ANSWERS
from dashboard.lessons.format import Block, Lesson, parts, with_terms
from dashboard.lessons.theory import THEORY, Prediction, compare
from dashboard.pages.parts.problem import note, show_problem, verbatim
from dashboard.pages.parts.runs import is_live
from engine.options import BadInput
from engine.requests.lessons import Cure, Experiment, LessonAnswer, Predict, Reveal

SKIPPED = object()
_ON_ITS_OWN = re.compile(r"^\$\$(.+)\$\$\s*$", re.MULTILINE)  # a formula, which then stands large
HEADINGS = {"discuss": "Discuss", "takehome": "Take home", "notes": "Teacher's notes"}


@dataclass
class Scene:
    """What stands on the right at a step: the block whose run it is, what is compared, and the guess."""

    block: Block | None = None
    compare: tuple[str, ...] = ()
    question: Block | None = None


def scene(lesson: Lesson, step: int) -> Scene:
    """The scene at ``step`` (from 0): the newest run at or before it, with what has been revealed of it."""
    found, asked = Scene(), None
    for block in (block for one in lesson.steps[: step + 1] for block in one.blocks):
        if block.kind == "predict":
            asked = block
        elif block.kind in ("experiment", "cure"):
            found, asked = Scene(block, (), asked), None
        elif isinstance(block.spec, Reveal):
            found.compare = tuple(block.spec.compare)
    return found


def unanswered(lesson: Lesson, step: int) -> int | None:
    """The first step before ``step`` whose question has been neither answered nor skipped."""
    for number, one in enumerate(lesson.steps[:step]):
        if any(block.kind == "predict" and answer_of(lesson, block) is None for block in one.blocks):
            return number
    return None


# --- what this visitor has said


def _answers() -> dict[tuple[str, str], Any]:
    return st.session_state.setdefault("lesson_answers", {})


def answer_of(lesson: Lesson, block: Block) -> Any:
    """This visitor's answer, ``SKIPPED``, or None."""
    return _answers().get((lesson.id, block.id))


def _give(lesson: Lesson, block: Block, value: Any) -> None:
    """Keep an answer, and hand it on to the class without a name."""
    if value is not SKIPPED:
        if isinstance(value, int):
            value = float(value)
        ANSWERS.add(lesson, LessonAnswer(lesson=lesson.id, block=block.id, value=value))
    _answers()[lesson.id, block.id] = value


# --- words


def show_words(words: str) -> None:
    """Markdown without HTML; terms show what they mean; pictures are those within the lesson."""
    for text, picture in parts(words):
        if picture is None:
            st.markdown(with_terms(_ON_ITS_OWN.sub(r"$$\n\1\n$$", text), _term))
        else:
            st.image(picture, caption=verbatim(text))


def _term(term: str, sentence: str) -> str:
    return f'[{term}](#{term.replace(" ", "-").lower()} "{sentence}")'


def show_blocks(lesson: Lesson, blocks: Iterable[Block], still: bool = False) -> None:
    """The blocks one below the other. ``still``: on paper, or beside an editor, where nothing is asked."""
    for block in blocks:
        with st.container(key=f"lesson_{block.kind}_{block.id}{'_still' if still else ''}"):
            if block.kind in HEADINGS:
                st.html(f'<div class="gs-lesson-kind">{HEADINGS[block.kind]}</div>')
            spec = block.spec
            if isinstance(spec, Predict):
                _show_still(spec) if still else _ask(lesson, block, spec)
            if isinstance(spec, Reveal) and not still:
                _reveal(lesson, block, spec)
            if block.words:
                show_words(block.words)
            if isinstance(spec, Reveal) and still:
                _show_still_reveal(spec)
            elif isinstance(spec, Experiment):
                _show_still_run(spec) if still else _experiment(lesson, block, spec)


def _show_still(spec: Predict) -> None:
    st.markdown(f"**{verbatim(spec.question)}**")
    if spec.kind == "choice":
        st.markdown("\n".join(f"- ☐ {verbatim(choice)}" for choice in spec.choices))
    else:
        st.html('<div class="gs-lesson-blank"></div>')


def _show_still_run(spec: Experiment) -> None:
    asked = spec.request("run").plain()
    options = ", ".join(f"{name} = {value}" for name, value in asked.get("options", {}).items())
    says = f"{asked['gan']} on {asked['data']}" + (f", {options}" if options else "")
    st.caption(verbatim(says))


def _show_still_reveal(spec: Reveal) -> None:
    for name in spec.compare:
        st.latex(THEORY[name].latex)
        st.caption(verbatim(f"{THEORY[name].title}: {THEORY[name].source}"))


# --- the question


def _ask(lesson: Lesson, block: Block, spec: Predict) -> None:
    st.markdown(f"**{verbatim(spec.question)}**")
    key, given = f"{lesson.id}_{block.id}", answer_of(lesson, block)
    answered = given is not None
    kept = None if given is SKIPPED else given
    if spec.kind == "choice":
        choice = st.radio(
            spec.question,
            spec.choices,
            index=spec.choices.index(kept) if kept in spec.choices else None,
            key=f"{key}_choice",
            disabled=answered,
            label_visibility="collapsed",
            format_func=verbatim,
        )
    elif spec.kind == "number":
        choice = st.number_input(
            spec.question,
            value=kept,
            key=f"{key}_number",
            disabled=answered,
            label_visibility="collapsed",
            format="%g",
            placeholder=spec.unit or "a number",
        )
    else:
        assert spec.x and spec.y
        choice = guess_chart(f"{key}_curve", spec.x.model_dump(), spec.y.model_dump(), kept, answered)
    if answered:
        st.caption("Skipped." if given is SKIPPED else "Your guess is kept. Go on to the run.")
        return
    with st.container(horizontal=True):
        said = st.button("That is my guess", key=f"{key}_say", type="primary", disabled=choice is None)
        skipped = st.button("Skip", key=f"{key}_skip", type="tertiary")
    if said or skipped:
        try:
            _give(lesson, block, SKIPPED if skipped else choice)
        except BadInput as problem:
            show_problem(problem)
            return
        st.rerun()


# --- the run


def run_name(lesson: Lesson, block: Block) -> str:
    """How the run of a block is called: by this it is found again, by everybody."""
    return f"{lesson.about.title[:60]} · {block.id.replace('experiment', 'run').replace('-', ' ')}"


def run_of(lesson: Lesson, block: Block) -> dict[str, Any] | None:
    """The newest run of a block, or None: whoever comes late sees the run of the class."""
    name = run_name(lesson, block)
    return next((run for run in session.engine().runs() if run.get("name") == name), None)


def _experiment(lesson: Lesson, block: Block, spec: Experiment) -> None:
    run = run_of(lesson, block)
    _show_still_run(spec)
    if isinstance(spec, Cure):
        st.markdown(f"**Changed:** {verbatim(spec.changed)}")
    if not session.may_change():
        if run is None:
            note("The presenter starts this run.")
        return
    if st.button(
        "Start the run" if run is None else "Start it again",
        key=f"{lesson.id}_{block.id}_start",
        type="primary" if run is None else "secondary",
    ):
        try:
            _start(lesson, block, spec)
        except BadInput as problem:
            show_problem(problem)
            return
        st.rerun()


def _start(lesson: Lesson, block: Block, spec: Experiment) -> None:
    """Start the run of a block; those of the lesson that still train make room for it."""
    engine, role = session.engine(), session.role()
    names = {run_name(lesson, one) for one in lesson.of_kind("experiment", "cure")}
    for run in engine.runs():
        if is_live(run) and run.get("name") in names:
            engine.control(role, run["id"], {"command": "stop"})
    engine.start(role, spec.request(run_name(lesson, block)).plain())


def show_run(lesson: Lesson, step: int, charts: dict[str, Any]) -> None:
    """The run that belongs to a step, with the one chart that matters."""
    shown = scene(lesson, step)
    run = run_of(lesson, shown.block) if shown.block else None
    if run is None or shown.block is None or not isinstance(shown.block.spec, Experiment):
        note("The run appears here." if shown.block is None else "The run appears here once it is started.")
        return
    about = {
        "chart": shown.block.spec.chart,
        "compare": list(shown.compare),
        "guess": _guess(lesson, shown, run["id"]),
    }
    live([run["id"]], session.role(), charts, key="lesson_run", lesson=about)


def _guess(lesson: Lesson, shown: Scene, run: str) -> dict[str, Any] | None:
    """The guess as a curve over steps, where it is one of a quantity that is drawn."""
    question = shown.question
    if question is None or not isinstance(question.spec, Predict) or not question.spec.key:
        return None
    given = answer_of(lesson, question)
    if isinstance(given, float | int):
        steps = session.engine().folder(run).config()["steps"]
        return {"key": question.spec.key, "points": [[0, given], [steps, given]]}
    return {"key": question.spec.key, "points": given} if isinstance(given, list) else None


# --- what was seen


def _reveal(lesson: Lesson, block: Block, spec: Reveal) -> None:
    number = next(k for k, step in enumerate(lesson.steps) if block in step.blocks)
    shown = scene(lesson, number)
    run = run_of(lesson, shown.block) if shown.block else None
    if shown.question is not None:
        _judge(lesson, shown.question)
    if run is None:
        note("Start the run first; then what was seen stands here beside what theory says.")
    elif spec.compare:
        compared(run["id"], spec.compare)


def _judge(lesson: Lesson, question: Block) -> None:
    """What was guessed beside what is right, where that is known."""
    spec, given = question.spec, answer_of(lesson, question)
    assert isinstance(spec, Predict)
    if spec.answer is None:
        return
    right = f"{spec.answer:g}" if isinstance(spec.answer, int | float) else spec.answer
    guessed = given if isinstance(given, str) else f"{given:g}" if isinstance(given, float | int) else ""
    you = f"You said: {escape(guessed)}. " if guessed else ""
    st.html(f'<div class="gs-muted">{you}It is: <strong>{escape(right)}</strong></div>')


def _titled(said: Prediction) -> str:
    return said.title if said.relation == "equals" else f"{said.title}: {said.relation}"


@st.fragment(run_every=2.0)
def compared(run: str, names: list[str]) -> None:
    """Measured and predicted numbers side by side, with their difference; new while the run goes on."""
    engine = session.engine()
    config, rows = engine.folder(run).config(), engine.metrics(run)
    lines = []
    for name in names:
        found = compare(name, config, rows)
        said = THEORY[name]
        numbers = [found[part] for part in ("measured", "predicted", "difference")]
        cells = "".join(f"<td>{'…' if n is None else f'{n:+.3g}' if k == 2 else f'{n:.4g}'}</td>"
                        for k, n in enumerate(numbers))  # fmt: skip
        holds = {None: "", True: "holds", False: "does not hold (yet)"}[found["holds"]]
        lines.append(
            f'<tr><th scope="row" title="{escape(said.source, quote=True)}">{escape(_titled(said))}'
            f"<small>{escape(said.source)}</small></th>{cells}<td>{holds}</td></tr>"
        )
    st.html(
        '<table class="gs-compared"><thead><tr><th></th><th>measured</th>'
        f"<th>theory</th><th>difference</th><th></th></tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )
