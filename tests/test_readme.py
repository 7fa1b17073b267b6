"""The documents: every command in them is run here, by the command that runs all tests, or not for a reason;
what they link to is there; the code that they show is the code.
"""

import re
import shlex
import subprocess
from pathlib import Path
from textwrap import indent

import pytest

from dashboard import launch
from engine.gans import GANS
from tests.dashboard.conftest import Server

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    "README.md",
    "engine/README.md",
    "engine/REFERENCE.md",
    "engine/gans/README.md",
    "dashboard/README.md",
    "dashboard/DEPLOYING.md",
    "pretrained/README.md",
    "tests/benchmarks/README.md",
    ".github/CHANGELOG.md",
]
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in DOCUMENTS}


def blocks(language):
    return {name: re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) for name, text in TEXTS.items()}


COMMANDS = {
    name: [line for block in found for line in block.splitlines() if line]
    for name, found in blocks("sh").items()
}
EVERY = [line for lines in COMMANDS.values() for line in lines]
PYTHON, GANSCOPE = ".venv/bin/python -m ", ".venv/bin/ganscope "
CURL = [line for line in EVERY if line.startswith("curl ")]
SERVED = [line for line in EVERY if line.startswith(f"{GANSCOPE}-")]  # their options are read, nothing starts
# made by .ci/run, in this order, with an environment of its own; the server is started by many tests
BY_CI = [
    "python3 -m venv .venv && .venv/bin/pip install --editable . && .venv/bin/python run_dashboard.py",
    ".ci/run",
]
FROM_ELSEWHERE = [  # asks the internet
    "python3 -m venv .venv && .venv/bin/pip install torch torchvision "
    "--index-url https://download.pytorch.org/whl/cpu",
]
ONLY_HELP = {  # asked for help instead, for a reason
    "engine bench --json": "takes minutes",
    "engine pull horse2zebra": "asks the internet",
    "engine.tools.pretraining infogan-mnist": "trains for hours",
}
SMALL = {  # what makes a measurement of minutes one of seconds
    "tests.benchmarks.pages": "--rounds 0 --seconds 0.5 --presets ring_cured",
    "tests.benchmarks.explore": "--drags 1 --viewers 1 --seconds 0.5",
    "tests.benchmarks.studio": "--strokes 2",
    "tests.benchmarks.damage": "--examples 5",
    "tests.benchmarks.translate speed": "--networks unet_256 --pairs 1",
}


def module(line):
    """The module and arguments of a command of ours, as ``python -m`` takes them; None of any other."""
    if line.startswith(GANSCOPE) and line not in SERVED:
        return f"dashboard {line.removeprefix(GANSCOPE)}"
    return line.removeprefix(PYTHON) if line.startswith(PYTHON) else None


def test_no_command_is_forgotten():
    ours = {line for line in EVERY if module(line)}
    assert set(EVERY) == ours | set(CURL) | set(SERVED) | set(BY_CI) | set(FROM_ELSEWHERE)
    assert ONLY_HELP.keys() | SMALL.keys() <= {module(line) for line in ours}
    steps = (ROOT / ".ci" / "run").read_text()
    assert "-m venv" in steps and "install" in steps and "--editable" in steps


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if any(map(module, COMMANDS[name]))])
def test_the_commands_do_what_they_say(tmp_path, document, python):
    for line in filter(module, COMMANDS[document]):
        asked = shlex.split(f"{module(line)} {SMALL.get(module(line), '')}")
        only_help = module(line) in ONLY_HELP
        done = python.run(*([asked[0], "--help"] if only_help else asked), cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        for word in asked:
            assert not word.endswith(".png") or (tmp_path / word).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("line", SERVED)
def test_the_server_takes_the_options(line):
    assert launch.parser().parse_args(shlex.split(line)[1:])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("readme") / "runs")
    yield started
    for run in started.http.get("/api/runs").json():
        started.http.delete(f"/api/runs/{run['id']}")
    started.end()


@pytest.mark.parametrize("line", CURL)
def test_the_http_examples_are_answered(server, line):
    done = subprocess.run(
        shlex.split(line.replace("http://127.0.0.1:8501", server.url)), capture_output=True, text=True
    )
    assert done.returncode == 0 and '"error"' not in done.stdout
    assert '"id"' in done.stdout or '"status"' in done.stdout


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    headings = {
        name: {re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-") for line in found}
        for name, found in ((name, re.findall(r"^#+ (.*)", text, re.M)) for name, text in TEXTS.items())
    }
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", TEXTS[document]):
        file, _, anchor = target.partition("#")
        path = (ROOT / document).parent / file
        assert path.exists(), target
        assert not anchor or anchor in headings[str(path.resolve().relative_to(ROOT))], target


def test_the_code_that_is_shown_is_the_code():
    shown = blocks("python")["README.md"]
    linked = ["engine/gans/gan.py"]
    assert len(shown) == len(linked)
    for code, file in zip(shown, linked, strict=True):
        assert f"]({file})" in TEXTS["README.md"]
        for method in code.rstrip().split("\n\n\n"):  # which stands in a class there
            assert indent(method, "    ") in (ROOT / file).read_text()


def test_the_table_of_gans_is_whole():
    rows = re.findall(r"^\| `(\w+)` \|", TEXTS["engine/gans/README.md"], re.M)
    assert rows == list(GANS)


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].split()) <= 900
