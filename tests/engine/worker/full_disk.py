"""A run on a disk that becomes full: ``test_full_disk.py`` runs this as root of its own small disk."""

import json
import sys
import threading
import time
from pathlib import Path

from engine.models import checkpoint
from engine.runs import branches
from engine.runs.files import NoRoom, Tail, write_json
from engine.runs.folder import RunFolder
from engine.worker.session import train
from tests.engine.conftest import small


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


if __name__ == "__main__":
    root = Path(sys.argv[1])
    told = train_on(root) if sys.argv[2] == "train" else refuse_on(root)
    print(json.dumps({**told, "left": [path.name for path in root.rglob(".*")]}))
