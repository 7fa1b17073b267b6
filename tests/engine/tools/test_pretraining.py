"""A model that ships is made whole: its runs, its figures, its card, and nothing twice."""

import json

import pytest

from engine.models import loading
from engine.runs.folder import RunFolder
from engine.tools import pretraining
from engine.tools.pretraining import Plan


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A small plan in an empty place; its models go to ``tmp_path / "kept"``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretraining, "PRETRAINED", tmp_path / "kept")
    request = {"gan": "gan", "data": "ring", "steps": 6, "seed": 0, "options": {"hidden": 8}}
    plan = Plan(
        title="Tiny",
        sentence="A ring.",
        request=request,
        limits="All of them.",
        metrics=("modes",),
        beside={"layers": 1},
        polish={"discriminator_lr": 5e-4},
        polish_steps=4,
    )
    monkeypatch.setitem(pretraining.PLANS, "tiny", plan)
    return plan


def test_a_second_run_begins_with_the_first_and_both_are_told(plan, tmp_path):
    place = pretraining.make("tiny")
    first, last = (
        RunFolder(tmp_path / "runs/pretraining-tiny"),
        RunFolder(tmp_path / "runs/pretraining-tiny-polished"),
    )
    assert first.status()["step"] == 6 and last.status()["step"] == 4
    begun = loading.load_run(last, step=0).networks["generator"].state_dict()
    for key, value in loading.load_run(first).networks["generator"].state_dict().items():
        assert (begun[key] == value).all()
    assert last.config()["options"]["discriminator_lr"] == 5e-4
    beside = RunFolder(tmp_path / "runs/pretraining-tiny-beside-polished").config()["options"]
    assert beside["layers"] == 1 and beside["discriminator_lr"] == 5e-4
    card = (place / "card.md").read_text()
    assert "--steps 6 --seed 0" in card and "and 4 more" in card and "`discriminator_lr=0.0005`" in card
    assert "10 steps of batch" in card
    assert json.loads((place / "config.json").read_text())["step"] == 10
    found = json.loads((place / "evaluation.json").read_text())
    assert found["figures"].keys() == found["beside"].keys()


def test_what_has_ended_is_not_trained_again(plan, monkeypatch):
    pretraining.make("tiny")

    def train(folder, resume=False):
        raise AssertionError(folder)

    monkeypatch.setattr(pretraining, "train", train)
    pretraining.make("tiny")


def test_what_ships_is_measured_again_and_its_words_stay(plan):
    place = pretraining.make("tiny")
    card, config = (place / "card.md").read_text(), (place / "config.json").read_text()
    (place / "evaluation.json").write_text(
        (place / "evaluation.json").read_text().replace('"figures"', '"forgotten"')
    )
    assert pretraining.measure("tiny") == place
    assert (place / "card.md").read_text() == card and (place / "config.json").read_text() == config
    assert json.loads((place / "evaluation.json").read_text())["figures"]["modes_hit"] >= 0
