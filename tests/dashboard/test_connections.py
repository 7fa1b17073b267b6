"""Connections without end, too many of them, and handshakes that are none: refused, closed, hardly logged."""

import asyncio
import logging
import os
import resource
import socket

import pytest
import uvicorn

from dashboard import connections
from dashboard.connections import Bounded, Connection, Door, close_overdue


async def app(scope, receive, send):
    """Answers once the whole body is there."""
    while scope["type"] == "http" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def serve(scene, descriptors=1024, proxies=()):
    """Run ``scene(port, server)`` beside a server of our connections."""

    async def run():
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        door = Door(listener, descriptors, proxies)
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=Connection,
            ws=connections.Socket,
            log_level="warning",
            lifespan="off",
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([door]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            return await scene(port, server, door)
        finally:
            server.should_exit = True
            await serving

    return asyncio.run(run())


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"


def test_what_is_never_finished_is_closed_and_what_is_slow_is_not():
    async def scene(port, server, _):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        silent, half, stalled, slow = opened
        half[1].write(b"GET / HTTP/1.1\r\nHost:")
        stalled[1].write(HEAD)
        slow[1].write(HEAD)
        while [c.cycle is not None for c in server.server_state.connections].count(True) < 2:
            await asyncio.sleep(0.01)
        for second in range(0, 200, 10):  # of a clock of ours
            close_overdue(server.server_state.connections, float(second))
            if second % 20 == 10 and second < 170:  # a body of 9,000 bytes in 180 s
                heard = sum(c._heard for c in server.server_state.connections)
                slow[1].write(b"x" * 1024)
                while sum(c._heard for c in server.server_state.connections) <= heard:
                    await asyncio.sleep(0.01)
        assert [await reader.read() for reader, _ in (silent, half, stalled)] == [b""] * 3
        slow[1].write(b"x" * (9000 - 8 * 1024))
        assert (await slow[0].readline()).startswith(b"HTTP/1.1 200")
        # a connection that is used again and again waits for nobody
        for second in range(200, 300, 10):
            slow[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not (await slow[0].readline()).startswith(b"HTTP/1.1 200"):
                pass
            close_overdue(server.server_state.connections, float(second))
        for _, writer in opened:
            writer.close()

    serve(scene)


def test_a_host_gets_only_so_many_and_makes_room_by_closing(monkeypatch):
    monkeypatch.setattr(connections, "host_at", lambda address: "10.0.0.9")
    monkeypatch.setattr(connections, "OF_A_HOST", 5)

    async def scene(port, _, door):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        ends = [asyncio.ensure_future(reader.read()) for reader, _ in opened]
        await asyncio.wait(ends[5:])
        assert [end.done() for end in ends] == [False] * 5 + [True] * 3
        for _, writer in opened:
            writer.close()
        await asyncio.wait(ends)
        while door._open:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")

    serve(scene)


@pytest.mark.parametrize(("proxies", "host"), [(["127.0.0.0/8"], "10.0.0.9"), ((), "")])
def test_a_declared_proxy_and_this_machine_are_many(proxies, host, monkeypatch):
    monkeypatch.setattr(connections, "host_at", lambda address: host)
    monkeypatch.setattr(connections, "OF_A_HOST", 2)

    async def scene(port, *_):
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    serve(scene, proxies=proxies)


@pytest.mark.parametrize(
    "handshake",
    [
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200,
        b"GET / HTTP/1.1\r\nCookie: " + b"x" * 9000 + b"\r\n",
    ],
)
def test_a_handshake_that_cannot_be_read_is_refused(handshake):
    more = b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"

    async def scene(port, *_):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(handshake + more + b"Sec-WebSocket-Key: " + b"a" * 22 + b"==\r\n\r\n")
        return await reader.read()

    assert b" 400 Bad Request" in (said := serve(scene)) and b'"that is no WebSocket' in said


def test_the_same_complaint_is_logged_a_few_times(monkeypatch):
    filter, now = Bounded(), [0.0]
    monkeypatch.setattr(connections.time, "monotonic", lambda: now[0])

    def logged():
        record = logging.LogRecord("asyncio", 30, "", 0, "no room for %s\nfd=%s", ("x", 1), None)
        return filter.filter(record) and record.getMessage()

    assert [bool(logged()) for _ in range(1000)] == [True] * 5 + [False] * 995
    now[0] = 61.0
    assert logged().endswith("(and 995 more like it)")


def test_without_a_descriptor_the_next_is_turned_away_and_the_server_goes_on(monkeypatch):
    async def scene(port, _, door):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        waiting = socket.socket()
        with open("/dev/null") as last:
            resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, hard))
        try:
            filler = os.open("/dev/null", os.O_RDONLY)  # the last descriptor
            waiting.connect(("127.0.0.1", port))
            waiting.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(waiting, 1) == b""
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(filler)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        waiting.close()

    serve(scene)
