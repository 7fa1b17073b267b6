"""Projections of pictures into a latent space, as jobs of the desk: one a viewer. No torch."""

from __future__ import annotations

from typing import Any

from engine.requests.viewer import Viewer
from engine.server.desk import Desk, Job, Kind, gone
from engine.server.turns import QueuedRequest

PROJECTION = Kind("projection", of_one=1, of_all=40, kept=100)


class Projections:
    """Starts, shows and cancels projections."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def start(
        self, model: str, folder: str, viewer: Viewer, arguments: dict[str, Any], about: dict[str, Any]
    ) -> str:
        """Begin, or queue, a projection; returns its id. ``about`` is repeated in its status.

        Raises ``TooMany`` while another one of this viewer's, or too many others, are not done.
        """
        asked = QueuedRequest(folder, {"kind": "project", "arguments": arguments}, viewer)
        return self._desk.take(Job(PROJECTION, model, asked, about={**about, "model": model})).id

    def status(self, model: str, id: str) -> dict[str, Any]:
        """How far it is and what it has found. Raises ``NotFound``."""
        job = self._job(model, id)
        shown = job.result or job.asked.state.get("shown", {})
        status = {"state": job.state, "progress": 0.0, "best": None, "encoder": None, "rate": None}
        status |= {"eta_s": job.eta_s(shown.get("progress", 0.0)), "nearest": [], **job.about, **shown}
        if job.state == "queued":
            status["ahead"] = self._desk.ahead(job)
        if job.error is not None:
            status |= job.error.as_dict()
        return status

    def cancel(self, model: str, id: str) -> None:
        """End it, if it has not ended. Raises ``NotFound``."""
        self._desk.cancel(self._job(model, id))

    def _job(self, model: str, id: str) -> Job:
        job = self._desk.find(PROJECTION, id)
        if job.model != model:
            raise gone(PROJECTION)
        return job
