"""Requests: what each documents of itself can be asked for."""

import importlib
import pkgutil

import pytest

from engine import requests
from engine.requests.base import Request


def of(model):
    """All requests that derive from ``model``."""
    return [one for below in model.__subclasses__() for one in (below, *of(below))]


for module in pkgutil.iter_modules(requests.__path__, f"{requests.__name__}."):
    importlib.import_module(module.name)
REQUESTS = [model for model in of(Request) if model.__module__.startswith("engine.requests")]


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.__name__)
def test_the_example_of_a_request_can_be_used(model, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"a")
    about = model.model_json_schema()
    files = {name: one for name, one in about["properties"].items() if "'binary'" in str(one)}
    files = {name: [picture] if one.get("type") == "array" else picture for name, one in files.items()}
    for example in about["examples"]:
        asked = model.read({**example, **files})
        assert model.read(asked.plain()) == asked  # as it goes to a child
