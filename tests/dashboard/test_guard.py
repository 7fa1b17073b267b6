"""The guard around a small application: what it lets through, and in which state."""

from __future__ import annotations

import asyncio
import errno

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard import guard
from dashboard.access import Access
from dashboard.guard import Guard

HOST = "localhost:8501"


async def echo(scope, receive, send):
    """Says how many bytes came and which role it was told."""
    if scope["path"] == "/broken":
        raise RuntimeError("a secret of the server")
    size = 0
    async for part in Request(scope, receive).stream():
        size += len(part)
    roles = [value.decode() for key, value in scope["headers"] if b"role" in key.lower()]
    await JSONResponse({"size": size, "roles": roles})(scope, receive, send)


def ask(path="/", method="GET", access=None, headers=None, content=None, host=HOST, app=echo):
    async def scene():
        guard = Guard(app, access or Access(), body_limit=1000, upload_limit=5000)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guard), base_url=f"http://{HOST}"
        ) as client:
            return await client.request(
                method, path, headers={"host": host, **(headers or {})}, content=content
            )

    return asyncio.run(scene())


def is_refusal(response, status):
    body = response.json()
    return (
        response.status_code == status
        and set(body) == {"error", "field", "remedy"}
        and body["error"]
        and body["remedy"]
    )


async def parts(sizes):
    for size in sizes:
        yield b"x" * size


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example:8501", "192.168.1.7:8501"])
def test_a_foreign_host_is_refused(host):
    assert is_refusal(ask(host=host), 421)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:8501"]
)
def test_a_foreign_page_is_refused(method, origin):
    assert is_refusal(ask(method=method, headers={"origin": origin}), 403)


def test_the_own_page_and_programs_come_through():
    assert ask(method="POST", headers={"origin": f"http://{HOST}"}).status_code == 200
    assert ask(method="POST").status_code == 200


@pytest.mark.parametrize("name", ["x-ganscope-role", "X-GANscope-Role", "x_ganscope_role"])
def test_nobody_names_his_own_role(name):
    assert ask(headers={name: "presenter"}, access=Access(lan=True)).json()["roles"] == ["viewer"]
    assert ask(headers={name: "viewer"}).json()["roles"] == ["presenter"]


def test_the_cookie_makes_the_role():
    access = Access(lan=True)
    cookie = f"{access.cookie}={access.log_in(access.code, 'here')}"
    assert ask(headers={"cookie": cookie}, access=access).json()["roles"] == ["presenter"]


@pytest.mark.parametrize("content", [b"x" * 1001, b"x" * 50_000])
def test_a_body_too_large_is_refused_by_its_length(content):
    assert is_refusal(ask(method="POST", content=content), 413)


@pytest.mark.parametrize("sizes", [[1001], [600, 600], [1] * 1001, [1000, 0, 1]])
def test_and_without_a_length_as_it_streams(sizes):
    assert is_refusal(ask(method="POST", content=parts(sizes)), 413)


@pytest.mark.parametrize("content", [b"", b"x" * 1000, parts([500, 500])])
def test_what_fits_comes_through(content):
    assert ask(method="POST", content=content).status_code == 200


def test_uploads_may_be_larger_for_the_presenter_alone():
    large, larger, here = b"x" * 5000, b"x" * 5001, "/api/datasets"
    assert ask(here, "POST", content=large).json()["size"] == 5000
    assert is_refusal(ask(here, "POST", content=larger), 413)
    assert is_refusal(ask(here, "POST", content=large, access=Access(lan=True)), 413)
    assert is_refusal(ask("/api/datasets2", "POST", content=large), 413)


def test_bodies_that_are_on_their_way_share_the_room(monkeypatch):
    monkeypatch.setattr(guard, "ARRIVING", 1000)
    busy = asyncio.Event()

    async def slow():
        yield b"x" * 400
        await busy.wait()
        yield b"x" * 100

    async def scene():
        app = Guard(echo, Access(), body_limit=1000)
        clients = [
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app, client=(address, 1)), base_url=f"http://{HOST}"
            )
            for address in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2")
        ]
        waiting = [asyncio.create_task(clients[0].post("/", content=slow()))]
        while not app._arriving:
            await asyncio.sleep(0)
        refused = await clients[1].post(
            "/", content=parts([400])
        )  # three quarters of the room are one host's
        other = await clients[3].post("/", content=parts([500]))
        busy.set()
        await asyncio.gather(*waiting)
        again = await clients[2].post("/", content=parts([400]))
        return refused, other, again, app._arriving

    refused, other, again, left = asyncio.run(scene())
    assert is_refusal(refused, 503) and "too much is being sent" in refused.text
    assert other.status_code == again.status_code == 200 and not left


def test_a_fault_of_ours_says_nothing_about_itself():
    response = ask("/broken")
    assert response.status_code == 500 and set(response.json()) == {"error", "field", "remedy"}
    assert "secret" not in response.text and "Traceback" not in response.text


def test_a_full_disk_is_said_whatever_was_asked_for():
    async def full(scope, receive, send):
        raise OSError(errno.ENOSPC, "No space left on device", "/secret")

    response = ask("/", app=full)
    assert is_refusal(response, 507) and response.json()["remedy"].startswith("Make room")


@pytest.mark.parametrize(("path", "host"), [("/", HOST), ("/", "evil.example"), ("/broken", HOST)])
def test_every_answer_carries_the_security_headers(path, host):
    headers = ask(path, host=host).headers
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert (
        "frame-ancestors 'self'" in policy
        and "http:" not in policy
        and "https:" not in policy
        and " *" not in policy
    )


def test_a_header_that_the_application_set_stays():
    async def app(scope, receive, send):
        await JSONResponse({}, headers={"Referrer-Policy": "no-referrer"})(scope, receive, send)

    assert ask(app=app).headers.get_list("referrer-policy") == ["no-referrer"]
