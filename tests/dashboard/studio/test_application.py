"""The studio as programs see it: how it starts, what it serves and what it refuses, gradio_client and MCP."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import gradio_client
import httpx
import pytest
from fastapi import FastAPI
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image
from starlette.responses import StreamingResponse
from starlette.types import Message

from dashboard import guard
from dashboard.access import Access
from dashboard.studio.application import Studio
from dashboard.studio.snippets import snippets
from engine.api import Engine
from tests.dashboard.conftest import ROOT, Server
from tests.dashboard.test_guard import ask, is_refusal
from tests.engine.made_translators import file_of, make_translator, photograph

SIZE = (48, 40)
PICTURE = file_of(photograph(SIZE[1], SIZE[0]))
UPLOADS = "/studio/gradio_api/upload"
FILE = {"_type": "gradio.FileData"}


def ready(server: Server) -> None:
    end = time.monotonic() + 120
    while server.http.get("/studio/state").json()["state"] != "ready":
        assert time.monotonic() < end, "the studio did not start"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A server with one tiny translator, whose studio has started."""
    runs = tmp_path_factory.mktemp("studio")
    (runs / ".cache" / "studio").mkdir(parents=True)
    (runs / ".cache" / "studio" / "of-an-earlier-start.png").touch()
    make_translator(runs / ".models" / "tiny", network="resnet_6")
    server = Server(runs)
    server.early = server.http.get("/studio/", headers={"accept": "text/html"})
    server.first = gradio_client.Client(  # its first request is held, not refused
        f"{server.url}/studio/", verbose=False, download_files=str(tmp_path_factory.mktemp("downloads"))
    )
    ready(server)
    yield server
    server.end()


@pytest.fixture(scope="module")
def client(studio):
    """Made while the studio was still being imported."""
    return studio.first


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(PICTURE)
    return str(path)


def test_it_says_that_it_is_loading_until_it_is_there(studio):
    assert studio.early.status_code == 503 and "loading" in studio.early.text
    assert (
        studio.early.headers["content-type"].startswith("text/html") and studio.early.headers["retry-after"]
    )
    page = studio.http.get("/studio/")
    assert page.status_code == 200 and "gradio_config" in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]


def test_the_address_without_its_slash_keeps_the_question(studio):
    answer = studio.http.get("/studio?model=tiny")
    assert answer.status_code == 307 and answer.headers["location"] == "/studio/?model=tiny"


def test_its_import_waits_while_somebody_draws(tmp_path):
    """Python imports and the pictures that follow a finger would share one processor."""

    async def scene():
        waiting = Studio(SimpleNamespace(runs_folder=tmp_path))
        waiting.put_off()  # nothing has been asked for yet: nothing to put off
        assert waiting._timer is None
        waiting.start_soon()
        first = waiting._timer
        waiting.put_off()
        assert first.cancelled() and waiting._timer.when() > first.when() and waiting.state == "idle"
        await waiting.close()
        assert waiting._timer.cancelled()

    asyncio.run(scene())


def test_no_result_comes_after_that_of_a_later_request(studio):
    """Two events that both show results would race; and one that lets a second begin would, with itself."""
    config = studio.http.get("/studio/config").json()
    names = {one["id"]: one["props"].get("elem_id") for one in config["components"]}
    ids = {name: number for number, name in names.items()}
    shows = [one for one in config["dependencies"] if ids["result"] in one["outputs"]]
    assert [one["trigger_mode"] for one in shows] == ["always_last"] * 2
    renews, sketches = sorted(shows, key=lambda one: [ids["pad"], "change"] in one["targets"])
    assert [event for _, event in renews["targets"]] == ["change"] and renews["trigger_after"] is None
    assert sketches["targets"] == [[ids["pad"], "change"]]  # which gives way to any later request by itself


def test_files_of_earlier_starts_are_gone_and_its_folder_is_private(studio):
    folder = studio.runs / ".cache" / "studio"
    assert not (folder / "of-an-earlier-start.png").exists()
    assert folder.stat().st_mode & 0o077 == 0


def test_the_server_has_not_loaded_torch(studio, client, picture):
    client.predict(gradio_client.handle_file(picture), model="tiny", api_name="/translate")
    loaded = Path(f"/proc/{studio.process.pid}/maps")
    if not loaded.exists():
        pytest.skip("no /proc here")
    assert "gradio" in str(studio.http.get("/studio/").text)
    assert "libtorch" not in loaded.read_text()


# --- what is not served


@pytest.mark.parametrize(
    "path",
    [
        "file=/etc/passwd",
        "file=../../../../../../etc/passwd",
        "file=%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "file={runs}/.cache/studio/../../.models/tiny/config.json",
        "file={runs}/.models/tiny/config.json",
        f"file={ROOT}/run_dashboard.py",
        "file=http://127.0.0.1/x.png",
        "file=HTTPS:/example.org/x.png",
        "proxy=http://example.org/",
        "runs",
        "vibe-code/",
        "../docs",
        "openapi.json",
        "../monitoring",
        "../static/..%2f..%2f..%2fblocks.py",
    ],
)
def test_nothing_else_of_this_machine_or_of_others_is_served(studio, path):
    """By a socket: clients tidy such paths up."""
    host, port = studio.url.removeprefix("http://").split(":")
    address = f"/studio/gradio_api/{path.format(runs=studio.runs)}"
    with socket.create_connection((host, int(port))) as line:
        head = f"GET {address} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.split(b" ", 2)[1] in (b"403", b"404")
    assert b"root:" not in answer and b'"gan"' not in answer


def predict(studio: Server, *values: object) -> str:
    """A call without the client's good manners; the text of its events."""
    answer = studio.http.post("/studio/gradio_api/call/translate", json={"data": list(values)})
    if answer.status_code != 200:
        return answer.text
    return studio.http.get(f"/studio/gradio_api/call/translate/{answer.json()['event_id']}").text


@pytest.mark.parametrize("meta", [{"meta": FILE}, {}])
@pytest.mark.parametrize("where", ["picture.png", "../picture.png", "http"])
def test_a_request_cannot_name_a_file_that_was_not_sent(studio, picture, where, meta):
    """A real picture elsewhere, so that only the refusal keeps it from being translated."""
    (studio.runs / "picture.png").write_bytes(PICTURE)
    path = {
        "picture.png": picture,
        "../picture.png": f"{studio.runs}/.cache/studio/../../picture.png",
        "http": f"{studio.url}/api/models/tiny/strip.png",
    }[where]
    said = predict(studio, {"path": path, **meta}, "tiny", "a_to_b")
    assert "event: error" in said and "event: complete" not in said
    assert "not uploaded" in said or "not sent" in said or "fetches nothing" in said


BODIES = [b'{"data": [%s, "tiny", "a_to_b"], "fn_index": 0, "session_hash": "x"}' % value for value in (
    b"NaN", b"-Infinity", b"1e999", b"9" * 400, b'"\\ud800"', b'{"path": "\\udfff"}', b"[" * 50 + b"]" * 50,
)]  # fmt: skip
WAYS = ["queue/join", "call/translate", "call/translators", "call/v2/translate", "cancel", "reset", "mcp/"]


@pytest.mark.parametrize("way", WAYS)
def test_numbers_and_characters_that_are_none_are_refused(studio, way):
    for body in BODIES:
        answer = studio.http.post(
            f"/studio/gradio_api/{way}", content=body, headers={"content-type": "application/json"}
        )
        assert is_refusal(answer, 400), (body, answer.text)


def test_an_svg_that_was_sent_is_not_served_as_a_page(studio):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    [path] = studio.http.post(UPLOADS, files={"files": ("x.svg", svg, "image/svg+xml")}).json()
    predict(studio, {"path": path, "meta": FILE}, "tiny", "a_to_b")
    served = studio.http.get(f"/studio/gradio_api/file={path}")
    assert served.headers["content-disposition"].startswith("attachment")


def test_an_upload_stays_in_its_folder(studio):
    [path] = studio.http.post(UPLOADS, files={"files": ("../../../x.png", PICTURE)}).json()
    assert Path(path).resolve().is_relative_to((studio.runs / ".cache" / "studio").resolve())


@pytest.mark.parametrize("path", [UPLOADS, "/studio/gradio_api/mcp/"])
def test_viewers_send_less_than_the_presenter(monkeypatch, path):
    monkeypatch.setattr(guard, "PICTURE_LIMIT", 2000)
    viewer = Access(lan=True)
    assert ask(path, "POST", content=b"x" * 2000, access=viewer).status_code == 200
    assert is_refusal(ask(path, "POST", content=b"x" * 2001, access=viewer), 413)
    assert ask(path, "POST", content=b"x" * 5000).status_code == 200
    assert is_refusal(ask(path, "POST", content=b"x" * 5001), 413)
    assert is_refusal(ask("/studio/gradio_api/queue/join", "POST", content=b"x" * 1001), 413)


# --- programs


def test_gradio_client_translates_a_picture(client, picture):
    made = client.predict(gradio_client.handle_file(picture), model="tiny", api_name="/translate")
    assert Image.open(made).size == SIZE
    back = client.predict(
        gradio_client.handle_file(picture), model="tiny", direction="b_to_a", api_name="/translate"
    )
    assert Image.open(back).tobytes() != Image.open(made).tobytes()


def test_and_lists_what_translates(client):
    cards = {card["id"]: card for card in client.predict(api_name="/translators")}
    assert cards["tiny"]["directions"] == ["a_to_b", "b_to_a"]


def test_what_is_refused_is_said_in_the_engines_words(client, picture):
    with pytest.raises(AppError, match="no model called nobody"):
        client.predict(gradio_client.handle_file(picture), model="nobody", api_name="/translate")


def test_agents_translate_by_mcp(studio):
    data = "data:image/png;base64," + base64.b64encode(PICTURE).decode()

    async def scene():
        async with (
            streamablehttp_client(f"{studio.url}/studio/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            made = await session.call_tool("translate", {"picture": data, "model": "tiny"})
            refused = await session.call_tool("translate", {"picture": "http://127.0.0.1:9/x.png"})
        return tools, made, refused

    tools, made, refused = asyncio.run(scene())
    assert tools == {"translate", "translators"}
    assert not made.isError
    shown = next(part for part in made.content if part.type == "image")
    assert base64.b64decode(shown.data).startswith(b"\x89PNG")
    assert refused.isError and "fetches nothing" in str(refused.content)


def test_the_snippets_say_where_it_is(studio):
    texts = snippets("tiny", "b_to_a", studio.url)
    config = json.loads(texts["Agents (MCP)"])["mcpServers"]["ganscope"]
    assert httpx.get(config["url"], headers={"accept": "text/html"}).status_code == 200
    assert f"{studio.url}/api/translate/tiny" in texts["HTTP"] and "direction=b_to_a" in texts["HTTP"]
    compile(texts["Python"], "snippet", "exec")


def test_open_streams_do_not_hold_up_the_end(tmp_path):
    """An endless stream lasts until the server is told to end, and no longer."""
    app = FastAPI()

    @app.get("/gradio_api/heartbeat/{session}")
    async def heartbeat(session: str) -> StreamingResponse:
        async def beats():
            while True:
                yield b"ALIVE"
                await asyncio.sleep(0.01)

        return StreamingResponse(beats())

    async def live() -> None:
        studio = Studio(Engine(tmp_path), lambda engine, files: app)
        studio.start()
        while studio.state != "ready":
            await asyncio.sleep(0.01)
        begun, silence = asyncio.Event(), asyncio.Event()

        async def receive() -> Message:
            await silence.wait()  # a client that stays and says nothing
            raise AssertionError

        async def send(message: Message) -> None:
            begun.set()

        scope = {"type": "http", "method": "GET", "path": "/gradio_api/heartbeat/a", "headers": []}
        scope |= {"query_string": b"", "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.3"}}
        request = asyncio.create_task(studio(scope, receive, send))
        await begun.wait()
        await asyncio.sleep(0.05)
        assert not request.done()
        studio.leave()
        await asyncio.wait_for(request, 20)
        await studio.close()

    asyncio.run(live())
