"""Translations that wait, and the command line."""

import pytest

from engine.__main__ import main
from engine.models.library import Library
from engine.options import BadInput, Conflict, NotFound, TooMany
from engine.requests.viewer import Viewer
from engine.server import translations
from engine.server.desk import Desk
from engine.translation import work
from tests.engine.made_translators import file_of, make_translator, opened, photograph


class Hand:
    """Turns that end when the test says so."""

    def __init__(self):
        self.asked = []

    def ask(self, asked):
        asked.begun = asked.future.set_running_or_notify_cancel()
        self.asked.append(asked)


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def queue(hand, tmp_path):
    desk = Desk(hand)
    made = translations.Translations(desk, tmp_path / "jobs")
    yield made
    desk.close()
    made.close()
    assert not (tmp_path / "jobs").exists()


def start(queue, viewer):
    return queue.start(("m", "folder"), [("p.png", b"x")], {}, Viewer(viewer))


def test_viewers_take_turns_and_know_their_place(queue, hand):
    greedy = [start(queue, "a") for _ in range(3)]
    other = start(queue, "b")
    assert [queue.status(job)["state"] for job in (*greedy, other)] == [
        "running",
        "queued",
        "queued",
        "running",
    ]
    late = start(queue, "c")
    last = start(queue, "d")
    assert queue.status(late)["state"] == "running" and queue.status(last)["ahead"] == 3
    assert [queue.status(job)["ahead"] for job in greedy[1:]] == [4, 5]
    queue.cancel(other)
    assert queue.status(last)["state"] == "running"
    assert len(hand.asked) == 4


def test_a_failure_is_told_and_leaves_no_file(queue, hand, tmp_path):
    job = start(queue, "a")
    hand.asked[0].refuse(BadInput("no picture.", "image", "Send one."))
    assert queue.status(job)["state"] == "failed" and queue.status(job)["error"] == "no picture."
    with pytest.raises(BadInput, match="no picture"):
        queue.result(job)
    assert not list((tmp_path / "jobs").iterdir())


def test_too_many_are_refused_and_old_results_forgotten(queue, monkeypatch):
    for _ in range(translations.TRANSLATION.of_one):
        start(queue, "a")
    with pytest.raises(TooMany, match="yours"):
        start(queue, "a")
    job = start(queue, "b")
    for one in queue._desk._jobs.values():
        one.heard -= 61  # as if nobody had asked for a minute
    start(queue, "a")  # what nobody asks about has made room
    with pytest.raises(Conflict, match="given up"):
        queue.result(job)


def test_of_a_control_only_the_newest_waits(queue, hand):
    first, second, third = (queue.translate(("m", "f"), b"x", {}, Viewer("a"), "pad", n) for n in (1, 2, 3))
    assert isinstance(second.exception(), Conflict) and not first.done() and not third.done()
    with pytest.raises(Conflict, match="superseded"):
        queue.translate(("m", "f"), b"x", {}, Viewer("a"), "pad", 2)


def test_a_process_that_died_is_not_asked_for_the_same_again(tmp_path):
    loaded = Library().get(make_translator(tmp_path / "m", "pix2pix"))
    folder = tmp_path / "job"
    for part in ("in", "out"):
        (folder / part).mkdir(parents=True)
    for number in range(3):
        (folder / "in" / str(number)).write_bytes(file_of(photograph(9, 9)))
    arguments = {"folder": str(folder), "names": ["a", "b", "c"], "options": {}, "many": True}
    lost = {"position": 1, "done": 1, "failed": []}
    (folder / "out" / "a.png").write_bytes(b"of the first process")
    while "result" not in (answer := work.translate(loaded, arguments, lost)):
        pass
    assert answer["result"]["done"] == 2 and [one["name"] for one in answer["result"]["failed"]] == ["b"]
    with pytest.raises(BadInput, match="ended unexpectedly"):
        work.translate(loaded, {**arguments, "many": False}, {"attempt": 1})
    with pytest.raises(NotFound):
        work.translate(loaded, {**arguments, "folder": str(tmp_path / "gone")}, {})


@pytest.mark.parametrize("beside", ["same folder", "linked", "other name"])
def test_no_input_is_overwritten(tmp_path, capsys, beside):
    make_translator(tmp_path / "runs" / ".models" / "pairs", "pix2pix")
    frames = tmp_path / "frames"
    frames.mkdir()
    raw = file_of(photograph(20, 30))
    (frames / "one.png").write_bytes(raw)
    (frames / "two.jpg").write_bytes(file_of(photograph(20, 30), "JPEG"))
    out = frames if beside == "same folder" else tmp_path / "out"
    if beside == "linked":
        out.symlink_to(frames)
    elif beside == "other name":
        out.mkdir()
        (out / "one.png").hardlink_to(frames / "one.png")
    assert main(["translate", "pairs", str(frames), "--out", str(out), "--runs", str(tmp_path / "runs")]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert (frames / "one.png").read_bytes() == raw and not (out / "two.png").exists(), "before any work"
    free = ["--out", str(tmp_path / "free"), "--runs", str(tmp_path / "runs")]
    assert main(["translate", "pairs", str(frames), *free]) == 0


def test_what_lies_beside_pictures_is_passed_over_and_unreadable_kinds_are_named(tmp_path, capsys):
    make_translator(tmp_path / "runs" / ".models" / "pairs", "pix2pix")
    given = tmp_path / "given"
    given.mkdir()
    (given / "one.avif").write_bytes(file_of(photograph(20, 30), "AVIF"))
    (given / "._one.avif").write_bytes(b"what macOS keeps of a file")
    (given / "two.jxl").write_bytes(b"a picture of another kind")
    out = ["--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    assert main(["translate", "pairs", str(given), *out]) == 0
    said = capsys.readouterr()
    assert "two.jxl: left out" in said.err and said.out.split() == [str(tmp_path / "out" / "one.png")]


def test_no_file_of_a_model_is_overwritten(tmp_path, capsys):
    folder = make_translator(tmp_path / "runs" / ".models" / "pairs", "pix2pix")
    before = (folder / "weights.safetensors").read_bytes()
    weights = ["--out", str(folder / "weights.safetensors"), "--runs", str(tmp_path / "runs")]
    assert main(["export", "pairs", "--to", "safetensors", *weights]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert (folder / "weights.safetensors").read_bytes() == before


def test_the_command_line_does_what_it_can(tmp_path, capsys):
    make_translator(tmp_path / "runs" / ".models" / "pairs", "pix2pix")
    given, out = tmp_path / "given", tmp_path / "out"
    (given / "deep").mkdir(parents=True)
    (given / "deep" / "one.jpg").write_bytes(file_of(photograph(20, 30), "JPEG"))
    (given / "bad.png").write_bytes(b"no picture")
    (given / "notes.txt").write_text("no picture, and not meant to be one")
    common = ["--out", str(out), "--runs", str(tmp_path / "runs")]
    assert main(["translate", "pairs", str(given), *common]) == 1
    assert opened((out / "deep" / "one.png").read_bytes()).size == (30, 20)
    assert "bad.png" in (said := capsys.readouterr()).err and "1 of 2 failed" in said.err
    assert main(["translate", "pairs", str(given / "deep"), *common]) == 0
    assert main(["translate", "pairs", str(given / "deep"), *common, "--direction", "b_to_a"]) == 1
    assert main(["translate", "nobody", str(given), *common]) == 2
