"""Requests in turns: slices, shares, restarts, and what becomes of one that is refused."""

import base64
import json
import shutil

import numpy as np
import pytest
import torch

from engine.explore import calls
from engine.explore.rendering import picture
from engine.explore.sample import sample_grid
from engine.live import frames
from engine.options import NotFound
from engine.runs.folder import RunFolder
from tests.engine.explore.conftest import STEPS, ask, go_on, opened


def request(kind="render", state=None, parts=(), **arguments):
    return {"kind": kind, "arguments": arguments, "state": state or {}, "parts": list(parts)}


def seeds(n, start=0):
    return [{"seed": seed} for seed in range(start, start + n)]


def test_one_picture_takes_one_turn(runs):
    answer, turns = ask(runs / "infogan", "render", {"place": {"seed": 7}})
    assert turns == 1 and answer["step"] == STEPS
    assert opened(answer["result"]["png"]).size == (28, 28)


def test_the_same_bytes_by_request_command_line_and_python(runs):
    """In one turn and in many, alone and in company, and whichever way they are asked for."""
    folder = runs / "infogan"
    many, turns = ask(folder, "render", {"places": seeds(100)})
    assert turns > 100 // calls.SLICE
    assert many["result"]["png"] == sample_grid(folder, 100, 0) == picture(folder, seeds(100))
    crowd = calls.explore(str(folder), [request(places=seeds(1, s)) for s in range(20)])
    for seed, answer in enumerate(crowd):
        assert answer["result"]["png"] == sample_grid(folder, 1, seed)


def test_json_gives_each_picture_and_its_latent(runs, infogan):
    result = ask(runs / "infogan", "render", {"places": seeds(3), "format": "json", "scale": 4})[0]["result"]
    assert [opened(image).size for image in result["images"]] == [(112, 112)] * 3
    again = {"places": [{"z": json.loads(json.dumps(z))} for z in result["z"]], "format": "json", "scale": 4}
    assert ask(runs / "infogan", "render", again)[0]["result"]["images"] == result["images"]
    assert base64.b64encode(result["images"][0])


def test_points_are_given_as_points(runs, ring):
    result = ask(runs / "ring", "render", {"places": seeds(5), "format": "json"})[0]["result"]
    assert torch.equal(torch.tensor(result["points"]), ring.model.generate(ring.model.latents(range(5))))
    assert opened(result["images"][0]).size == (512, 512)


@pytest.mark.parametrize("name", ["infogan", "ring"])
def test_a_frame_holds_what_a_picture_shows(runs, name):
    place = {"seed": 6}
    header, arrays = frames.unpack(ask(runs / name, "draw", {"place": place})[0]["result"]["frame"])
    rendered = ask(runs / name, "render", {"places": [place], "format": "json"})[0]["result"]
    assert header["z"] == rendered["z"][0]
    if name == "ring":
        assert header["point"] == rendered["points"][0] and not arrays
    else:
        assert np.array_equal(arrays["pixels"], np.asarray(opened(rendered["images"][0])))


def test_a_large_request_leaves_room_for_small_ones(runs, monkeypatch):
    monkeypatch.setattr(calls, "PLANNING_S", 1e9)  # however slow this machine is
    answers = calls.explore(
        str(runs / "infogan"),
        [request(places=seeds(200)), request(places=seeds(1)), request(places=seeds(2))],
    )
    large, *small = answers
    assert all("result" in answer for answer in small)
    assert (
        large["state"]["done"] == calls.SLICE - 3 and large["state"]["left"] == 200 - large["state"]["done"]
    )


def test_a_turn_that_takes_long_to_plan_leaves_requests_for_the_next(runs, monkeypatch):
    """Whoever comes first in a turn does not wait for the plans of the others."""
    folder = str(runs / "infogan")
    monkeypatch.setattr(calls, "PLANNING_S", -1.0)
    first, second = calls.explore(folder, [request(places=seeds(1)), request(places=seeds(2, 1))])
    assert first["result"]["png"] and second == {"state": {}}
    [again] = calls.explore(folder, [request(state=second["state"], places=seeds(2, 1))])
    assert again["result"]["png"] == picture(folder, seeds(2, 1))


def test_what_one_is_refused_for_is_its_own_affair(runs):
    answers = calls.explore(
        str(runs / "infogan"), [request(places=seeds(1)), request(places=[{"seed": -1}]), request(nonsense=1)]
    )
    assert "png" in answers[0]["result"]
    assert answers[1]["refused"]["field"] == "seed" and answers[2]["refused"]["field"] == "nonsense"


@pytest.mark.parametrize("kind", [kind for kind in calls.PLANS if kind != "strip"])
def test_unknown_fields_are_refused(runs, kind):
    answer, _ = ask(runs / "infogan", kind, {"surprise": 1})
    assert answer["refused"]["field"] == "surprise" and answer["refused"]["kind"] == "BadInput"


def test_a_run_that_goes_on_is_drawn_at_its_new_step_throughout(runs, tmp_path, monkeypatch):
    shutil.copytree(runs / "infogan", tmp_path / "live")
    run = RunFolder(tmp_path / "live")
    monkeypatch.setattr("engine.models.library.LOOK_EVERY_S", 0.0)
    [begun] = calls.explore(str(run.path), [request(places=seeds(40))])
    assert begun["state"]["step"] == STEPS and begun["state"]["left"]
    go_on(run, STEPS + 2)
    again = request(places=seeds(40), state=begun["state"])
    [restarted] = calls.explore(str(run.path), [again])
    assert restarted["fresh"] and restarted["state"]["step"] == STEPS + 2
    answer, _ = ask(run.path, "render", {"places": seeds(40)})
    assert answer["step"] == STEPS + 2 and answer["result"]["png"] == sample_grid(run.path, 40, 0)


def test_a_model_that_is_deleted_is_gone(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.models.library.LOOK_EVERY_S", 0.0)
    shutil.copytree(runs / "infogan", tmp_path / "short")
    calls.explore(str(tmp_path / "short"), [request(places=seeds(1))])
    shutil.rmtree(tmp_path / "short")
    with pytest.raises(NotFound, match="deleted"):
        calls.explore(str(tmp_path / "short"), [request(places=seeds(1))])
