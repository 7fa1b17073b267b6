"""The one place where answers to lessons' questions arrive: small, anonymous, bounded, and gone with the
server.
"""

from __future__ import annotations

import threading
from collections import deque

from dashboard.lessons.format import Lesson
from engine.options import BadInput
from engine.requests.lessons import LessonAnswer, Predict

MOST_KEPT = 1_000  # answers a question; older ones go


class Answers:
    """Answers by lesson and block. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], deque[LessonAnswer]] = {}
        self._lock = threading.Lock()

    def add(self, lesson: Lesson, answer: LessonAnswer) -> None:
        """Take an answer. Raises ``BadInput`` if it answers no question of ``lesson``."""
        block = next((one for one in lesson.of_kind("predict") if one.id == answer.block), None)
        if block is None or not isinstance(block.spec, Predict):
            raise BadInput("the lesson has no such question.", "block", "Reload the page.")
        block.spec.check(answer.value)
        with self._lock:
            self._kept.setdefault((lesson.id, answer.block), deque(maxlen=MOST_KEPT)).append(answer)

    def of(self, lesson: str, block: str) -> list[LessonAnswer]:
        """What has been answered, oldest first."""
        with self._lock:
            return list(self._kept.get((lesson, block), ()))


ANSWERS = Answers()
