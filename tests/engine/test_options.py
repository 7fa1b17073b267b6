from typing import Literal

import pytest
from pydantic import model_validator

from engine.options import BadInput, Conflict, Options, describe, knob, validate


class Example(Options):
    rate: float = knob(1e-3, "Rate", "How fast.", gt=0, le=1, scale="log", live=True, group="optimizers")
    steps: int = knob(5, "Steps", "How many.", ge=1, le=10)
    loss: Literal["a", "b"] = knob("a", "Loss", "Which.", choices={"a": "The first", "b": "The second"})
    clip: float | None = knob(None, "Clip", "How much, if any.", ge=0)
    fast: bool = knob(False, "Fast", "Whether.")
    folder: str = knob("", "Folder", "Where.", max_length=10)

    @model_validator(mode="after")
    def _sensible(self):
        if self.fast and self.steps > 9:
            raise BadInput("ten steps are not fast.", "steps", "Take nine.")
        return self


def test_a_knob_is_described_for_a_form():
    fields = {field["name"]: field for field in describe(Example)}
    assert list(fields) == ["rate", "steps", "loss", "clip", "fast", "folder"]
    assert fields["rate"] == {
        "name": "rate", "label": "Rate", "help": "How fast.", "type": "float", "default": 1e-3, "min": 0,
        "min_excluded": True, "max": 1, "step": None, "scale": "log", "live": True, "group": "optimizers",
        "optional": False, "choices": [],
    }  # fmt: skip
    assert [fields[name]["type"] for name in fields] == ["float", "int", "choice", "float", "bool", "text"]
    assert fields["loss"]["choices"] == [
        {"value": "a", "label": "The first"},
        {"value": "b", "label": "The second"},
    ]
    assert fields["clip"]["optional"] and not fields["steps"]["optional"]
    assert not fields["steps"]["min_excluded"] and not fields["steps"]["live"]


def test_good_values_are_taken_over():
    options = validate(Example, {"rate": 0.5, "loss": "b", "clip": 2})
    assert options.model_dump() == {
        "rate": 0.5, "steps": 5, "loss": "b", "clip": 2.0, "fast": False, "folder": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field", "remedy"),
    [
        ({"rate": 0}, "rate", "above 0, at most 1; the default is"),
        ({"rate": 2.0}, "rate", "above 0, at most 1"),
        ({"rate": float("nan")}, "rate", "above 0, at most 1"),
        ({"rate": float("inf")}, "rate", "above 0, at most 1"),
        ({"rate": "0.5"}, "rate", "without quotes"),
        ({"rate": True}, "rate", "Give a number"),
        ({"fast": 1}, "fast", "true or false"),
        ({"fast": "yes"}, "fast", "true or false"),
        ({"steps": 11}, "steps", "from 1 to 10"),
        ({"steps": 10**30}, "steps", "from 1 to 10"),
        ({"steps": 2.5}, "steps", "from 1 to 10"),
        ({"steps": [1]}, "steps", "from 1 to 10"),
        ({"loss": "c"}, "loss", "one of: a, b"),
        ({"clip": -1}, "clip", "at least 0; the default is"),
        ({"folder": "x" * 10_000}, "folder", "Give a text"),
        ({"raet": 0.1}, "raet", "Did you mean rate"),
        ({"x" * 10_000: 1}, "x" * 80, "list"),
        ({"fast": True, "steps": 10}, "steps", "Take nine."),
    ],
)
def test_bad_values_name_the_field_and_the_remedy(values, field, remedy):
    with pytest.raises(BadInput) as caught:
        validate(Example, values)
    assert caught.value.field == field
    assert remedy in caught.value.remedy
    assert caught.value.error
    assert len(str(caught.value)) < 500


def test_an_error_keeps_its_kind_and_its_shape():
    error = Conflict("it runs", "run", "Stop it.")
    assert isinstance(error, ValueError) and isinstance(error, BadInput)
    assert error.as_dict() == {"error": "it runs", "field": "run", "remedy": "Stop it."}
    assert str(error) == "run: it runs Stop it."
