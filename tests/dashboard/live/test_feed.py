"""Rows in bounded memory: what is thinned, and what never is."""

from __future__ import annotations

import itertools
import json

import pytest

from dashboard.live.feed import EVENTS, EXACT, THINNED, Feed, History, Line, read_lines, thin
from engine.api import Tail
from tests.dashboard.conftest import HandMade


def lines(steps, attempt=0, first=0, text="{}"):
    return [Line(first + number, attempt, step, text) for number, step in enumerate(steps)]


def test_a_short_history_stays_as_it_is():
    rows = lines(range(100))
    assert thin(rows, 100) == (rows, 1)


@pytest.mark.parametrize("count", [101, 150, 199, 1000, 12_345])
def test_a_long_one_fits_is_even_and_ends_with_the_newest(count):
    kept, size = thin(lines(range(count)), 100)
    gaps = [after.row - before.row for before, after in itertools.pairwise(kept)]
    assert 50 <= len(kept) <= 100 and kept[-1].row == count - 1
    assert max(gaps) <= 2 * size and size == -(-(count - 1) // 98)


def test_measured_rows_survive():
    rows = lines(range(1000))
    rows[333] = rows[333]._replace(text='{"histogram":[]}')
    assert rows[333] in thin(rows, 50)[0]


def test_what_a_later_attempt_did_again_goes_first():
    first = lines(range(1000))
    again = lines(range(600, 1200), attempt=1, first=1000)
    kept, size = thin([*first, *again], 1500)
    assert size == 1 and [line.step for line in kept] == list(range(1200))
    kept, _ = thin([*first, *again], 100)
    assert [line.step for line in kept] == sorted(line.step for line in kept)
    assert all(line.attempt == 1 for line in kept if line.step >= 600)


def test_the_newest_rows_are_exact_and_memory_is_bounded():
    history = History()
    total = 200_000
    for start in range(0, total, 500):
        assert history.add(lines(range(start, start + 500), first=start))
    held = len(history._recent) + len(history._older) + len(history._bucket)
    assert held <= EXACT + 2 * THINNED + history._stride
    for since in (total - 1, total - 2, total - THINNED - 1):
        rows, size = history.after(since)
        assert [line.row for line in rows] == list(range(since + 1, total)) and size == 1
    rows, size = history.after(-1)
    assert THINNED / 2 < len(rows) <= THINNED and rows[-1].row == total - 1 and size >= total / THINNED
    assert rows[0].row < 2 * size


def test_a_row_that_does_not_rise_is_passed_over():
    history = History()
    assert history.add(lines([0, 1, 2]))
    assert not history.add(lines([7], first=1))
    assert history.after(-1)[0] == lines([0, 1, 2])


def test_a_tail_reads_long_files_in_parts_and_long_lines_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path, most=1 << 20)
    assert list(read_lines(tail)) == []
    texts = [
        json.dumps({"row": row, "text": "x" * (3_000_000 if row == 5 else 100_000)}) for row in range(30)
    ]
    path.write_text("\n".join(texts) + "\n")
    seen = []
    while part := list(read_lines(tail)):
        seen += part
    assert [line.text for line in seen] == texts


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", "3", "null", '{"row":"x"}', '{"step":1}', '{"row":1,"x":NaN}', "\xff\0"]
)
def test_a_damaged_line_is_passed_over(tmp_path, damaged):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"row":0}\n' + damaged.encode("latin-1") + b'\n{"row":2}\n')
    assert [line.row for line in read_lines(Tail(path))] == [0, 2]


class Beside:
    """As much of an engine as a feed asks for."""

    def __init__(self, run):
        self.run = run

    def folder(self, name):
        return self.run.folder

    def status(self, name):
        return self.run.folder.status()

    def watch(self, name, sample=None):
        pass


def test_who_comes_late_hears_of_the_evaluations_that_many_events_followed(tmp_path):
    run = HandMade(tmp_path / "run")
    try:
        run.events.write({"row": 0, "step": 1, "type": "diagnosis"})
        run.events.write({"row": 1, "step": 5, "type": "evaluation"})
        run.events.write(*({"row": row, "step": row, "type": "diagnosis"} for row in range(2, EVENTS + 50)))
        feed = Feed("run", Beside(run))
        feed.load()
    finally:
        run.end()

    def told(after):
        text, last = feed.events_after(after)
        assert last == EVENTS + 49
        return json.loads(text)["events"]

    assert told(-1)[0] == {"row": 1, "step": 5, "type": "evaluation"}
    rows = [event["row"] for event in told(-1)]
    assert rows == [1, *range(50, EVENTS + 50)]
    assert told(1)[0]["row"] == 50 and told(EVENTS + 40)[0]["row"] == EVENTS + 41
