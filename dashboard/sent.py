"""Folders for what is sent, under the runs folder, which one server owns at a time: what a server that was
killed has left there goes when the next one starts.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engine.api import Engine

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


@contextmanager
def sent_folder(engine: Engine) -> Iterator[Path]:
    """A new folder that is removed in the end."""
    place = _place(engine)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def written(folder: Path, files: Sequence[UploadedFile], unnamed: str) -> list[Path]:
    """Streamlit's ``files`` in ``folder``. Two may have one name, so each gets a folder of its own."""
    paths = []
    for number, file in enumerate(files):
        path = folder / str(number) / (PurePosixPath(file.name.replace("\\", "/")).name or unnamed)
        path.parent.mkdir()
        path.write_bytes(file.getbuffer())
        paths.append(path)
    return paths


def sweep(engine: Engine) -> None:
    """Remove all of them: none is in use when a server begins or ends."""
    shutil.rmtree(_place(engine), ignore_errors=True)


def _place(engine: Engine) -> Path:
    return engine.runs_folder / ".cache" / "sent"
