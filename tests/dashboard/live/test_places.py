"""Places for sockets: the hosts of a room do not take each other's."""

import contextlib
from types import SimpleNamespace

import pytest

from dashboard.errors import Refusal
from dashboard.live.places import IN_ALL, OF_A_HOST, Places


def socket(host):
    return SimpleNamespace(client=SimpleNamespace(host=host, port=1))


def test_one_host_does_not_take_the_places_of_others():
    places = Places()
    with contextlib.ExitStack() as open_:
        for _ in range(OF_A_HOST):
            open_.enter_context(places.hold(socket("10.0.0.2")))
        with pytest.raises(Refusal, match="too many"), places.hold(socket("10.0.0.2")):
            pass
        with places.hold(socket("10.0.0.3")):
            assert places.taken == OF_A_HOST + 1
        for _ in range(IN_ALL):  # this machine, or a proxy in front of it that nobody has declared
            open_.enter_context(places.hold(socket("127.0.0.1")))
        with pytest.raises(Refusal), places.hold(socket("::1")):
            pass
        with places.hold(socket("10.0.0.3")):
            assert places.taken == OF_A_HOST + IN_ALL + 1
    assert places.taken == 0
    with places.hold(socket("10.0.0.2")):
        assert places.taken == 1
