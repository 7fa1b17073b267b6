"""``run_dashboard.py`` as a process: how it starts, fails and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import ROOT, HandMade, Server
from streamlit import config
from websockets.asyncio.client import connect

from dashboard.settings import streamlit_options

END_S = 5.0  # what the product promises


def run(*options, timeout=60):
    command = [sys.executable, "run_dashboard.py", "--no-browser", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def test_ctrl_c_ends_it_in_time_and_says_what_goes_on(tmp_path):
    made = HandMade(tmp_path / "by-hand", "running")
    server = Server(tmp_path)

    async def scene():
        async with (
            connect(f"{server.live}?run=by-hand", proxy=None) as viewer,
            connect(f"{server.url.replace('http', 'ws')}/_stcore/stream", proxy=None) as page,
            connect(f"{server.live}?run=by-hand", proxy=None) as idle,
        ):
            assert '"hello"' in await viewer.recv()
            idle.transport.pause_reading()  # a viewer who reads nothing must not hold it up
            began = time.monotonic()
            server.process.send_signal(signal.SIGINT)
            said = await asyncio.to_thread(server.end)
            took = time.monotonic() - began
            await viewer.wait_closed()
            await page.wait_closed()
            assert viewer.close_code == 1012
        return took, said

    took, said = asyncio.run(scene())
    assert took < END_S and server.process.returncode == 0
    assert "1 run goes on: by-hand" in said and f"--runs {tmp_path}" in said
    again = Server(tmp_path)  # and a new server finds it
    assert again.http.get("/api/runs/by-hand").json()["status"]["state"] == "running"
    again.process.send_signal(signal.SIGTERM)
    assert "by-hand" in again.end() and again.process.returncode == 0
    made.end()


def test_a_download_that_nobody_reads_does_not_hold_it_up(tmp_path):
    made = HandMade(tmp_path / "by-hand")
    made.report(20_000, note="x" * 500)
    server = Server(tmp_path)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as lazy:
        lazy.sendall(f"GET /api/runs/by-hand/metrics HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        assert lazy.recv(1)
        began = time.monotonic()
        server.end()
        assert time.monotonic() - began < END_S
    made.end()


@pytest.mark.parametrize("bound", ["127.0.0.1"])
def test_a_port_in_use_is_one_clear_line(tmp_path, bound):
    with socket.socket() as taken:
        taken.bind((bound, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("--port", str(port), "--runs", str(tmp_path / "runs"))
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1
    assert f"port {port} is in use. Try --port {port + 1}" in ended.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "no.such.host.invalid"], "no address"),
        (["--host", "192.0.2.1"], "cannot listen"),
        (["--port", "70000"], "no port"),
        (["--port", "x"], "no port"),
        (["--device", "abacus"], "invalid choice"),
        (["--allow-host", "a/b"], "no host name"),
        (["--runs", "run_dashboard.py/x"], "runs"),
    ],
)
def test_a_bad_option_is_explained(tmp_path, options, words):
    given = options if "--runs" in options else ["--runs", str(tmp_path), *options]
    ended = run(*([] if "--port" in options else ["--port", "0"]), *given)
    assert ended.returncode != 0 and words in ended.stderr and "Traceback" not in ended.stderr


def test_one_server_a_runs_folder(server):
    ended = run("--port", "0", "--runs", str(server.runs))
    assert ended.returncode == 1 and "another server" in ended.stderr and "Traceback" not in ended.stderr


def test_another_host_opens_it_to_the_network(tmp_path):
    server = Server(tmp_path, "--host", "0.0.0.0")
    try:
        assert any(line.startswith("presenter code: ") for line in server.said)
        assert server.http.get("/api/health").json()["lan"]
    finally:
        server.end()


def test_streamlit_knows_every_option_that_it_is_given():
    assert not [
        name for name in streamlit_options("127.0.0.1", 8501) if name not in config._config_options_template
    ]
    assert os.path.exists(ROOT / "dashboard" / "pages" / "main.py")
