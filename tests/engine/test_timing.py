"""How long a step takes is found out on real steps, of the run as it was asked for."""

import pytest

from engine import timing
from engine.options import BadInput


def test_a_larger_batch_takes_longer_and_nothing_is_refused_in_silence():
    small, large = (
        timing.time_step({"gan": "dcgan", "data": "mnist", "options": {"batch_size": size, "width": 8}})[
            "step_s"
        ]
        for size in (2, 128)
    )
    assert 0 < small < large
    with pytest.raises(BadInput):
        timing.time_step({"gan": "dcgan", "data": "ring"})
