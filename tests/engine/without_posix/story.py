"""What a user does, with a real engine: ``test_without_posix.py`` has it told where POSIX is hidden."""

import importlib
import json
import sys
from pathlib import Path

import engine.worker.zygote
from engine.api import Engine
from engine.requests.viewer import SERVER
from engine.server.processes import end_by_force
from tests.engine.serving import eventually, in_state, request, running

ROOT = Path(engine.worker.zygote.__file__).parents[2]


def import_everything() -> int:
    """Import each module of ours (pages are scripts); returns how many."""
    files = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py"), ROOT / "run_dashboard.py"]
    scripts = ("__main__.py", "__init__.py")
    ours = [path for path in files if path.name not in scripts and path.parent != ROOT / "dashboard/pages"]
    for path in ours:
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return len(ours)


def tell(runs: Path) -> dict[str, object]:
    """Start, pause, resume, look, leave, come back, stop, go on, and end by force; returns what was seen."""
    with Engine(runs, device="cpu", limit=2) as first:
        run, short = running(first), first.start("presenter", request(steps=30))
        first.control("presenter", run, {"command": "pause"})
        paused = in_state(first, run, "paused")["step"]
        first.control("presenter", run, {"command": "resume"})
        eventually(lambda: first.status(run)["step"] > paused)
        in_state(first, short, "done")
        drawn = first.explore(short, "render", {"place": {"seed": 1}}, SERVER).result(60)
        way, folder = type(first._processes).__name__, first.folder(run)
    step, pid = folder.status()["step"], folder.status()["pid"]
    eventually(lambda: folder.status()["step"] > step + 20)  # without a server
    with Engine(runs, device="cpu", limit=2) as second:
        assert in_state(second, run, "running")["pid"] == pid
        second.control("presenter", run, {"command": "stop"})
        stopped = in_state(second, run, "stopped")["step"]
        second.control("presenter", run, {"command": "resume"})
        eventually(lambda: second.status(run)["step"] > stopped)
        end_by_force(second.status(run)["pid"])
        died = in_state(second, run, "failed")["remedy"]
        second.delete("presenter", run)
    log = (runs / ".cache" / "engine.log").read_text("utf-8")
    left = [str(path.name) for path in runs.rglob(".*.json.*")]
    return {"way": way, "drawn": sorted(drawn), "died": died, "log": log, "left": left, "runs": first.runs()}


if __name__ == "__main__":
    print(import_everything() if sys.argv[1] == "imports" else json.dumps(tell(Path(sys.argv[1]))))
