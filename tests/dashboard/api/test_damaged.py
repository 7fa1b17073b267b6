"""Folders damaged by hand, by a crash or on purpose: listed with the reason, harming nothing else."""

import contextlib
import json
import shutil

import pytest

from engine.runs.files import read_json
from tests.engine.made_translators import make_translator

DEEP = '{"a":' * 900 + "1" + "}" * 900
TEXTS = ["[]", "7", "null", "{", "", DEEP, "[" * 100_000, '"\\ud800"']
WRONG = {  # a value for fields of config.json, by the kind of damage
    "type": {"name": 5},
    "null": {"meta": None},
    "inside": {"meta": {"data": [], "gan": {}, "live": 3, "sentence": 1}},
    "infinite": {"created": "1e999"},
    "distant": {"created": 1e300},
    "half a character": {"name": "x\ud800"},
    "digits": {"steps": 10**400},
    "option": {"options": {"objective": ["\udfff"]}},
}
STATUSES = [
    "[]",
    DEEP,
    '{"state": ["running"]}',
    '{"state": "running", "step": "many"}',
    '{"state": "queued", "step": 0, "queued": "then"}',
    '{"state": "done", "step": 1, "rate": 1e999, "best": 7}',
    '{"state": "\\ud800"}',
]


def texts(config):
    yield from TEXTS
    for change in WRONG.values():
        yield json.dumps({**config, **change}).replace('"1e999"', "1e999")


@pytest.fixture
def damaged(server, make_run):
    """The ids of damaged runs, models and data sets beside whole ones."""
    runs, made = [], []
    for text in texts(read_json(make_run().folder.path / "config.json")):
        runs.append(make_run())
        (runs[-1].folder.path / "config.json").write_text(text)
    models = server.runs / ".models"
    whole = make_translator(models / "damaged", "pix2pix")
    for number, text in enumerate(texts(read_json(whole / "config.json"))):
        made.append(shutil.copytree(whole, models / f"damaged-{number}"))
        (made[-1] / "config.json").write_text(text)
    sets = [server.runs / ".datasets" / f"damaged-{number}" for number in range(len(TEXTS))]
    for folder, text in zip(sets, TEXTS, strict=True):
        folder.mkdir(parents=True)
        (folder / "card.json").write_text(text)
    with contextlib.ExitStack() as stack:
        for folder in (whole, *made, *sets, *(run.folder.path for run in runs)):
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield [run.folder.id for run in runs], [one.name for one in made], [one.name for one in sets]


def listed(server, what):
    answer = server.http.get(f"/api/{what}")
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()}


def test_damaged_folders_are_listed_with_the_reason_and_can_be_deleted(server, damaged):
    runs, models, sets = damaged
    whole = listed(server, "runs"), listed(server, "models"), listed(server, "datasets")
    assert all("is damaged" in whole[0][run]["gone"] for run in runs)
    assert all("is damaged" in whole[1][model]["gone"] for model in models)
    assert whole[1]["damaged"]["gone"] is None
    assert all("is damaged" in whole[2][one]["damaged"] for one in sets)
    for address in ("health", "translate", *(f"runs/{run}" for run in runs)):
        assert server.http.get(f"/api/{address}").status_code < 500, address
    assert server.http.get(f"/api/models/{models[0]}").status_code in (400, 404)
    for kind, one in (("runs", runs[0]), ("models", models[0]), ("datasets", sets[0])):
        assert server.http.delete(f"/api/{kind}/{one}").json() == {"ok": True}


def test_what_else_is_damaged_in_a_run_is_passed_over(server, make_run):
    run = make_run("done")
    (run.folder.snapshots / "00000abc.bin").write_bytes(b"")
    (run.folder.snapshots / f"{'9' * 200}.bin").write_bytes(b"")
    (run.folder.checkpoints / "0000000²").mkdir()
    run.folder.metrics.write_text('{"row": "x"}\n{"row": 1e999}\n' + DEEP + '\n{"row": 0, "step": 7}\n')
    active = '{"row": 0, "step": 0, "type": "diagnosis", "active": '
    run.folder.events.write_text("".join(f"{active}{wrong}}}\n" for wrong in ('[{"name": []}]', "7", "[5]")))
    for text in STATUSES:
        (run.folder.path / "status.json").write_text(text)
        assert listed(server, "runs")[run.folder.id]["status"]["state"] == "failed"
        found = server.http.get(f"/api/runs/{run.folder.id}").json()
        assert "is damaged" in found["status"]["error"]
        assert found["last"]["step"] == 7 and found["snapshots"] == found["checkpoints"] == []
        assert [row["row"] for row in server.http.get(f"/api/runs/{run.folder.id}/metrics").json()] == [0]
        assert server.http.get(f"/api/runs/{run.folder.id}/events").status_code == 200
