"""Who is served next, without any model."""

import threading

import pytest

from engine.options import BadInput, Conflict, TooMany
from engine.requests.viewer import HERE, SHARES, Viewer
from engine.server.turns import MOST_OF_ALL, MOST_OF_ONE, QueuedRequest, Turns


class Desk:
    """Turns whose work waits for ``go``; ``served`` are the turns so far, by name. By its own clock a turn
    takes the seconds in ``takes``.
    """

    def __init__(self, together=4, workers=1):
        self.served, self.gate, self.at_work = [], threading.Semaphore(0), threading.Semaphore(0)
        self.again, self.takes, self.now, self.by = set(), {}, 0.0, {}
        self.turns = Turns(self.work, together, "desk", workers, clock=lambda: self.now)

    def work(self, model, turn):
        self.at_work.release()
        self.gate.acquire()
        self.now += self.takes.get(turn[0].viewer.host, 0.1)
        for asked in turn:
            self.by.setdefault(asked.request["name"], []).append(asked.worker)
        self.served.append([asked.request["name"] for asked in turn])
        more = [asked for asked in turn if asked.request["name"] in self.again]
        for asked in turn:
            if asked not in more:
                asked.answer({"model": model, "name": asked.request["name"]})
        return more

    def ask(self, name, viewer="a", control="", sequence=None, model="m", host=HERE, **more):
        request = {"name": name, **more}
        return self.turns.ask(QueuedRequest(model, request, Viewer(viewer, host), control, sequence))

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
        turns.ask(QueuedRequest("broken", {}, Viewer("a"))).result(10)
    assert turns.ask(QueuedRequest("whole", {}, Viewer("a"))).result(10) == {}
    turns.close()


def test_closing_answers_all_that_wait(desk):
    desk.busy()
    waiting = desk.ask("waiting")
    desk.turns.close()
    with pytest.raises(BadInput, match="closing"):
        waiting.result(10)
    with pytest.raises(BadInput, match="closing"):
        desk.ask("too late")


# --- hosts


@pytest.fixture
def one_by_one():
    made = Desk(together=1)
    yield made
    made.turns.close()
    made.go()


def order_of(desk, asked):
    desk.go(200)
    for one in asked:
        one.result(10)
    return [name for turn in desk.served for name in turn]


def test_a_host_that_invents_viewers_has_no_more_than_its_shares(one_by_one):
    one_by_one.busy()
    greedy = [one_by_one.ask(f"greedy {n}", viewer=f"v{n}", host="10.0.0.1") for n in range(40)]
    modest = [one_by_one.ask(f"modest {n}", host="10.0.0.2") for n in range(4)]
    order = order_of(one_by_one, [*greedy, *modest])
    for n in range(4):
        assert order.index(f"modest {n}") <= 1 + (n + 1) * (SHARES + 1)
    assert order.index("greedy 4") < order.index("modest 3"), "nor fewer: they may be a class"


def test_who_asks_for_long_work_has_fewer_turns(one_by_one):
    one_by_one.takes = {"10.0.0.1": 1.0, "10.0.0.2": 0.1}
    one_by_one.busy()
    long = [one_by_one.ask(f"long {n}", host="10.0.0.1") for n in range(4)]
    short = [one_by_one.ask(f"short {n}", host="10.0.0.2") for n in range(20)]
    order = order_of(one_by_one, [*long, *short])
    assert 10 <= order.index("long 1") - order.index("long 0") <= 12


def test_no_host_fills_the_queue(desk):
    """By names that it invents, or by what it sends."""

    def fill(host, **more):
        for n in range(MOST_OF_ALL + 1):
            try:
                desk.ask("x", viewer=f"{n}", host=host, **more)
            except TooMany:
                return n
        return None

    desk.busy()
    assert fill("10.0.0.1") == 3 * MOST_OF_ALL // 4
    assert fill("10.0.0.2", arguments={"image": bytes(15 << 20)}) == MOST_OF_ALL // 4 // 16
    assert fill("10.0.0.3") == MOST_OF_ALL // 16, "some always find room"
    assert fill(HERE) == MOST_OF_ALL


def test_what_a_worker_has_begun_it_goes_on_with_while_others_work():
    desk = Desk(together=1, workers=2)
    desk.again = {"a", "b"}
    asked = [desk.ask(name, viewer=name) for name in "ab"]
    for _ in asked:
        assert desk.at_work.acquire(timeout=10), "both at once"
    desk.go(6)
    for _ in range(6):
        assert desk.at_work.acquire(timeout=10)
    desk.again = set()
    desk.go()
    for one in asked:
        one.result(10)
    assert {len(set(by)) for by in desk.by.values()} == {1} and desk.by["a"][0] != desk.by["b"][0]
    desk.turns.close()
