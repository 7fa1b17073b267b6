"""``run_dashboard.py`` as a process: how it starts, fails and ends."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from streamlit import config
from websockets.asyncio.client import connect
from websockets.sync.client import connect as connect_sync

from dashboard.settings import streamlit_options
from tests.dashboard.conftest import ROOT, HandMade, Server

END_S = 5.0  # what the product promises


def run(*options, timeout=60):
    command = [sys.executable, "run_dashboard.py", "--no-browser", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def test_ctrl_c_ends_it_in_time_and_says_what_goes_on(tmp_path):
    made = HandMade(tmp_path / "by-hand", "running")
    server = Server(tmp_path)

    async def scene():
        async with (
            connect(f"{server.live}?run=by-hand", proxy=None, open_timeout=60) as viewer,
            connect(
                f"{server.url.replace('http', 'ws')}/_stcore/stream", proxy=None, open_timeout=60
            ) as page,
            connect(f"{server.live}?run=by-hand", proxy=None, open_timeout=60) as idle,
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
        (["--port", "70000"], "is not a port"),
        (["--port", "x"], "is not a port"),
        (["--device", "abacus"], "invalid choice"),
        (["--allow-host", "a/b"], "not a host name"),
        (["--runs", "run_dashboard.py/x"], "runs"),
        (["--cert", "LICENSE"], "go together"),
        (["--key", "LICENSE"], "go together"),
        (["--cert", "no-such.pem", "--key", "LICENSE"], "no file"),
        (["--cert", "LICENSE", "--key", "LICENSE"], "cannot be used"),
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


def certificate(folder, password=None):
    """A self-signed certificate for 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "GANscope's test")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, False)
        .sign(key, hashes.SHA256())
    )
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return cert, private


def test_a_certificate_makes_it_https_sockets_included(tmp_path):
    cert, key = certificate(tmp_path)
    server = Server(tmp_path / "runs", "--lan", "--cert", str(cert), "--key", str(key))
    try:
        assert server.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=cert)
        with httpx.Client(base_url=server.url, verify=trusted, timeout=60) as http:
            code = next(line.split()[-1] for line in server.said if line.startswith("presenter code"))
            answer = http.post("/api/login", json={"code": code}, headers={"Origin": server.url})
            assert answer.status_code == 200 and "Secure" in answer.headers["set-cookie"]
            assert http.get("/").status_code == 200
        address = f"{server.live.replace('/live', '/models/infogan-mnist/draw')}"
        assert address.startswith("wss://")
        with connect_sync(address, proxy=None, open_timeout=60, ssl=trusted, origin=server.url) as socket:
            socket.send('{"seq": 1, "place": {"seed": 1}}')
            assert isinstance(socket.recv(timeout=60), bytes)
    finally:
        server.end()


def test_a_key_with_a_password_is_refused_not_asked_for(tmp_path):
    cert, key = certificate(tmp_path, b"secret")
    ended = run("--port", "0", "--runs", str(tmp_path / "runs"), "--cert", str(cert), "--key", str(key))
    assert ended.returncode == 1 and "without a password" in ended.stderr and "Traceback" not in ended.stderr


def test_streamlit_knows_every_option_that_it_is_given():
    assert not [
        name for name in streamlit_options("127.0.0.1", 8501) if name not in config._config_options_template
    ]
    assert os.path.exists(ROOT / "dashboard" / "pages" / "main.py")
