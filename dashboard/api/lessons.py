"""Routes of lessons: the list, one, a check, own ones, the answers, and a run beside theory."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from dashboard.api import schemas
from dashboard.api.calling import PROBLEMS, Role, TheEngine, call, file_answer
from dashboard.errors import Json
from dashboard.lessons.answers import ANSWERS
from dashboard.lessons.format import Lesson, parse
from dashboard.lessons.shelf import shelf_of
from dashboard.lessons.theory import compare
from dashboard.strict import StrictRoute
from engine.options import BadInput
from engine.requests.lessons import LessonAnswer, LessonText

router = APIRouter(route_class=StrictRoute, responses=PROBLEMS)


def _described(lesson: Lesson, text: str, own: bool, role: str) -> dict[str, Any]:
    blocks = [
        {"id": block.id, "kind": block.kind, "line": block.line, "words": block.words,
         "spec": block.spec.model_dump(exclude_none=True) if block.spec else None}
        for block in lesson.blocks
        if block.kind != "notes" or role == "presenter"
    ]  # fmt: skip
    about = lesson.about.model_dump()
    return {"id": lesson.id, "own": own, **about, "blocks": blocks} | (
        {"text": text} if role == "presenter" else {}
    )


@router.get("/lessons", response_model=list[schemas.LessonEntry], tags=["lessons"])
async def lessons(engine: TheEngine) -> Response:
    """All lessons in their order. A damaged one is on the list with what is wrong, by line."""
    found = await call(shelf_of(engine.runs_folder).list)
    return Json([entry.as_dict() for entry in found])


@router.post("/lessons/validate", response_model=schemas.LessonChecked, tags=["lessons"])
async def validate(body: LessonText) -> Response:
    """Everything that is wrong with a lesson, by line. Nothing is kept."""
    try:
        await call(parse, "draft", body.text)
    except BadInput as problem:
        found = [one.as_dict() for one in (problem, *problem.others)]
        return Json({"ok": False, "refusals": found})
    return Json({"ok": True, "refusals": []})


@router.post("/lessons/answers", response_model=schemas.Done, tags=["lessons"])
async def answer(engine: TheEngine, body: LessonAnswer) -> Response:
    """Give one anonymous answer to a lesson's question."""
    lesson = await call(shelf_of(engine.runs_folder).get, body.lesson)
    ANSWERS.add(lesson, body)
    return Json({"ok": True})


@router.get("/lessons/{id}.md", response_class=Response, tags=["lessons"])
async def export(request: Request, engine: TheEngine, role: Role, id: str) -> Response:
    """A lesson as its file: for the presenter, since it holds the teacher's notes."""
    text = await call(shelf_of(engine.runs_folder).exported, role, id)
    return file_answer(request, text.encode(), "text/markdown; charset=utf-8")


@router.get("/lessons/{id}", response_model=schemas.LessonShown, tags=["lessons"])
async def lesson(engine: TheEngine, role: Role, id: str) -> Response:
    """A lesson, block by block. Its notes and its file are the presenter's."""
    shelf = shelf_of(engine.runs_folder)
    found = await call(shelf.get, id)
    return Json(_described(found, found.source, await call(shelf.is_own, id), role))


@router.put("/lessons/{id}", response_model=schemas.LessonShown, tags=["lessons"])
async def put(engine: TheEngine, role: Role, id: str, body: LessonText) -> Response:
    """Keep a lesson of one's own under this id, if nothing is wrong with it."""
    found = await call(shelf_of(engine.runs_folder).put, role, id, body.text)
    return Json(_described(found, body.text, True, role))


@router.delete("/lessons/{id}", response_model=schemas.Done, tags=["lessons"])
async def delete(engine: TheEngine, role: Role, id: str) -> Response:
    """Delete a lesson of one's own."""
    await call(shelf_of(engine.runs_folder).delete, role, id)
    return Json({"ok": True})


@router.get("/runs/{run}/theory/{name}", response_model=schemas.Compared, tags=["lessons"])
async def theory(engine: TheEngine, run: str, name: str) -> Response:
    """A run beside what theory says of it: the predicted curve, both numbers and their difference."""

    def compared() -> dict[str, Any]:
        config = engine.folder(run).config()
        return compare(name, config, engine.metrics(run))

    return Json(await call(compared))
