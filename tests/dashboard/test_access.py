"""Names that this server answers to, pages that may use it, and the presenter's code."""

from __future__ import annotations

import pytest

from dashboard import access as rules
from dashboard.access import PRESENTER, VIEWER, Access, parse_host, same_origin
from dashboard.errors import Refusal
from engine.options import BadInput, Forbidden

LOCAL = [
    "localhost",
    "localhost:8501",
    "LOCALHOST:1",
    "localhost.",
    "127.0.0.1:8501",
    "127.8.9.1",
    "[::1]:8501",
    "[::1]",
]
FOREIGN = [
    "evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0:8501",
    "[::]", "2130706433", "0x7f.1", "", ":8501", "localhost:", "localhost:x", "localhost:999999",
    "a@localhost", "localhost/x", "localhost evil.example", "localhost\tx", "[::1", "::1", "локалхост",
    "localhost#", "user:pass@127.0.0.1", "*",
]  # fmt: skip


@pytest.mark.parametrize("host", LOCAL)
def test_the_loopback_is_known_everywhere(host):
    assert Access().knows_host(host) and Access(lan=True).knows_host(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_names_are_refused_everywhere(host):
    assert not Access().knows_host(host) and not Access(lan=True).knows_host(host)


@pytest.mark.parametrize("host", ["192.168.1.7:8501", "10.0.0.1", "[fe80::1]:8501", "8.8.8.8"])
def test_addresses_are_known_only_to_a_server_that_is_open(host):
    assert not Access().knows_host(host) and Access(lan=True).knows_host(host)


def test_further_names_are_allowed_one_by_one():
    access = Access(allow_hosts=["Class.example.org:443"])
    assert access.knows_host("class.example.org") and access.knows_host("CLASS.example.org:8501")
    assert not access.knows_host("other.example.org")
    with pytest.raises(BadInput) as problem:
        Access(allow_hosts=["no/host"])
    assert problem.value.field == "allow-host"


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("https://localhost:8501", "localhost:8501", True),
        ("http://localhost", "localhost", True),
        ("http://localhost", "localhost:80", False),
        ("http://LOCALHOST:8501", "localhost:8501", False),
        ("https://class.example.org", "class.example.org", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("http://localhost:3000", "localhost:8501", False),
        ("http://localhost:8501", "127.0.0.1:8501", False),
        ("http://evil.example:8501", "localhost:8501", False),
        ("http://localhost:8501.evil.example", "localhost:8501", False),
        ("http://localhost:8501@evil.example", "localhost:8501", False),
        ("null", "localhost:8501", False),
        ("", "localhost:8501", False),
        ("file://", "localhost:8501", False),
        ("ftp://localhost:8501", "localhost:8501", False),
        ("http://", "localhost:8501", False),
        ("localhost:8501", "localhost:8501", False),
    ],
)
def test_origins(origin, host, same):
    assert same_origin(origin, host) is same


def test_on_the_loopback_everyone_is_the_presenter():
    assert Access().role("") == PRESENTER


def test_in_a_network_the_code_makes_the_presenter():
    access = Access(lan=True, port=8501)
    assert len(access.code) == 9 and access.role("") == VIEWER
    value = access.log_in(f"  {access.code.upper().replace('-', ' ')} ", "10.0.0.2")
    assert access.role(f"other=1; {access.cookie}={value}; x=y") == PRESENTER
    until, mac = value.split(".")
    for forged in (
        "",
        until,
        f"{until}.",
        f"{until}.{'0' * 64}",
        f"9{until[1:]}.{mac}",
        f"-1.{mac}",
        f"²{value}",
        "x" * 9999,
    ):
        assert access.role(f"{access.cookie}={forged}") == VIEWER, forged
    assert (
        Access(lan=True, port=8501).role(f"{access.cookie}={value}") == VIEWER
    )  # another server, another key


def test_a_cookie_ends(monkeypatch):
    access = Access(lan=True)
    value = access.log_in(access.code, "10.0.0.2")
    end = rules.time.time() + rules.COOKIE_AGE_S
    monkeypatch.setattr(rules.time, "time", lambda: end + 1)
    assert access.role(f"{access.cookie}={value}") == VIEWER


def test_guessing_is_slow():
    access = Access(lan=True)
    for _ in range(rules.WRONG_CODES):
        with pytest.raises(Forbidden):
            access.log_in("aaaa-aaaa", "10.0.0.2")
    with pytest.raises(Refusal) as refusal:
        access.log_in("aaaa-aaab", "10.0.0.2")
    assert refusal.value.status == 429
    assert access.log_in(access.code, "10.0.0.2")  # who knows it may share the address of who does not


def test_who_has_logged_out_is_out_whoever_kept_the_cookie():
    access = Access(lan=True)
    mine, other = (f"{access.cookie}={access.log_in(access.code, 'here')}" for _ in range(2))
    access.log_out(mine)
    assert access.role(mine) == VIEWER and access.role(other) == PRESENTER
    access.log_out("x=1; " + mine)
    assert access.role(other) == PRESENTER


def test_codes_differ():
    assert len({Access(lan=True).code for _ in range(50)}) == 50


def test_hosts_are_read_without_brackets_and_port():
    assert (
        parse_host("[::1]:80") == ("::1", 80)
        and parse_host("A.b") == ("a.b", None)
        and parse_host("a b") is None
    )
