"""The rules that keep the parts apart, checked on the sources themselves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE, DASHBOARD = sorted((ROOT / "engine").rglob("*.py")), sorted((ROOT / "dashboard").rglob("*.py"))
DOOR = {"engine.api", "engine.options", "engine"}
COMMAND = ROOT / "dashboard" / "__main__.py"  # `ganscope`: opens the dashboard, or hands on to the engine


def imported(path):
    """Every module that a file imports anywhere, with names taken from packages spelled out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in ("engine", "dashboard"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DASHBOARD, ids=name)
def test_the_dashboard_enters_the_engine_by_its_door(path):
    foreign = {module for module in imported(path) if module.split(".")[0] == "engine"} - DOOR
    foreign = {module for module in foreign if module.rpartition(".")[0] != "engine.requests"}
    assert foreign <= ({"engine.__main__"} if path == COMMAND else set())
    assert not [module for module in imported(path) if module.split(".")[0] in ("torch", "torchvision")]


@pytest.mark.parametrize("path", ENGINE, ids=name)
def test_the_engine_knows_no_web_framework(path):
    banned = {"streamlit", "gradio", "fastapi", "starlette", "uvicorn", "dashboard"}
    assert not {module for module in imported(path) if module.split(".")[0] in banned}


@pytest.mark.parametrize("path", [path for path in ENGINE if path.parent.name == "gans"], ids=name)
def test_a_gan_is_one_file_of_at_most_200_lines(path):
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", ENGINE + DASHBOARD, ids=name)
def test_no_file_is_a_drawer_for_everything(path):
    assert path.stem not in ("utils", "helpers", "manager", "misc")
    assert "weights_only=False" not in path.read_text()


BROAD = {"Exception", "BaseException"}
BOUNDARIES = {
    "engine/plugins/loading.py",
    "engine/worker/session.py",
    "engine/worker/zygote.py",
    "engine/worker/calls.py",
    "engine/server/turns.py",
    "dashboard/errors.py",
    "dashboard/guard.py",
}


@pytest.mark.parametrize("path", ENGINE + DASHBOARD, ids=name)
def test_only_the_outermost_boundaries_catch_everything(path):
    caught = [
        node.type for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)
    ]
    broad = [kind for kind in caught if kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD)]
    assert not broad or name(path) in BOUNDARIES


# --- the architecture: which package may import which. None needs one that needs it.

NEEDS: dict[str, str] = {
    # what everybody stands on
    "engine": "",
    "engine.options": "",
    "engine.objectives": "engine.options",
    "engine.runs": "engine.options",
    "engine.presets": "",
    "engine.requests": "engine.options engine.presets engine.runs",
    # a GAN and its data
    "engine.data": "engine.options engine.runs",
    "engine.game": "engine.data engine.objectives engine.options",
    "engine.latent": "engine.data engine.game",
    "engine.metrics": "engine engine.data engine.game engine.latent engine.options engine.requests "
    "engine.runs",
    "engine.networks": "engine.game engine.options",
    "engine.stabilisers": "engine.game engine.objectives engine.options",
    "engine.gans": "engine.data engine.game engine.latent engine.metrics engine.networks engine.objectives "
    "engine.options",
    # what is made of them
    "engine.models": "engine engine.data engine.game engine.gans engine.latent engine.metrics "
    "engine.objectives engine.options engine.runs engine.stabilisers",
    "engine.weights": "engine engine.game engine.gans engine.live engine.models engine.networks "
    "engine.options engine.requests engine.runs",
    "engine.training": "engine engine.data engine.game engine.gans engine.metrics engine.models "
    "engine.networks engine.objectives engine.options engine.requests engine.runs engine.stabilisers",
    "engine.live": "engine.data engine.game engine.latent engine.metrics engine.runs",
    "engine.translation": "engine.data engine.game engine.live engine.metrics engine.models engine.networks "
    "engine.options engine.requests engine.runs engine.weights",
    "engine.explore": "engine.data engine.game engine.gans engine.latent engine.live engine.models "
    "engine.options engine.requests engine.runs engine.translation engine.weights",
    "engine.plugins": "engine engine.data engine.game engine.gans engine.metrics engine.models "
    "engine.objectives engine.options engine.stabilisers engine.training",
    # processes
    "engine.worker": "engine.data engine.explore engine.game engine.live engine.metrics engine.models "
    "engine.options engine.plugins engine.runs engine.training engine.weights",
    "engine.server": "engine engine.options engine.plugins engine.presets engine.requests engine.runs "
    "engine.worker",
    "engine.tools": "engine engine.data engine.live engine.metrics engine.models engine.networks "
    "engine.presets engine.runs engine.training engine.worker",
    # the doors
    "engine.api": "engine engine.live engine.options engine.plugins engine.presets engine.requests "
    "engine.runs engine.server",
    "engine.command_line": "engine.explore engine.metrics engine.models engine.options engine.plugins "
    "engine.presets engine.requests engine.runs engine.training engine.translation engine.weights "
    "engine.worker",
    "engine.__main__": "engine.command_line engine.options engine.plugins engine.runs engine.tools",
    # the dashboard
    "dashboard": "",
    "dashboard.errors": "engine.options",
    "dashboard.strict": "dashboard.errors",
    "dashboard.root": "",
    "dashboard.hosts": "engine.requests",
    "dashboard.connections": "dashboard.errors dashboard.hosts engine.requests",
    "dashboard.theme": "",
    "dashboard.document": "dashboard.theme",
    "dashboard.assets": "dashboard.errors dashboard.root",
    "dashboard.access": "dashboard.errors engine.options",
    "dashboard.session": "engine.api",
    "dashboard.sent": "engine.api",
    "dashboard.guard": "dashboard.access dashboard.errors dashboard.hosts dashboard.root "
    "dashboard.session engine.requests",
    "dashboard.settings": "dashboard.guard dashboard.theme",
    "dashboard.lessons": "dashboard.access engine.options engine.requests",
    "dashboard.live": "dashboard.errors dashboard.hosts dashboard.strict engine.api engine.options "
    "engine.requests",
    "dashboard.api": "dashboard.access dashboard.errors dashboard.hosts dashboard.lessons dashboard.live "
    "dashboard.root dashboard.sent dashboard.session dashboard.strict engine.api engine.options "
    "engine.requests",
    "dashboard.studio": "dashboard.assets dashboard.errors dashboard.hosts dashboard.root dashboard.strict "
    "dashboard.theme engine.api engine.options engine.requests",
    "dashboard.components": "dashboard.root",
    "dashboard.analysis": "engine.api",
    "dashboard.pages": "dashboard.analysis dashboard.components dashboard.lessons dashboard.root "
    "dashboard.sent dashboard.session "
    "dashboard.theme engine.api engine.options engine.requests",
    "dashboard.launch": "dashboard.access dashboard.app dashboard.connections dashboard.hosts "
    "dashboard.root engine.api engine.options",
    "dashboard.__main__": "dashboard.launch engine.__main__",
    "dashboard.app": "dashboard.access dashboard.api dashboard.assets dashboard.document dashboard.errors "
    "dashboard.guard dashboard.live dashboard.root dashboard.sent dashboard.session dashboard.settings "
    "dashboard.studio "
    "engine.api engine.options",
}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ENGINE + DASHBOARD
}


def needed(path):
    """The modules of ours that a file imports, under ``TYPE_CHECKING`` and inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from {name if name in MODULES else node.module for name in names} & MODULES.keys()


def package(module):
    return ".".join(module.split(".")[:2])


IMPORTS = {module: set(needed(path)) - {module} for module, path in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_a_package_needs_only_what_the_architecture_says(module):
    found = {package(needed) for needed in IMPORTS[module]} - {package(module)}
    assert found <= set(NEEDS[package(module)].split())


def first_circle(arrows):
    """Some modules that need each other, in order, or nothing."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return None
        path.append(module)
        for other in sorted(arrows.get(module, ())):
            if circle := visit(other):
                return circle
        done.add(path.pop())
        return None

    return next((circle for module in sorted(arrows) if (circle := visit(module))), [])


def test_no_module_needs_one_that_needs_it():
    assert first_circle(IMPORTS) == []


def test_no_package_needs_one_that_needs_it():
    assert first_circle({name: set(needs.split()) for name, needs in NEEDS.items()}) == []


def test_a_circle_would_be_found():
    assert first_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]


WITHOUT_TORCH = (
    "engine/server",
    "engine/requests",
    "engine/runs",
    "engine/api",
    "engine/options.py",
    "engine/presets.py",
    "engine/plugins/finding.py",
    "dashboard",
)


@pytest.mark.parametrize("place", WITHOUT_TORCH)
def test_what_the_server_imports_is_free_of_torch(place):
    """By folder: everything in these lives in the server. Pages run scripts; what they import is in them."""
    scripts = ROOT / "dashboard/pages"
    modules = [name for name, path in MODULES.items() if path.is_relative_to(ROOT / place)]
    modules = sorted(name for name in modules if MODULES[name].parent != scripts)
    code = f"import importlib, sys; [importlib.import_module(name) for name in {modules}]; "
    code += "sys.exit(any(name.split('.')[0] == 'torch' for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert modules
    assert done.returncode == 0, done.stderr
