"""Which host a request is counted by."""

from types import SimpleNamespace

import pytest

from dashboard.hosts import host_of
from engine.requests.viewer import HERE


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", HERE),
        ("::1", HERE),
        ("::ffff:127.0.0.1", HERE),
        ("", HERE),
        ("127.0.0.2", "127.0.0.2"),
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::dead:beef", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("x" * 9000, "x" * 100),
    ],
)
def test_addresses_that_one_may_choose_among_are_one_host(address, host):
    assert host_of(SimpleNamespace(client=SimpleNamespace(host=address))) == host
    assert host_of(SimpleNamespace(client=None)) == HERE
