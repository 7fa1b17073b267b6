"""The checkpoint that was best by a measure: kept only by measures that a run has, and of use afterwards."""

import shutil

import pytest

from engine.metrics.best import RANKING, Best
from engine.models import checkpoint, finding, loading
from engine.models.library import Library
from engine.options import BadInput, NotFound
from engine.runs.files import Tail
from engine.runs.folder import BEST
from engine.server.shelf import Shelf
from engine.training.request import validate
from engine.worker.session import train


@pytest.mark.parametrize(
    ("gan", "data", "measure", "options"),
    [
        ("gan", "ring", "fid", {}),
        ("gan", "ring", "code_error", {}),
        ("gan", "spiral", "share", {}),  # no modes
        ("dcgan", "mnist", "test_error", {}),
        ("dcgan", "mnist", "jsd", {}),
        ("acgan", "mnist", "test_error", {}),
        ("infogan", "mnist", "code_error", {"categories": 0}),
        ("aae", "mnist", "test_l1", {}),
        ("pix2pix", "line_art", "fid", {"evaluate_every": 10}),
    ],
)
def test_a_measure_that_the_run_does_not_have_is_refused(gan, data, measure, options):
    with pytest.raises(BadInput) as refusal:
        validate({"gan": gan, "data": data, "options": {"keep_best": measure, **options}})
    assert refusal.value.field == "keep_best"
    offered = refusal.value.remedy.removeprefix("Choose one of: ").rstrip(".").split(", ")
    for other in offered[-2:]:
        more = {"evaluate_every": 10} if other in ("fid", "kid") else {}
        validate({"gan": gan, "data": data, "options": {**options, "keep_best": other, **more}})


@pytest.mark.parametrize(
    ("gan", "data", "measure", "key"),
    [
        ("gan", "grid", "share", "share"),
        ("semi_supervised", "mnist", "test_error", "test_error"),
        ("infogan", "mnist", "code_error", "code_error"),
        ("bigan", "mnist", "reconstruction_error", "reconstruction_error"),
        ("dcgan", "mnist", "class_kl", "class_kl"),
    ],
)
def test_what_is_offered_is_measured(new_run, gan, data, measure, key):
    narrow = {"width": 4} if gan in ("dcgan", "infogan") else {}
    folder = new_run(gan=gan, data=data, steps=2, keep_best=measure, report_every=1, batch_size=10, **narrow)
    assert train(folder) == "done"
    rows = [(row[key], row["step"]) for row in Tail(folder.metrics).read() if key in row]
    best = (min if RANKING[measure].better == "lower" else max)(rows, key=lambda row: row[0])
    kept = folder.status()["best"]
    assert (kept["measure"], kept["value"], kept["step"]) == (measure, *best) and kept["title"]


@pytest.fixture
def run(new_run, monkeypatch):
    """A run that was best at step 10 of 40."""
    monkeypatch.setattr(Best, "improves", lambda best, row, step: _at_ten(best, step))
    folder = new_run(keep_best="jsd", steps=40)
    assert train(folder) == "done"
    return folder


def _at_ten(best, step):
    if step != 10:
        return False
    best.value, best.step = 0.25, 10
    return True


def test_the_best_checkpoint_is_a_model(run):
    name, runs = f"{run.id}.best", run.path.parent
    best, newest = loading.load(name, runs), loading.load(run.id, runs)
    assert (best.step, newest.step) == (10, 40) and best.id == name
    z = best.latents([3])
    assert not best.generate(z).equal(newest.generate(z))
    state = checkpoint.load(run.checkpoints / BEST)["trainer"]["networks"]["generator"]
    assert all(value.equal(state[key]) for key, value in best.networks["generator"].state_dict().items())
    assert loading.load(run.path.with_name(name)).step == 10  # by its path
    assert Library().get(finding.find(name, runs)).model.step == 10


def test_it_is_on_the_shelf_until_the_run_is_gone(run):
    runs = run.path.parent
    shelf = Shelf(runs, dict)
    cards = {card["id"]: card for card in shelf.list([{"id": run.id}]) if card["source"] == "run"}
    assert list(cards) == [run.id, f"{run.id}.best"]
    best = cards[f"{run.id}.best"]
    assert best["step"] == 10 and best["title"].endswith("best by Jensen-Shannon divergence")
    assert shelf.card(best["id"]) == best and not best["live"]
    assert shelf.version(best["id"]) == f"{run.id}.best@10" and shelf.version(run.id) == f"{run.id}@40"
    library = Library()
    assert library.get(shelf.folder(best["id"])).model.step == 10
    shutil.rmtree(run.path)
    with pytest.raises(NotFound):
        shelf.folder(best["id"])


def test_a_run_that_kept_none_has_none(new_run):
    folder = new_run(steps=5)
    assert train(folder) == "done" and folder.status()["best"] is None
    runs = folder.path.parent
    with pytest.raises(NotFound):
        loading.load(f"{folder.id}.best", runs)
    with pytest.raises(NotFound):
        Shelf(runs, dict).folder(f"{folder.id}.best")
