"""The catalogue, data sets and uploads."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from engine.api.served import Role, Served, permit
from engine.options import Conflict, NotFound
from engine.runs.cards import Dataset
from engine.runs.folder import ACTIVE, RunFolder
from engine.server.catalogue import presets


class Data(Served):
    """What there is to choose from, and what is added to it."""

    def catalogue(self) -> dict[str, Any]:
        """GANs, objectives, stabilisers, data sets, shared options and presets, for reading only."""
        return self._catalogue.get()

    def presets(self) -> dict[str, Any]:
        """The prepared experiments alone; unlike the catalogue they are known before torch is loaded."""
        return presets()

    def dataset_thumbnail(self, name: str) -> bytes:
        """The PNG of a data set or, by its id, an upload. ``BadInput`` if it is missing."""
        return self._uploads.thumbnail(name) if self._uploads.has(name) else self._catalogue.thumbnail(name)

    def preset_picture(self, name: str) -> bytes:
        """The PNG on a preset's card."""
        return self._catalogue.preset_picture(name)

    def datasets(self) -> list[Dataset]:
        """Uploads, newest first: ``id``, ``name``, ``images``, ``classes``, ``skipped``, ``notes`` ..."""
        return self._uploads.list()

    def add_dataset(
        self,
        role: Role,
        name: str,
        files: list[Path],
        size: int,
        colour: bool,
        layout: str = "images",
        value_range: str = "",
        side_by_side: str = "auto",
    ) -> Dataset:
        """Make a data set of uploaded pictures and zips, in seconds. Returns its entry in ``datasets()``.

        ``layout`` is "images", "pairs" (A|B side by side, or folders A and B with equal names) or "domains".
        ``value_range``: the values of deep pictures that are black and white, such as "0 4095"; empty, chosen
        from all. ``side_by_side`` "always": files that may be single pictures are A|B all the same.
        """
        permit(role, "add data sets")
        return self._uploads.add(
            name=name,
            files=files,
            size=size,
            colour=colour,
            layout=layout,
            value_range=value_range,
            side_by_side=side_by_side,
        )

    def delete_dataset(self, role: Role, dataset: str) -> None:
        """Remove an upload. Raises ``Conflict`` while a run needs it."""
        permit(role, "delete data sets")
        for run in self._launcher.live(("queued", *ACTIVE)):
            options = {}
            with contextlib.suppress(NotFound):  # damaged, or deleted this moment
                options = RunFolder(self.runs_folder / run).config()["options"]
            if options.get("upload") == dataset:
                raise Conflict(f"the run {run} trains on it.", "id", "Stop that run first.")
        self._uploads.delete(dataset)
