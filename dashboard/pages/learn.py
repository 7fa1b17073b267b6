"""Learn: lessons that predict, run, see and explain; their sheet for printing, and an editor for the
presenter.
"""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import session
from dashboard.lessons.format import Lesson, parse
from dashboard.lessons.glossary import GLOSSARY
from dashboard.lessons.shelf import Entry, shelf_of
from dashboard.pages.parts import lesson as parts
from dashboard.pages.parts.links import go, link
from dashboard.pages.parts.problem import note, problem_html, show_problem
from dashboard.root import address
from engine.options import BadInput
from engine.requests.lessons import LARGEST_LESSON

engine = session.engine()
shelf = shelf_of(engine.runs_folder)


def problems(first: BadInput) -> None:
    """All that is wrong with a lesson's file, by line."""
    for problem in (first, *first.others):
        said = BadInput(f"{problem.field}: {problem.error}", None, problem.remedy)
        st.html(problem_html(said))


# --- the list


def show_list() -> None:
    """All lessons as cards; broken ones last, with what is wrong."""
    entries = shelf.list()
    with st.container(key="lessons"):
        for entry in (one for one in entries if not one.damaged):
            with st.container(border=True, key=f"open_{entry.id}", gap="xxsmall"):
                st.html(_card(entry))
                link("learn", "Open", lesson=entry.id)
    broken = [entry for entry in entries if entry.damaged]
    if broken:
        st.header("Damaged", anchor=False)
    for entry in broken:
        with st.expander(f"{entry.id}.md cannot be given"):
            problems(entry.damaged[0])
            if session.may_change():
                link("learn", "Mend it", lesson=entry.id, edit="1")
    if session.may_change():
        with st.popover("Import a lesson", type="tertiary"):
            file = st.file_uploader("A lesson as one .md file", type=["md"], key="import")
            if file is not None:
                take(file.name, file.getvalue())


def _card(entry: Entry) -> str:
    lesson = shelf.get(entry.id)
    picture = ""
    if lesson.about.presets:
        url = escape(address(f"/api/presets/{lesson.about.presets[0]}.png"), quote=True)
        picture = f'<div class="gs-picture" style="background-image:url({url})"></div>'
    questions = [block for block in lesson.of_kind("predict") if block.spec]
    asked = getattr(questions[0].spec, "question", "") if questions else ""
    own = " · your own" if entry.own else ""
    number = "" if entry.own else f"{entry.order} · "
    return (
        f'<div class="gs-lesson">{picture}<div><div class="gs-title">{number}{escape(entry.title)}</div>'
        f'<div class="gs-muted">{escape(asked)}</div>'
        f'<div class="gs-muted">{entry.minutes} minutes{own}</div></div></div>'
    )


def take(name: str, body: bytes) -> None:
    """Keep an imported file, if nothing is wrong with it, and open it."""
    try:
        if len(body) > LARGEST_LESSON:
            raise BadInput("the file is too large.", "line 1", "Leave out pictures.")
        id = shelf.free_id(name.removesuffix(".md"))
        shelf.put(session.role(), id, body.decode("utf-8", "replace"))
    except BadInput as problem:
        problems(problem)
        return
    go("learn", lesson=id)


# --- a lesson


def walk(lesson: Lesson) -> None:
    """The lesson, step by step: left what to do and think, right the run itself."""
    last = len(lesson.steps) - 1
    asked = st.query_params.get("step", "1")
    step = min(last, max(0, int(asked) - 1 if asked.isdecimal() and len(asked) < 4 else 0))
    head(lesson)
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(key="lesson_steps", horizontal=True, gap="xsmall"):
        for number, one in enumerate(lesson.steps):
            label = f"{number + 1} {one.title}"
            kind = "primary" if number == step else "tertiary"
            if st.button(label, key=f"step_{number}", type=kind):
                turn(number)
    waiting = parts.unanswered(lesson, step)
    with left:
        if waiting is None:
            parts.show_blocks(lesson, lesson.steps[step].blocks)
        else:
            note("Predict first: what you expect is worth more before you have seen it.")
            if st.button("To the question", type="primary"):
                turn(waiting)
        with st.container(horizontal=True, horizontal_alignment="distribute", key="lesson_turn"):
            if st.button("Back", disabled=step == 0):
                turn(step - 1)
            if st.button("Next", disabled=step == last or waiting is not None):
                turn(step + 1)
    with right:
        try:
            charts = engine.catalogue()["charts"]
        except BadInput:
            charts = {}
        parts.show_run(lesson, step if waiting is None else waiting, charts)


def turn(step: int) -> None:
    """To another step."""
    st.query_params["step"] = str(step + 1)
    st.rerun()


def head(lesson: Lesson) -> None:
    """Title and what else there is of a lesson: words, notes, sheet, a copy to change."""
    with st.container(horizontal=True, vertical_alignment="center", key="lesson_head"):
        st.html(
            f'<h2 class="gs-lesson-title">{escape(lesson.about.title)}</h2>'
            f'<span class="gs-muted">{lesson.about.minutes} minutes</span>',
            width="stretch",
        )
        link("learn", "All lessons")
        if lesson.about.terms:
            with st.popover("Words"):
                words(lesson.about.terms)
        notes = lesson.of_kind("notes")
        if notes and session.may_change():
            with st.popover("Notes"):
                for block in notes:
                    parts.show_words(block.words)
        link("learn", "Sheet", lesson=lesson.id, sheet="1")
        if session.may_change():
            owner(lesson)


def owner(lesson: Lesson) -> None:
    """To change a lesson of one's own, or a copy of one that ships."""
    if shelf.is_own(lesson.id):
        link("learn", "Edit", lesson=lesson.id, edit="1")
    elif st.button("Make a copy to edit", key="copy"):
        id = shelf.free_id(lesson.id)
        try:
            shelf.put(session.role(), id, lesson.source)
        except BadInput as problem:
            show_problem(problem)
            return
        go("learn", lesson=id, edit="1")


def words(terms: list[str]) -> None:
    """Terms with their sentences and formulas."""
    for name in terms:
        term = GLOSSARY[name]
        formula = f"  \n${term.latex}$" if term.latex else ""
        st.markdown(f"**{name}**: {term.sentence}{formula}")


# --- on paper, and in the editor


def sheet(lesson: Lesson) -> None:
    """The lesson on paper: questions with room for answers, what is compared, the sentence to take home."""
    with st.container(key="lesson_sheet"):
        st.html(f'<h2 class="gs-lesson-title">{escape(lesson.about.title)}</h2>')
        parts.show_blocks(lesson, [b for b in lesson.blocks if b.kind != "notes"], still=True)
        if lesson.about.terms:
            st.html('<div class="gs-lesson-kind">Words</div>')
            words(lesson.about.terms)
    with st.container(key="lesson_sheet_tools", horizontal=True):
        link("learn", "Back to the lesson", lesson=lesson.id)
        st.caption("Print this page with your browser: Ctrl+P, or its menu.")


def edit(id: str) -> None:
    """The file on the left, what becomes of it on the right."""
    left, right = st.columns(2, gap="medium")
    with left:
        text = st.text_area(
            f"{id}.md", shelf.text(id), height=560, key=f"edit_{id}", max_chars=LARGEST_LESSON
        )
        found: Lesson | None = None
        try:
            found = parse(id, text)
        except BadInput as problem:
            problems(problem)
        with st.container(horizontal=True):
            if st.button("Save", type="primary", disabled=found is None):
                try:
                    shelf.put(session.role(), id, text)
                    st.toast("Saved.")
                except BadInput as problem:
                    show_problem(problem)
            st.download_button("Export", text, f"{id}.md", "text/markdown", key="export_lesson")
            link("learn", "Give it", lesson=id)
            if st.button("Delete it", type="tertiary"):
                shelf.delete(session.role(), id)
                go("learn")
    with right, st.container(height=640, key="lesson_preview"):
        if found is None:
            note("What is wrong stands below the text, by line.")
        else:
            parts.show_blocks(found, found.blocks, still=True)


def show() -> None:
    """The page that the address asks for."""
    id = st.query_params.get("lesson", "")
    if not id:
        show_list()
        return
    try:
        if "edit" in st.query_params and session.may_change() and shelf.is_own(id):
            edit(id)
            return
        lesson = shelf.get(id)
    except BadInput as problem:
        problems(problem) if problem.others or problem.field != "id" else show_problem(problem)
        link("learn", "All lessons")
        return
    sheet(lesson) if "sheet" in st.query_params else walk(lesson)


show()
