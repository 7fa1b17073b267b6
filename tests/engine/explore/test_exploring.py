"""Exploring through the engine's door, with real processes behind it."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from engine.api import Engine
from engine.explore.sample import sample_grid
from engine.models import loading
from engine.options import BadInput, Conflict, Forbidden, NotFound, TooMany
from engine.requests.viewer import SERVER, Viewer
from tests.engine.explore.conftest import opened
from tests.engine.serving import eventually


@pytest.fixture(scope="module")
def engine(runs):
    loading.keep(loading.load(runs / "infogan"), runs / ".models" / "mine", title="Mine", licence="CC0")
    with Engine(runs, device="cpu", limit=1, batches=2) as opened_engine:
        yield opened_engine


def render(engine, model="infogan", viewer="me", **arguments):
    return engine.explore(model, "render", arguments or {"place": {"seed": 0}}, Viewer(viewer)).result(60)


def project(engine, viewer, steps=5, model="infogan"):
    pixels = np.random.default_rng(0).integers(0, 255, 784, np.uint8).tobytes()
    who = viewer if isinstance(viewer, Viewer) else Viewer(viewer)
    return engine.project(model, who, {"image": pixels, "steps": steps}, {"note": "", "original": b""})


def state(engine, job, model="infogan"):
    return engine.projection(model, job)["state"]


# --- what there is


def test_models_are_listed_added_ones_before_runs(engine, runs):
    cards = {card["id"]: card for card in engine.models() if card["source"] != "pretrained"}
    assert next(iter(cards)) == "mine" and set(cards) == {"mine", "infogan", "conditional", "bigan", "ring"}
    assert (
        cards["mine"]["title"] == "Mine" and cards["mine"]["licence"] == "CC0" and cards["mine"]["bytes"] > 0
    )
    assert cards["bigan"]["has_encoder"] and cards["infogan"]["has_codes"] and not cards["ring"]["has_codes"]
    assert (cards["infogan"]["shape"], cards["ring"]["shape"]) == ([1, 28, 28], [2])
    assert cards["infogan"]["step"] == 20 and not cards["infogan"]["live"]


def test_a_model_is_described_in_full(engine):
    found = engine.model("infogan")
    assert found["latent_dim"] == found["noise_dim"] + 12 == 18
    assert [code["name"] for code in found["codes"]] == ["category", "c1", "c2"]
    assert found["codes"][0]["labels"] == list("0123456789") and not found["codes"][0]["given"]
    assert [one["name"] for one in found["directions"]] == ["d1", "d2", "d3", "d4", "d5", "d6"]
    assert set(found["networks"]) == {"generator", "discriminator", "recogniser"}
    points = engine.model("ring")
    assert len(points["extent"]) == 4 and len(points["real"]) == 512
    assert engine.model("conditional")["codes"][0]["given"]


def test_directions_keep_the_names_that_are_given(engine):
    assert engine.name_directions("presenter", "infogan", {"d1": "slant", "d2": "width"}) == {
        "d1": "slant",
        "d2": "width",
    }
    assert engine.name_directions("presenter", "infogan", {"d2": ""}) == {"d1": "slant"}
    assert [one["title"] for one in engine.model("infogan")["directions"][:2]] == ["slant", ""]
    for wrong in ({"d99": "x"}, {}, [], {"d1": 3}, {"d1": "x" * 1000}):
        with pytest.raises(BadInput):
            engine.name_directions("presenter", "infogan", wrong)
    with pytest.raises(Forbidden):
        engine.name_directions("viewer", "infogan", {"d1": "x"})


def test_only_added_models_are_deleted_and_only_by_the_presenter(engine, runs):
    shutil.copytree(runs / ".models" / "mine", runs / ".models" / "other")
    with pytest.raises(Forbidden):
        engine.delete_model("viewer", "other")
    assert render(engine, "other")["png"]
    engine.delete_model("presenter", "other")
    with pytest.raises(NotFound, match="deleted"):
        render(engine, "other")
    with pytest.raises(Conflict):
        engine.delete_model("presenter", "infogan")


@pytest.mark.parametrize("name", ["../infogan", "..", ".models", "", "a/b", "nobody", "infogan\0", "x" * 200])
def test_a_name_cannot_leave_the_folder(engine, name):
    for call in (engine.model, engine.model_weights, engine.score_histograms):
        with pytest.raises(NotFound):
            call(name)
    with pytest.raises(NotFound):
        engine.explore(name, "render", {}, SERVER)


def test_weights_are_a_file_that_loads(engine, runs):
    from safetensors.torch import load_file

    flat = load_file(engine.model_weights("infogan"))
    model = loading.load(runs / "infogan")
    for key, value in model.networks["generator"].state_dict().items():
        assert (flat[f"generator.{key}"] == value).all()
    assert engine.model_weights("mine") == runs / ".models" / "mine" / "weights.safetensors"


def test_the_server_explores_without_torch(runs, tmp_path):
    shutil.copytree(runs / "infogan", tmp_path / "runs" / "infogan")
    code = (
        "import sys; from pathlib import Path; from engine.api import Engine\n"
        "from engine.requests.viewer import SERVER\n"
        "with Engine(Path(sys.argv[1]), device='cpu') as engine:\n"
        "    engine.models(); engine.model('infogan'); engine.score_histograms('infogan')\n"
        "    walk = {'keys': [{}, {'seed': 1}], 'format': 'gif'}\n"
        "    engine.explore('infogan', 'walk', walk, SERVER).result(60)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'torchvision', 'PIL', 'av')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "runs")], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# --- work


def test_the_answer_is_what_the_model_draws(engine, runs):
    answer = render(engine, places=[{"seed": seed} for seed in range(50)])
    assert answer["step"] == 20 and answer["png"] == sample_grid(runs / "infogan", 50, 0)


def test_a_long_film_holds_up_nobody(engine):
    keys = [{"seed": seed} for seed in range(12)]
    film = engine.explore("infogan", "walk", {"keys": keys, "steps": 60, "format": "gif"}, SERVER)
    assert render(engine, viewer="b")["png"]
    assert not film.done()
    assert opened(film.result(120)["file"]).n_frames > 300


def test_a_process_that_dies_takes_no_answer_with_it(engine):
    engine.explore("infogan", "render", {"place": {}}, SERVER).result(60)
    engine.explore("infogan", "histograms", {}, SERVER).result(60)
    for inference in [
        one for one in (engine._exploring._interactive, *engine._exploring._batches) if one.pid
    ]:
        os.kill(inference.pid, signal.SIGKILL)
        assert render(engine)["png"]
        assert engine.explore("infogan", "histograms", {}, SERVER).result(60)["fake"]


def test_a_run_deleted_while_it_is_explored_is_said_to_be_gone(engine, runs):
    shutil.copytree(runs / "infogan", runs / "short-lived")
    config = json.loads((runs / "short-lived" / "config.json").read_text())
    (runs / "short-lived" / "config.json").write_text(json.dumps({**config, "id": "short-lived"}))
    assert render(engine, "short-lived")["png"]
    engine.delete("presenter", "short-lived")
    with pytest.raises(NotFound):
        render(engine, "short-lived")
    assert render(engine)["png"]


# --- projections


def test_a_projection_runs_to_its_end(engine):
    job = project(engine, "projector")
    status = eventually(
        lambda: state(engine, job) not in ("queued", "running") and engine.projection("infogan", job)
    )
    assert status["state"] == "done" and status["progress"] == 1 and status["best"]["error"] > 0
    assert len(status["nearest"]) == 4 and status["encoder"] is None
    with pytest.raises(NotFound):
        engine.projection("ring", job)
    with pytest.raises(NotFound):
        engine.cancel_projection("infogan", "none")


def test_one_projection_a_viewer_and_a_few_in_all(engine):
    jobs = [project(engine, f"viewer {n}", steps=1000) for n in range(6)]
    with pytest.raises(TooMany, match="not done"):
        project(engine, "viewer 0")
    eventually(
        lambda: state(engine, jobs[0]) == "running" and engine.projection("infogan", jobs[0])["progress"] > 0
    )
    assert [state(engine, job) for job in jobs] == ["running"] * 4 + ["queued"] * 2
    assert engine.projection("infogan", jobs[5])["ahead"] == 5
    assert engine.projection("infogan", jobs[0])["eta_s"] > 0
    assert render(engine)["png"] and state(engine, jobs[0]) == "running", "they do not hold up pictures"
    engine.cancel_projection("infogan", jobs[0])
    assert state(engine, jobs[0]) == "cancelled" and state(engine, jobs[4]) == "running"
    for job in jobs[1:]:
        engine.cancel_projection("infogan", job)
    assert project(engine, "viewer 0", steps=1)


def test_two_hosts_are_worked_on_at_once_and_one_process_dies_alone(engine):
    def progress(job):
        return engine.projection("infogan", job)["progress"]

    jobs = [project(engine, Viewer("a", host), steps=1000) for host in ("10.0.0.1", "10.0.0.2")]
    eventually(lambda: all(progress(job) > 0 for job in jobs))
    pids = [one.pid for one in engine._exploring._batches]
    assert all(pids) and pids[0] != pids[1]
    os.kill(pids[0], signal.SIGKILL)
    reached = [progress(job) for job in jobs]
    eventually(lambda: all(progress(job) > before for job, before in zip(jobs, reached, strict=True)))
    assert engine._exploring._batches[1].pid == pids[1] and engine._exploring._batches[0].pid != pids[0]
    engine.cancel_projection("infogan", jobs[0])
    assert state(engine, jobs[0]) == "cancelled" and state(engine, jobs[1]) == "running"
    engine.cancel_projection("infogan", jobs[1])


def test_a_wrong_projection_fails_with_the_reason(engine):
    job = engine.project("infogan", SERVER, {"image": bytes(784), "steps": 0}, {"note": "", "original": b""})
    status = eventually(lambda: state(engine, job) == "failed" and engine.projection("infogan", job))
    assert status["field"] == "steps" and status["remedy"]
