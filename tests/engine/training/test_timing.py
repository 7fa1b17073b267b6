"""How long a step takes is found out on real steps, of the run as it was asked for."""

import pytest

from engine.options import BadInput
from engine.training import timing


def test_it_is_found_out_on_the_run_as_asked_for():
    assert (
        timing.time_step({"gan": "dcgan", "data": "mnist", "options": {"batch_size": 2, "width": 4}})[
            "step_s"
        ]
        > 0
    )
    with pytest.raises(BadInput) as refusal:
        timing.time_step({"gan": "dcgan", "data": "ring"})
    assert refusal.value.field == "data"
