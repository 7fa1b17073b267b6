"""Who is served next, without any model."""

import threading

import pytest

from engine.options import BadInput, Conflict, TooMany
from engine.server.turns import MOST_OF_ONE, QueuedRequest, Turns


class Desk:
    """Turns whose work waits for ``go``; ``served`` are the turns so far, by name."""

    def __init__(self, together=4):
        self.served, self.gate, self.at_work = [], threading.Semaphore(0), threading.Semaphore(0)
        self.again = set()
        self.turns = Turns(self.work, together, "desk")

    def work(self, model, turn):
        self.at_work.release()
        self.gate.acquire()
        self.served.append([asked.request["name"] for asked in turn])
        more = [asked for asked in turn if asked.request["name"] in self.again]
        for asked in turn:
            if asked not in more:
                asked.answer({"model": model, "name": asked.request["name"]})
        return more

    def ask(self, name, viewer="a", control="", sequence=None, model="m"):
        return self.turns.ask(QueuedRequest(model, {"name": name}, viewer, control, sequence))

    def busy(self):
        """Give it something to do, so that whatever is asked now waits."""
        first = self.ask("first", viewer="someone")
        assert self.at_work.acquire(timeout=10)
        return first

    def go(self, turns=50):
        for _ in range(turns):
            self.gate.release()


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.turns.close()
    made.go()


def test_an_answer_comes(desk):
    asked = desk.ask("one")
    desk.go()
    assert asked.result(10) == {"model": "m", "name": "one"}


def test_of_one_control_only_the_newest_waits(desk):
    desk.busy()
    old = [desk.ask(f"drag {n}", control="c1", sequence=n) for n in range(5)]
    other = desk.ask("other", control="c2", sequence=0)
    desk.go()
    assert old[4].result(10)["name"] == "drag 4" and other.result(10)["name"] == "other"
    for superseded in old[:4]:
        with pytest.raises(Conflict, match="superseded"):
            superseded.result(10)
    assert all(name not in ("drag 0", "drag 3") for turn in desk.served for name in turn)


def test_what_comes_late_is_refused(desk):
    desk.busy()
    newer = desk.ask("newer", control="c1", sequence=7)
    with pytest.raises(Conflict, match="superseded"):
        desk.ask("older", control="c1", sequence=6)
    desk.go()
    assert newer.result(10)["name"] == "newer"
    with pytest.raises(Conflict, match="superseded"):
        desk.ask("older still", control="c1", sequence=5)
    assert desk.ask("of another viewer", viewer="b", control="c1", sequence=0).result(10)


def test_what_has_begun_is_finished(desk):
    begun = desk.ask("begun", control="c1", sequence=0)
    assert desk.at_work.acquire(timeout=10)
    newer = desk.ask("newer", control="c1", sequence=1)
    desk.go()
    assert begun.result(10)["name"] == "begun" and newer.result(10)["name"] == "newer"


def test_viewers_take_turns_whoever_asks_more():
    desk = Desk(together=1)
    desk.busy()
    greedy = [desk.ask(f"a{n}", viewer="a") for n in range(4)]
    modest = [desk.ask(f"{viewer}0", viewer=viewer) for viewer in "bc"]
    desk.go()
    for asked in [*greedy, *modest]:
        asked.result(10)
    assert [turn[0] for turn in desk.served] == ["first", "a0", "b0", "c0", "a1", "a2", "a3"]
    desk.turns.close()


def test_a_drag_does_not_cost_its_viewer_the_place():
    desk = Desk(together=1)
    desk.busy()
    desk.ask("a0", viewer="a", control="c", sequence=0)
    last = desk.ask("b0", viewer="b")
    desk.ask("a1", viewer="a", control="c", sequence=1)
    desk.go()
    last.result(10)
    assert [turn[0] for turn in desk.served] == ["first", "a1", "b0"]
    desk.turns.close()


def test_equal_models_are_served_together_one_request_of_each_viewer(desk):
    desk.busy()
    asked = [desk.ask(f"{viewer}{n}", viewer=viewer) for viewer in "abc" for n in range(2)]
    asked.append(desk.ask("elsewhere", viewer="d", model="n"))
    desk.go()
    for one in asked:
        one.result(10)
    assert desk.served[1] == ["a0", "b0", "c0"]
    assert ["elsewhere"] in desk.served


def test_what_needs_more_turns_lets_others_in_between(desk):
    desk.again = {"long"}
    desk.busy()
    long = desk.ask("long", viewer="a", model="big")
    short = [desk.ask("short", viewer=viewer) for viewer in "ab"]
    desk.go(9)
    assert all(one.result(10) for one in short) and not long.done()
    desk.again = set()
    desk.go()
    assert long.result(10)["name"] == "long"


def test_nobody_may_wait_with_too_many(desk):
    desk.busy()
    for n in range(MOST_OF_ONE):
        desk.ask(str(n))
    with pytest.raises(TooMany):
        desk.ask("one more")
    assert desk.ask("of another", viewer="b")


def test_who_gives_up_is_not_served(desk):
    desk.busy()
    given_up, other = desk.ask("given up"), desk.ask("other", viewer="b")
    assert given_up.cancel()
    desk.go()
    other.result(10)
    assert ["given up"] not in desk.served and all("given up" not in turn for turn in desk.served)


def test_work_that_breaks_is_said_and_the_next_is_done():
    def work(model, turn):
        if model == "broken":
            raise ZeroDivisionError
        for asked in turn:
            asked.answer({})
        return []

    turns = Turns(work, 4, "broken")
    with pytest.raises(Conflict, match="broke"):
        turns.ask(QueuedRequest("broken", {}, "a")).result(10)
    assert turns.ask(QueuedRequest("whole", {}, "a")).result(10) == {}
    turns.close()


def test_closing_answers_all_that_wait(desk):
    desk.busy()
    waiting = desk.ask("waiting")
    desk.turns.close()
    with pytest.raises(BadInput, match="closing"):
        waiting.result(10)
    with pytest.raises(BadInput, match="closing"):
        desk.ask("too late")
