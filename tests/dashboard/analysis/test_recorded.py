"""What was recorded as tables, and the figures that are drawn of it: as the run's own files say."""

import itertools
import json

import numpy as np
import pytest

from dashboard.analysis import figures
from dashboard.analysis.figures import View
from dashboard.analysis.recorded import Recordings, best, differences, is_of_seeds, quantities, table_of
from engine.api import Engine
from engine.runs.folder import RunFolder
from engine.worker.session import train

NAMES = {"d_loss": "loss of D", "jsd": "Jensen-Shannon divergence"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("runs"), device="cpu") as opened:
        for name, seed, options in (("a", 1, {}), ("b", 2, {}), ("c", 1, {"r1": 1.0})):
            asked = {"gan": "gan", "data": "ring", "steps": 120, "seed": seed, "device": "cpu"}
            choices = {"hidden": 8, "report_every": 5, "measure_every": 40, **options}
            config = opened.validate("presenter", {**asked, "name": name, "options": choices})
            folder = RunFolder(opened.runs_folder / name)
            folder.create({**config, "id": name}, "starting")
            assert train(folder) == "done"
        yield opened


@pytest.fixture(scope="module")
def runs(engine):
    kept = Recordings(engine)
    return [kept.of(name) for name in "abc"]


def test_every_number_of_the_run_is_there(engine, runs):
    rows = engine.metrics("a")
    table = runs[0]
    assert table.values("step").tolist() == [row["step"] for row in rows]
    for name in ("d_loss", "g_loss", "d_grad", "jsd", "rate"):
        expected = [row.get(name, np.nan) for row in rows]
        assert table.values(name) == pytest.approx(expected, nan_ok=True), name
    assert table.along("samples")[-1] == 120 * table.config["options"]["batch_size"]


def test_new_rows_are_added_to_what_was_read(engine):
    kept = Recordings(engine)
    path = engine.runs_folder / "b" / "metrics.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    assert len(kept.of("b").rows) == 4
    path.write_bytes(whole)
    assert len(kept.of("b").rows) == len(lines)


def test_what_a_resumed_run_did_again_replaces_what_was_there():
    rows = [{"step": step, "d_loss": 1.0} for step in (5, 10, 15, 20)]
    rows += [{"step": step, "d_loss": 2.0} for step in (15, 20, 25)]
    table = table_of(rows)
    assert table["step"].tolist() == [5, 10, 15, 20, 25]
    assert table["d_loss"].tolist() == [1, 1, 2, 2, 2]


def test_what_can_be_drawn_is_grouped_and_named(engine, runs):
    found = quantities(runs, engine.catalogue()["metrics"])
    assert found["Losses"]["d_loss"] == "loss of D" and "jsd" in found["Measures"]
    assert "d_grad" in found["Gradient norms"] and "penalty_r1" in str(found)
    assert not {"step", "time", "row"} & {name for members in found.values() for name in members}


def test_runs_that_differ_in_the_seed_alone_are_known(runs):
    a, b, c = runs
    assert differences([a, b]) == {"seed": [1, 2]} and is_of_seeds([a, b])
    assert differences([a, c]) == {"r1": [0.0, 1.0]} and not is_of_seeds([a, c])
    assert not is_of_seeds([a])


def test_the_best_is_that_of_the_rows(engine, runs):
    value, step = best(runs[0], "jsd", "lower")
    rows = {row["step"]: row["jsd"] for row in engine.metrics("a") if "jsd" in row}
    assert rows[step] == value == min(rows.values())
    assert best(runs[0], "fid", "lower") is None


def test_a_figure_shows_the_rows_and_the_rest_of_the_losses_that_ran(runs):
    figure = json.loads(figures.curves(runs, NAMES, View()).to_json())
    drawn = [one for one in figure["data"] if one["type"] == "scattergl"]
    assert [one["name"] for one in drawn] == ["a", "b", "c"] * 2
    plain = figures.curves(runs, NAMES, View()).data[0]
    assert (
        list(plain.y) == runs[0].values("d_loss").tolist()
        and list(plain.x) == runs[0].values("step").tolist()
    )
    lines = [shape["y0"] for shape in figure["layout"]["shapes"]]
    assert lines == pytest.approx([2 * np.log(2)])


def test_smoothed_lines_lie_over_the_raw_ones(runs):
    figure = figures.curves(runs[:1], {"d_loss": "loss of D"}, View(width=20))
    raw, soft = figure.data[:2]
    assert raw.opacity < soft.opacity and np.std(soft.y) < np.std(raw.y)


def test_seeds_become_a_band_between_their_extremes(runs):
    figure = figures.curves(runs[:2], {"d_loss": "loss of D"}, View(band=True))
    least, most, mean = (np.array(one.y) for one in figure.data[:3])
    values = np.stack([one.values("d_loss") for one in runs[:2]])
    assert least == pytest.approx(values.min(0)) and most == pytest.approx(values.max(0))
    assert mean == pytest.approx(values.mean(0))


def test_diagnoses_are_marked_when_they_change(runs):
    figure = figures.curves(runs[:1], {"d_loss": "loss of D"}, View())
    marks = [one for one in figure.data if one.mode == "markers" and one.text is not None]
    words = [text for one in marks for text in one.text]
    assert words and all(one != other for one, other in itertools.pairwise(words))
