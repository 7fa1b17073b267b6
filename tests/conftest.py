"""What tests of every part share."""

import pytest

from tests.preloaded import Python


@pytest.fixture(scope="session")
def python():
    """Runs commands of ours: ``python.run("engine", "list", cwd=...)``."""
    process = Python()
    yield process
    process.end()
