"""A server below a path of a reverse proxy, which passes the path on or takes it off."""

from __future__ import annotations

import httpx
import pytest
from websockets.sync.client import connect

from dashboard.root import parse_root
from tests.dashboard.conftest import Server

ACCEPT = {"accept": "text/html"}


@pytest.fixture(scope="module")
def below(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("below"), "--lan", "--host=127.0.0.1", "--root-path=/gan/")
    yield started
    started.end()


@pytest.fixture(params=["passed on", "taken off"])
def proxied(below, request):
    """What a proxy asks of the server for an address below /gan."""
    with httpx.Client(
        base_url=below.url.removesuffix("/gan" if request.param == "taken off" else "")
    ) as http:
        yield http


@pytest.mark.parametrize(("path", "to"), [("/api", "/gan/api/"), ("/studio?x=1", "/gan/studio/?x=1")])
def test_redirects_stay_below_it(proxied, path, to):
    assert proxied.get(path).headers["location"] == to


def test_the_docs_stay_below_it(proxied):
    assert proxied.get("/api/").headers["location"] == "/gan/api/docs"
    assert "'/gan/api/openapi.json'" in proxied.get("/api/docs").text
    assert '"/gan/api"' in proxied.get("/api/openapi.json").text


@pytest.mark.parametrize("path", ["/", "/train"])
def test_pages_are_told_of_it(proxied, path):
    page = proxied.get(path, headers=ACCEPT)
    assert page.status_code == 200 and 'BACKEND_BASE_URL:new URL("/gan/",' in page.text


@pytest.mark.parametrize("path", ["/_stcore/health", "/assets/live.js", "/api/presets/ring_collapse.png"])
def test_all_parts_are_below_it(proxied, path):
    assert proxied.get(path).status_code == 200


def test_limits_hold_below_it(proxied):
    files = {"file": b"x" * (2 << 20)}  # more than other bodies may have: let through, and then not found
    assert proxied.post("/api/models/none/project", files=files).status_code != 413
    assert proxied.post("/api/runs", content=b"x" * (2 << 20)).status_code == 413


def test_the_bare_path_is_led_to_the_site(below):
    assert httpx.get(below.url).headers["location"] == "/gan/"


def test_sockets_and_the_cookie_are_below_it(below):
    with connect(f"{below.url.replace('http', 'ws')}/_stcore/stream", proxy=None, open_timeout=60):
        pass
    code = next(line.split()[-1] for line in below.said if "code" in line)
    answer = below.http.post("/api/login", json={"code": code})
    assert "Path=/gan/" in answer.headers["set-cookie"]
    assert below.http.get("/api/health").json()["role"] == "presenter"


@pytest.mark.parametrize("text", ["/api", "studio/x", "/a//b", "/..", "/a?b", "http://a", "/a b", "/a\n"])
def test_what_cannot_be_told_from_our_own_is_refused(text):
    with pytest.raises(ValueError, match="/gan"):
        parse_root(text)


@pytest.mark.parametrize(("text", "root"), [("", ""), ("/", ""), ("gan", "/gan"), ("/a/b.c/", "/a/b.c")])
def test_a_root_is_read(text, root):
    assert parse_root(text) == root


def test_only_a_declared_proxy_says_who_asks(below):
    """Wrong codes are counted by host: those behind it apart; what anybody else says counts for nothing."""

    def status(forwarded, peer="127.0.0.1"):
        with httpx.Client(transport=httpx.HTTPTransport(local_address=peer)) as http:
            headers = {"x-forwarded-for": forwarded}
            return http.post(f"{below.url}/api/login", json={"code": "wrong"}, headers=headers).status_code

    assert [status(f"10.2.0.{n}, 10.1.0.1") for n in range(11)] == [403] * 10 + [429]
    assert status("10.1.0.2") == 403
    assert [status(f"10.3.0.{n}", "127.0.0.7") for n in range(11)] == [403] * 10 + [429]
