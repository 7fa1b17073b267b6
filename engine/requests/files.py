"""Files that come with a request: where they lie meanwhile, or for short ones what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MOST_FILES = 5000  # in one form; a zip may hold more
_FILE = {"type": "string", "format": "binary"}


def _contents(file: Any) -> Any:
    return file.read_bytes() if isinstance(file, Path) else file


Picture = Annotated[bytes, BeforeValidator(_contents), WithJsonSchema(_FILE)]
File = Annotated[Path, WithJsonSchema(_FILE)]
Files = Annotated[list[File], Field(min_length=1, max_length=MOST_FILES)]
