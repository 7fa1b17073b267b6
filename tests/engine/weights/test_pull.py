"""Published files from a server on this machine: whole, resumed, changed, too large, or not there."""

import hashlib
import http.server
import threading

import pytest

from engine.__main__ import main
from engine.options import BadInput, Conflict
from engine.runs.files import read_json
from engine.weights import pull as pulling
from engine.weights.pull import PUBLISHED, published, pull

NAME = "horse2zebra"


class Files(http.server.BaseHTTPRequestHandler):
    """Serves ``server.content`` with ranges; ends after ``server.stop_after`` bytes, once."""

    def do_GET(self):
        server, content = self.server, self.server.content
        server.asked.append(self.headers.get("Range"))
        if self.path != f"/{NAME}.pth":
            self.send_error(404)
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
        begin = 0
        if (asked := self.headers.get("Range")) and self.headers.get("If-Range") == tag:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(server.claimed or len(content) - begin))
        self.end_headers()
        stop, server.stop_after = server.stop_after, None
        self.wfile.write(content[begin:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(save):
    """A server of one good file."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.content = save("made.pth", "resnet", "instance", 9).read_bytes()
        server.stop_after = server.claimed = None
        server.asked = []
        server.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def wanted(server):
    return published(NAME, base=server.base)


def left(runs):
    """The files that are left of fetching."""
    return {path.name for path in (runs / ".cache" / "pulled").rglob("*") if path.is_file()}


def test_a_published_file_becomes_a_model(server, tmp_path, capsys):
    assert main(["pull", NAME, "--from", server.base, "--runs", str(tmp_path)]) == 0
    assert "horse to zebra" in capsys.readouterr().out
    text = (tmp_path / ".models" / NAME / "card.md").read_text()
    assert server.base in text and "resnet_9blocks" in text
    assert left(tmp_path) == set()


def test_an_interrupted_file_is_gone_on_with(server, wanted, tmp_path):
    server.stop_after = 30_000
    with pytest.raises(BadInput, match="30,000 of"):
        pull(wanted, tmp_path)
    assert left(tmp_path) == {f"{NAME}.part", f"{NAME}.part.json"}
    seen = []
    pull(wanted, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert server.asked == [None, "bytes=30000-"]
    assert seen[-1] == (len(server.content), len(server.content)) and left(tmp_path) == set()


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, wanted, save, tmp_path):
    server.stop_after = 30_000
    with pytest.raises(BadInput):
        pull(wanted, tmp_path)
    server.content = save("other.pth", "resnet", "instance", 6).read_bytes()
    assert "resnet_6blocks" in pull(wanted, tmp_path)["sentence"]


def test_another_file_than_at_first_is_refused(server, wanted, save, tmp_path):
    from engine.runs.branches import remove

    pull(wanted, tmp_path)
    with pytest.raises(Conflict, match="there already"):
        pull(wanted, tmp_path)
    known = read_json(tmp_path / ".models" / pulling.CHECKSUMS)
    assert known == {f"cyclegan/{NAME}": hashlib.sha256(server.content).hexdigest()}
    remove(tmp_path / ".models" / NAME)
    good, server.content = server.content, save("other.pth", "resnet", "instance", 6).read_bytes()
    with pytest.raises(Conflict, match="not the file that it was"):
        pull(wanted, tmp_path)
    assert left(tmp_path) == set() and not (tmp_path / ".models" / NAME).exists()
    server.content = good
    assert pull(wanted, tmp_path)["id"] == NAME


def test_what_is_no_model_is_neither_kept_nor_remembered(server, wanted, tmp_path):
    server.content = b"<html>moved</html>"
    with pytest.raises(BadInput, match="neither a file of"):
        pull(wanted, tmp_path)
    assert left(tmp_path) == set() and not (tmp_path / ".models" / pulling.CHECKSUMS).exists()


def test_a_file_too_large_is_not_fetched(server, wanted, tmp_path):
    server.claimed = pulling.MOST_BYTES + 1
    with pytest.raises(BadInput, match="more than 512 MB"):
        pull(wanted, tmp_path)


def test_no_server_and_no_such_file_are_said(server, tmp_path):
    with pytest.raises(BadInput, match="404") as refusal:
        pull(published("orange2apple", base=server.base), tmp_path)
    assert "--from" in refusal.value.remedy
    with pytest.raises(BadInput, match="could not be fetched"):
        pull(published(NAME, base="http://127.0.0.1:9"), tmp_path)


def test_names_and_addresses():
    assert published(NAME).address.startswith(
        "http://efrosgans.eecs.berkeley.edu/cyclegan/pretrained_models/"
    )
    assert published("sat2map", "pix2pix").address.endswith("/pix2pix/models-pytorch/sat2map.pth")
    assert len(PUBLISHED["cyclegan"]) == 18 and len(PUBLISHED["pix2pix"]) == 6
    for arguments, said in {
        ("sat2map",): "published twice",
        ("giraffe2cow",): "nothing is published",
        (NAME, None, "file:///etc"): "not a web address",
    }.items():
        with pytest.raises(BadInput, match=said):
            published(*arguments)
