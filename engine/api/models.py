"""Models: exploring them, translating and projecting with them, adding and exporting them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.api.runs import Runs
from engine.api.served import Role, permit
from engine.requests.viewer import SERVER, Viewer
from engine.runs.cards import ModelCard
from engine.runs.names import check_name
from engine.server.exploring import Answer
from engine.server.translations import Translated


class Models(Runs):
    """Models that ship, that were added, and that runs have left."""

    def models(self) -> list[ModelCard]:
        """Cards of all models: those that ship, those added, then runs with a checkpoint, newest first."""
        cards = self._exploring.shelf.list(self.runs())
        for card in cards:
            card["gone"] = card.get("gone") or self._catalogue.gone(card)
        return cards

    def model(self, model: str) -> dict[str, Any]:
        """One model in full: card, sizes, codes, directions with their names. Raises ``NotFound``."""
        return self._exploring.details(model)

    def explore(
        self,
        model: str,
        kind: str,
        arguments: dict[str, Any],
        viewer: Viewer,
        control: str = "",
        sequence: int | None = None,
    ) -> Answer:
        """What a model makes of a request: ``kind`` is one of ``engine.explore.calls``. Unlike all other
        methods, this one does not wait: it gives a future. See ``engine.server.turns`` for ``viewer`` and
        what follows.
        """
        return self._exploring.ask(model, kind, arguments, viewer, control, sequence)

    def model_strip(self, model: str) -> bytes:
        """A PNG of a model's samples of the seeds 0 to 7 side by side."""
        return self._exploring.strip(model)

    def score_histograms(self, model: str) -> dict[str, Any]:
        """How a model's discriminator scores real and generated data."""
        return self._exploring.histograms(model)

    def model_weights(self, model: str, viewer: Viewer = SERVER) -> Path:
        """A safetensors file of a model's networks, averages in place. Raises ``TooMany``."""
        return self._exploring.weights(model, viewer)

    def translation_examples(self, model: str, direction: str) -> list[bytes]:
        """PNGs of held-out pictures to try a translator on in ``direction``; none without its data."""
        return self._exploring.examples(model, "a" if direction == "a_to_b" else "b")

    def translators(self) -> list[dict[str, Any]]:
        """Cards of the models that translate, each with ``directions``, ``names`` of its sides, ``network``,
        ``size``, ``given``, ``shape`` and ``has_back``.
        """
        return self._exploring.translators(self.models())

    def translate(
        self,
        model: str,
        picture: bytes | Path,
        options: dict[str, Any],
        viewer: Viewer,
        control: str = "",
        sequence: int | None = None,
    ) -> Translated:
        """One picture's translation, some day: a future with its job's id as ``job``. Its result: ``png``,
        ``back``, ``patches``, ``width``, ``height``, ``seconds``, ``notes`` ... (``engine.translation``).
        Of one ``viewer`` and ``control`` only the newest ``sequence`` waits. Raises ``BadInput`` and its
        kinds.
        """
        folder = self._exploring.shelf.folder(model)
        return self._exploring.translations.translate(
            (model, folder), picture, options, viewer, control, sequence
        )

    def start_translation(
        self, model: str, files: list[Path], options: dict[str, Any], viewer: Viewer, many: bool | None = None
    ) -> str:
        """Translate pictures and zips of pictures, which are copied; returns the job."""
        folder = self._exploring.shelf.folder(model)
        return self._exploring.translations.start((model, folder), list(files), options, viewer, many)

    def translation(self, job: str) -> dict[str, Any]:
        """How far a translation is, and what has failed. Raises ``NotFound``."""
        return self._exploring.translations.status(job)

    def translation_changed(self, job: str, seen: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """``translation``, as soon as it is no longer what was ``seen``, or the time is over. Raises
        ``NotFound``.
        """
        return self._exploring.translations.changed(job, seen, timeout_s)

    def translation_result(self, job: str) -> dict[str, Any]:
        """What came of a translation: as of ``translate``, or of many ``{"zip", "done", "failed"}``."""
        return self._exploring.translations.result(job)

    def cancel_translation(self, job: str) -> None:
        """End a translation and remove its files. Raises ``NotFound``."""
        self._exploring.translations.cancel(job)

    def project(self, model: str, viewer: Viewer, arguments: dict[str, Any], about: dict[str, Any]) -> str:
        """Look for a picture in a model's latent space (``engine.explore.projection``); returns the job."""
        folder = str(self._exploring.shelf.folder(model))
        return self._exploring.projections.start(model, folder, viewer, arguments, about)

    def projection(self, model: str, job: str) -> dict[str, Any]:
        """How far a projection is, and what it has found. Raises ``NotFound``."""
        return self._exploring.projections.status(model, job)

    def cancel_projection(self, model: str, job: str) -> None:
        """End a projection. Raises ``NotFound``."""
        self._exploring.projections.cancel(model, job)

    def name_directions(self, role: Role, model: str, names: object) -> dict[str, str]:
        """Keep names for directions: {"d1": "slant"}; an empty one takes a name away. Returns all."""
        permit(role, "name directions")
        return self._exploring.name_directions(model, names)

    def add_model(
        self, role: Role, name: str, files: list[Path], chosen: dict[str, Any] | None = None
    ) -> ModelCard:
        """Make a model from weight files of pix2pix or CycleGAN. ``chosen`` (``engine.requests.models``) says
        what the files do not. Returns its entry in ``models()``.
        """
        permit(role, "add models")
        return self._exploring.shelf.card(self._added.add(name, files, chosen))

    def rename_model(self, role: Role, model: str, name: object) -> None:
        """Give an added model another name: plain text of 1 to 80 characters."""
        permit(role, "rename models")
        self._exploring.shelf.rename(model, check_name(name))

    def export_model(
        self, model: str, to: str, direction: str | None = None, viewer: Viewer = SERVER
    ) -> Path:
        """A model's generator as onnx, safetensors or torchscript. Its card lies beside it, with ``.md``
        added to the name. Raises ``TooMany`` while too many of this ``viewer``'s are being written.
        """
        return self._exploring.export(model, to, direction, viewer)

    def browser_model(self, model: str, viewer: Viewer = SERVER) -> Path:
        """A model's generator for browsers, as a frame (``engine.explore.browser``). Raises ``BadInput`` for
        what only the server should draw, ``TooMany``.
        """
        return self._exploring.for_browser(model, viewer)

    def model_text(self, model: str) -> str:
        """A model's card in words, as Markdown; empty for a run."""
        return self._exploring.shelf.text(model)

    def delete_model(self, role: Role, model: str) -> None:
        """Remove an added model. Raises ``NotFound``, ``Conflict`` for any other."""
        permit(role, "delete models")
        self._exploring.shelf.delete(model)
