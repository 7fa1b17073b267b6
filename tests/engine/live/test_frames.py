import numpy as np
import pytest

from engine.live.frames import pack, unpack


def test_a_frame_comes_back_as_it_was_packed():
    arrays = {
        "fake": np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2),
        "heat": np.arange(9, dtype=np.uint8).reshape(3, 3),
        "samples": b"\x89PNG, or so",
    }
    header, back = unpack(pack({"kind": "points", "step": 7, "share": None}, arrays))
    assert header == {"v": 1, "kind": "points", "step": 7, "share": None}
    assert list(back) == list(arrays)
    assert back["samples"] == arrays["samples"]
    for name in ("fake", "heat"):
        assert back[name].dtype == arrays[name].dtype
        np.testing.assert_array_equal(back[name], arrays[name])


def test_arrays_begin_at_multiples_of_eight_so_that_a_browser_can_view_them_in_place():
    frame = pack({"step": 1}, {"a": np.zeros(3, np.uint8), "b": np.ones((2, 2), np.float32)})
    length = int.from_bytes(frame[:4], "little")
    assert (4 + length) % 8 == 0
    assert len(frame) == 4 + length + 8 + 16


def test_an_array_that_is_not_contiguous_is_packed_in_its_own_order():
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(unpack(pack({}, {"a": turned}))[1]["a"], turned)


@pytest.mark.parametrize("kept", [0, 3, 20, -1])
def test_a_frame_cut_short_is_refused(kept):
    frame = pack({"step": 1}, {"a": np.zeros(4, np.float32)})
    with pytest.raises(ValueError, match="cut short"):
        unpack(frame[:kept])


def test_a_type_that_the_browser_does_not_know_is_refused():
    with pytest.raises(AssertionError, match="float64"):
        pack({}, {"a": np.zeros(3)})
