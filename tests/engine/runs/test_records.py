"""The records say what is in the folders: those written before, those that ship, and one written now."""

import json
import struct
import zipfile
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from engine import PRETRAINED
from engine.runs import cards, headers, records
from engine.runs.files import Tail, read_json
from engine.runs.folder import RunFolder
from engine.tools import records as tool
from engine.training.request import validate
from engine.worker.session import train

CONFIG, STATUS = TypeAdapter(records.RunConfig), TypeAdapter(records.Status)
MODEL, EVENT = TypeAdapter(cards.ModelConfig), TypeAdapter(records.RunEvent)
ROW, HEADER = TypeAdapter(records.Row), TypeAdapter(headers.FrameHeader)
FILE = Path(__file__).with_name("written_before.zip")
MODELS = [path for path in sorted(PRETRAINED.glob("*/config.json")) if "gan" in json.loads(path.read_text())]


def check(run):
    """Every field of every record is declared, and of the type that is declared."""
    CONFIG.validate_python(read_json(run.path / "config.json"))
    STATUS.validate_python(read_json(run.path / "status.json"))
    rows, events = Tail(run.metrics).read(), Tail(run.events).read()
    assert rows and events
    for row in rows:
        ROW.validate_python(row)
    for event in events:
        EVENT.validate_python(event)
    for path in (run.live, run.real, *run.snapshots.glob("*.bin")):
        frame = path.read_bytes()
        HEADER.validate_python(json.loads(frame[4 : 4 + struct.unpack_from("<I", frame)[0]]))


@pytest.mark.parametrize("name", ["points", "images", "pairs"])
def test_what_was_written_before_is_declared(tmp_path, name):
    with zipfile.ZipFile(FILE) as archive:
        archive.extractall(tmp_path)
    check(RunFolder(tmp_path / name))
    MODEL.validate_python(read_json(tmp_path / f"{name}-kept" / "config.json"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_a_model_that_ships_is_declared(path):
    MODEL.validate_python(json.loads(path.read_text()))


def test_what_is_written_now_is_declared(tmp_path):
    options = {"hidden": 8, "batch_size": 16, "evaluate_every": 0, "keep_best": "jsd"}
    config = validate({"gan": "gan", "data": "ring", "steps": 40, "device": "cpu", "options": options})
    run = RunFolder(tmp_path / "run")
    run.create({**config, "id": run.id}, "starting")
    run.command({"command": "set", "options": {"generator_lr": 1e-4}})
    assert train(run) == "done"
    check(run)


def test_the_types_of_the_scripts_are_current():
    assert tool.FILE.read_text("utf-8") == tool.declarations(), "run python -m engine.tools.records"


def test_the_schema_holds_every_record_with_all_its_fields():
    told = tool.schema()["$defs"]
    assert set(tool.RECORDS) <= set(told)
    assert told["Status"]["properties"].keys() == records.Status.__annotations__.keys()
