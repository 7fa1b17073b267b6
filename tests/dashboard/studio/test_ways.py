"""What the studio offers beside model and direction is what the API takes, where it changes something."""

from typing import Any

from pydantic import ValidationError

from dashboard.studio.ways import CONTROLS, USUAL, changed, choices_of
from engine.requests.translation import Translate

UNET = {"network": "unet", "norm": "batch", "has_dropout": True, "given": [1, 64, 64], "shape": [3, 64, 64]}
RESNET = {**UNET, "network": "resnet_9", "norm": "instance", "has_dropout": False, "shape": [4, 64, 64]}


def refused(options: dict[str, Any]) -> bool:
    try:
        Translate.read(options)
    except (ValueError, ValidationError):
        return True
    return False


def test_all_that_can_be_chosen_is_what_the_api_takes() -> None:
    for name, control in CONTROLS.items():
        assert USUAL[name] == Translate.model_fields[name].default
        for value in control.values.values():
            options = changed({"scale": "whole", name: value})
            assert not refused(options)  # also beside the reference's way, which sets the size
    assert refused({"scale": "whole", "preprocess": "none"})


def test_only_what_changes_something_is_offered() -> None:
    assert [len(choices_of(UNET, name)) for name in CONTROLS] == [4, 3, 3, 4]
    assert [len(choices_of(RESNET, name)) for name in CONTROLS] == [3, 0, 0, 0]
    assert not any(choices_of(None, name) for name in CONTROLS)
