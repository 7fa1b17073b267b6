"""Evaluation while a run trains: when it comes, what it leaves behind, what it must not touch."""

import pytest

import engine.metrics.evaluate
from engine.metrics import METRICS
from engine.metrics.evaluate import described
from engine.metrics.metric import Figure, Metric
from engine.metrics.subject import Outcome
from engine.runs.files import Tail
from engine.worker.session import Session, train

STAND_IN = {
    "figures": {"fid": 3.0, "g_loss": 99.0},
    "floors": {"fid": 1.0},
    "metrics": {"fid": {"n": 64}},
    "network": None,
    "n": 64,
    "seed": 0,
    "seconds": 0.0,
    "warnings": [],
}


@pytest.fixture
def session(new_run, monkeypatch):
    """A session that reports every second step, and whose evaluations take no time."""
    monkeypatch.setattr(engine.metrics.evaluate, "evaluate_networks", lambda *_, **__: STAND_IN)

    def make(**options):
        return Session(new_run(gan="dcgan", data="mnist", steps=40, report_every=2, **options), False, None)

    return make


def go(session, step):
    while session.trainer.step < step:
        session.advance()


def evaluated(session):
    events = Tail(session.status.folder.events).read()
    return [event["step"] for event in events if event["type"] == "evaluation"]


def upcoming(session):
    session.status.write()
    return session.status.folder.status()["next_evaluation"]


def test_an_interval_that_changes_holds_from_the_next_multiple_on(session):
    run = session(evaluate_every=0)
    go(run, 5)
    assert upcoming(run) is None
    run.trainer.set_options({"evaluate_every": 4})
    go(run, 7)
    assert evaluated(run) == [] and upcoming(run) == 8  # not at once for the multiple that has passed
    go(run, 9)
    run.trainer.set_options({"evaluate_every": 20})
    go(run, 11)
    assert evaluated(run) == [8]
    run.trainer.set_options({"evaluate_every": 6})
    assert upcoming(run) == 12
    go(run, 12)
    run.trainer.set_options({"evaluate_every": 0})
    go(run, 20)
    assert evaluated(run) == [8, 12] and upcoming(run) is None


def test_an_interval_between_two_reports_waits_for_the_next(session):
    run = session(evaluate_every=5)
    assert upcoming(run) == 6
    go(run, 16)
    assert evaluated(run) == [6, 10, 16]
    run.trainer.set_options({"evaluate_every": 30})
    assert upcoming(run) == 30
    run.trainer.set_options({"evaluate_every": 50})
    assert upcoming(run) is None  # the run ends before


def test_the_status_says_that_training_waits(session, monkeypatch):
    run = session(evaluate_every=2)
    seen = []

    def look(*_, **__):
        seen.append(run.status.folder.status()["evaluating"])
        return STAND_IN

    monkeypatch.setattr(engine.metrics.evaluate, "evaluate_networks", look)
    go(run, 2)
    assert seen == [True] and run.status.folder.status()["evaluating"] is False


def test_what_training_says_under_a_figures_name_stays(session):
    run = session(evaluate_every=2)
    go(run, 2)
    row = Tail(run.status.folder.metrics).read()[-1]
    assert row["step"] == 2 and row["fid"] == 3.0 and row["g_loss"] < 50


def test_the_event_says_what_its_figures_are(new_run):
    folder = new_run(gan="dcgan", data="mnist", steps=2, evaluate_every=2, evaluate_samples=64)
    assert train(folder) == "done"
    (event,) = [event for event in Tail(folder.events).read() if event["type"] == "evaluation"]
    told = {figure["name"]: figure for measure in event["measures"] for figure in measure["figures"]}
    assert list(told) == list(event["figures"]) and {"fid", "kid", "memorised"} <= set(told)
    assert told["fid"]["better"] == "lower" and told["precision"]["better"] == "higher"
    measure = event["measures"][0]
    assert (measure["name"], measure["floor"]) == ("fid", METRICS["fid"].floor)
    assert event["n"] == 64 and event["network"]["title"] and event["floors"]["fid"] >= 0


def test_a_measure_without_a_figure_is_not_described():
    found = {"metrics": {"fid": {}, "inception_score": {}}, "figures": {"fid": 1.0}}
    assert [measure["name"] for measure in described(found)] == ["fid"]


def test_an_evaluated_row_is_measured_like_all_others(new_run):
    """A figure that both know, of other samples in an evaluation, is the live one wherever it stands."""
    often = {"report_every": 2, "measure_every": 4, "evaluate_every": 2, "evaluate_samples": 64}
    folder = new_run(gan="aae", data="mnist", steps=6, hidden=8, **often)
    assert train(folder) == "done"
    rows = {row["step"]: row for row in Tail(folder.metrics).read()}
    figures = {e["step"]: e["figures"] for e in Tail(folder.events).read() if e["type"] == "evaluation"}
    assert list(figures) == [2, 4, 6]
    for step, found in figures.items():
        assert rows[step]["fid"] == found["fid"] and "diversity" in rows[step]
        assert rows[step]["reconstruction_error"] != found["reconstruction_error"]


def test_a_measure_that_is_declared_live_is_taken_from_the_table(new_run, monkeypatch):
    words = {"centre": Figure("centre", "The mean.", "lower", live=True)}
    centre = Metric("Centre", "The mean.", ("points",), (), words, evaluate=centre_of, live=64)
    pictures = Metric("Other", "Of others.", ("images",), (), words, evaluate=centre_of, live=64)
    monkeypatch.setitem(METRICS, "centre", centre)
    monkeypatch.setitem(METRICS, "pictures", pictures)
    folder = new_run(steps=40)
    assert train(folder) == "done"
    rows = Tail(folder.metrics).read()
    taken = [row["step"] for row in rows if "centre" in row]
    assert taken == [row["step"] for row in rows if "jsd" in row] == [1, 20, 40]


def centre_of(subject):
    return Outcome({"centre": float(subject.drawn(subject.n)[1].mean())})
