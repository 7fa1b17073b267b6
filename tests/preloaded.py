"""What ``python -m MODULE ARGUMENTS`` does, in a fork of a process that has loaded torch: 3 seconds sooner.

``python -m tests.preloaded`` forks once a line of its stdin.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from engine.worker.zygote import PRELOADED


class Python:
    """The process that forks, and what asks it."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.preloaded"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        own = {name: value for name, value in os.environ.items() if not name.startswith("GANSCOPE_")}
        environment = {**own, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, cwd=Path(__file__).parents[1], env=environment, **pipes)

    def run(self, module, *arguments, cwd, env=None):
        """The command as ``subprocess.run`` gives it, with ``env`` beside what there is."""
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(folder, name) for name in ("stdout", "stderr")]
            job = {"cwd": str(cwd), "arguments": [module, *map(str, arguments)], "files": files}
            print(json.dumps({**job, "env": env or {}}), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
            return subprocess.CompletedProcess(
                job["arguments"], int(answer), *(Path(file).read_text() for file in files)
            )

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def serve():
    """Fork for each line; the child is what the line asks for."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return json.loads(line)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
    return None


def become(job):
    """Be the command: its folder, streams, environment and arguments, up to its exit."""
    os.chdir(job["cwd"])
    os.environ.update(job["env"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(job["files"], 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.path[0] = os.getcwd()
    sys.argv = job["arguments"]
    code = 0
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = int(end.code or 0) if not isinstance(end.code, str) else 1
        print(end.code if isinstance(end.code, str) else "", end="", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)  # taking all modules down takes a second


if __name__ == "__main__":
    if (job := serve()) is not None:
        become(job)
