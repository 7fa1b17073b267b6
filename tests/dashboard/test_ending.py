"""However a server ends, nothing of it stays: no process, no file that was sent, no traceback."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
from PIL import Image

from tests.dashboard.conftest import Server
from tests.engine.made_translators import make_translator


def work_of(server: Server) -> dict[psutil.Process, float]:
    """Its processes, and the seconds of the processor that each has used."""
    found = {}
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found[process] = process.cpu_times().user
    return found


def send(server: Server, path: str, file: Path, **fields: str) -> None:
    with suppress(httpx.HTTPError):  # the server ends meanwhile
        said = server.http.post(path, files={"files": (file.name, file.read_bytes())}, data=fields)
        assert said.status_code == 503, f"{path} was done too soon: {said.text[:300]}"


def test_nothing_stays_however_it_ends(tmp_path, capfd):
    """A picture that takes minutes to translate, and an upload that takes long to read, are on their way."""
    runs, large = tmp_path / "runs", tmp_path / "large.png"
    make_translator(runs / ".models" / "tiny", network="resnet_6")
    Image.new("RGB", (8000, 8000), "red").save(large, compress_level=9)
    upload = tmp_path / "upload.zip"
    with zipfile.ZipFile(upload, "w") as archive:  # not packed again: it would be taken for a bomb
        for number in range(40):
            archive.write(large, f"{number}.png")
    before = set(Path(tempfile.gettempdir()).iterdir())
    for ending in (signal.SIGKILL, signal.SIGHUP, signal.SIGTERM):
        server = Server(runs)
        sent = runs / ".cache" / "sent"
        assert not sent.exists()  # what the killed one left
        while server.http.get("/api/health").json()["engine"] != "ready":
            time.sleep(0.1)
        before_work = work_of(server)
        threads = [
            threading.Thread(target=send, args=(server, "/api/translate/tiny", large)),
            threading.Thread(target=send, args=(server, "/api/datasets", upload), kwargs={"name": "mine"}),
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 120
        while sum(now > before_work.get(one, 0) + 0.3 for one, now in work_of(server).items()) < 2:
            assert time.monotonic() < end and all(thread.is_alive() for thread in threads)
            time.sleep(0.05)
        left = work_of(server)
        assert list(sent.iterdir())
        server.process.send_signal(ending)
        server.process.wait(20)
        _, alive = psutil.wait_procs(left, timeout=20)
        assert not alive
        server.end()
        for thread in threads:
            thread.join()
        if ending != signal.SIGKILL:
            assert server.process.returncode == 0 and not sent.exists()
    made = set(Path(tempfile.gettempdir()).iterdir()) - before
    assert not [path for path in made if path.name.startswith("ganscope")]
    assert "Traceback" not in capfd.readouterr().err
