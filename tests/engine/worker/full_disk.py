"""A run on a disk that becomes full: ``test_full_disk.py`` runs this as root of its own small disk."""

import asyncio
import contextlib
import io
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from dashboard.access import Access
from dashboard.api.application import create_api
from dashboard.live.hub import Hub
from engine.__main__ import main
from engine.api import Engine
from engine.models import checkpoint
from engine.runs import branches
from engine.runs.files import NoRoom, Tail, write_json
from engine.runs.folder import RunFolder
from engine.worker.session import train
from tests.engine.conftest import small
from tests.engine.made_translators import file_of, make_translator, photograph, reference_file
from tests.engine.serving import in_state, request, running


def fill(filler):
    """Fill the small disk to its last byte."""
    try:
        with open(filler, "wb", buffering=0) as file:
            while file.write(b"x" * 512):
                pass
    except OSError:
        pass


def train_on(root):
    """A run whose disk is full at step 20, and empty again once it has been seen to pause."""
    folder, filler, seen = RunFolder(root / "run"), root / "filler", []
    folder.create({"id": "run", **small(steps=60)}, "starting")

    def empty():
        while folder.written()["state"] != "paused":
            time.sleep(0.01)
        seen.append(folder.written())
        filler.unlink()

    def progress(step, row):
        if step == 20:
            fill(filler)
            threading.Thread(target=empty, daemon=True).start()

    state = train(folder, progress=progress)
    rows = [row["step"] for row in Tail(folder.metrics).read()]
    kept = [sorted(checkpoint.load(path)) for path in sorted(folder.checkpoints.iterdir())]
    return {"state": state, "seen": seen, "rows": rows, "kept": kept}


def refuse_on(root):
    """What the server writes on a full disk: a new run, a new name, a branch."""
    folder, refused = RunFolder(root / "run"), []
    folder.create({"id": "run", **small(steps=5)}, "starting")
    train(folder)
    fill(root / "filler")
    target = RunFolder(root / "branch")
    target.checkpoints.mkdir(parents=True)
    config = {**folder.config(), "name": "x" * 6000}
    for write in (
        lambda: RunFolder(root / "other").create(config, "queued"),
        lambda: write_json(folder.path / "config.json", config),
        lambda: branches.copy_checkpoint(folder, 5, target, {}),
    ):
        try:
            write()
        except NoRoom as refusal:
            refused.append(refusal.remedy)
    (root / "filler").unlink()
    return {"refused": refused, "runs": sorted(path.name for path in root.iterdir())}


def ask_on(root):
    """What every route and command that writes says on a full disk, by name, and what it leaves behind."""
    runs, weights = root / "runs", reference_file(root)
    make_translator(runs / ".models" / "pairs", "pix2pix")
    picture = file_of(photograph(80, 90))
    (root / "picture.png").write_bytes(picture)
    tempfile.tempdir = str(root / "temporary")
    os.environ["GRADIO_TEMP_DIR"] = str(root / "temporary" / "gradio")
    Path(os.environ["GRADIO_TEMP_DIR"]).mkdir(parents=True)
    from dashboard.studio.page import mount  # seconds, which the other stories need not wait for

    with Engine(runs, device="cpu", limit=1) as engine:
        run = running(engine)
        engine.control("presenter", run, {"command": "stop"})
        in_state(engine, run, "stopped")
        step = engine.run(run)["checkpoints"][-1]
        engine.model("pairs"), engine.catalogue()
        studio = mount(engine, Path(os.environ["GRADIO_TEMP_DIR"]))
        before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        fill(root / "filler")
        told = asyncio.run(_asked(engine, studio, run, step, picture, weights))
        told |= _commanded(root, runs, run, weights)
        told["resume"] = in_state(engine, run, "paused")["remedy"]  # said once its worker finds the disk full
        kept = [runs / run / "config.json", *(runs / ".models").rglob("*.*")]
        changed = [str(path) for path in kept if before[path] != path.read_bytes()]
        engine.delete("presenter", run)
        (root / "filler").unlink()
        new = [path for path in root.rglob("*") if path.is_file() and path not in before]
    return {"told": told, "left": [str(path.relative_to(root)) for path in new], "changed": changed}


async def _asked(engine, studio, run, step, picture, weights):
    api = create_api(engine, Hub(engine), Access(), lambda: None)
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    head = {"x-ganscope-role": "presenter"}
    pictures = [("files", (f"{n}.png", picture)) for n in range(30)]
    large = [("files", ("large.png", bytes(3 << 20)))]  # kept on the disk while it comes in
    requests = {
        "start": ("POST", "/runs", {"json": request(5)}),
        "preset": ("POST", "/presets/ring_collapse", {}),
        "rename": ("PATCH", f"/runs/{run}", {"json": {"name": "x" * 80}}),
        "resume": ("POST", f"/runs/{run}/control", {"json": {"command": "resume"}}),
        "branch": ("POST", f"/runs/{run}/control", {"json": {"command": "branch", "step": step}}),
        "data set": ("POST", "/datasets", {"files": pictures, "data": {"name": "x"}}),
        "large data set": ("POST", "/datasets", {"files": large, "data": {"name": "x"}}),
        "model": ("POST", "/models", {"files": {"files": weights.read_bytes()}, "data": {"name": "x"}}),
        "rename a model": ("PATCH", "/models/pairs", {"json": {"name": "y"}}),
        "weights": ("GET", f"/models/{run}/weights", {}),
        "export": ("GET", "/models/pairs/export?to=safetensors", {}),
        "translation": ("POST", "/translate/pairs", {"files": {"file": picture}}),
        "translations": ("POST", "/translate/pairs/jobs", {"files": pictures[:3]}),
        "projection": ("POST", "/models/infogan-mnist/project", {"files": {"file": picture}}),
    }
    told = {"upload to the studio": await _sent_to(studio, bytes(3 << 20))}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://x", headers=head, timeout=120
    ) as client:
        for name, (method, path, sent) in requests.items():
            answer = await client.request(method, path, **sent)
            told[name] = [answer.status_code, answer.text[:300]]
    return told


async def _sent_to(studio, file):
    transport = httpx.ASGITransport(studio, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.post("/gradio_api/upload", files={"files": ("x.png", file)})
    return [answer.status_code, answer.text[:300]]


def _commanded(root, runs, run, weights):
    commands = {
        "$ train": ["train", "--gan", "gan", "--data", "ring", "--steps", "5", "--out", str(runs / "new")],
        "$ sample": ["sample", run, "--n", "4", "--out", str(root / "grid.png")],
        "$ translate": ["translate", "pairs", str(root / "picture.png"), "--out", str(root / "made")],
        "$ import": ["import", str(weights), "--as", "pix2pix", "--name", "new"],
        **{
            f"$ {to}": ["export", "pairs", "--to", to, "--out", str(root / f"made.{to}")]
            for to in ("safetensors", "torchscript", "onnx")
        },
    }
    told = {}
    for name, command in commands.items():
        with contextlib.redirect_stderr(io.StringIO()) as said:
            folder = [] if name == "$ train" else ["--runs", str(runs)]
            told[name] = [main([*command, *folder]), said.getvalue()[-300:]]
    return told


if __name__ == "__main__":
    root = Path(sys.argv[1])
    told = {"train": train_on, "refuse": refuse_on, "ask": ask_on}[sys.argv[2]](root)
    print(json.dumps({"left": [path.name for path in root.rglob(".*")], **told}))
