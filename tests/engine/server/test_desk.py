"""The desk: what all kinds of jobs have in common. What a kind adds is tested with that kind."""

import threading

import pytest

from engine.options import BadInput, Conflict, NotFound, TooMany
from engine.requests.viewer import HERE, Viewer
from engine.server.desk import AT_ONCE, Desk, Job, Kind
from engine.server.turns import QueuedRequest
from tests.engine.server.test_translations import Hand

SHORT, OTHER = Kind("export", of_one=1, of_all=2), Kind("walk", of_one=9, of_all=9)


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def desk(hand):
    made = Desk(hand)
    yield made
    made.close()


def job(viewer, kind=SHORT, host=HERE, **more):
    return Job(kind, "model", QueuedRequest("folder", {}, Viewer(viewer, host)), **more)


def test_each_kind_has_its_own_limits_and_all_share_the_places(desk, hand):
    first = desk.take(job("a"))
    with pytest.raises(TooMany, match="another export of yours is not done"):
        desk.take(job("a"))
    desk.take(job("b"))
    with pytest.raises(TooMany, match="too many exports wait"):
        desk.take(job("c"))
    others = [desk.take(job(viewer, OTHER)) for viewer in "acd"]
    assert [one.state for one in (first, *others)] == ["running", "queued", "running", "queued"]
    assert desk.ahead(others[0]) == 4 and desk.ahead(others[2]) == 3, "the one who has none yet comes first"
    with pytest.raises(NotFound, match="no such walk"):
        desk.find(OTHER, first.id)


def test_a_job_that_cannot_be_prepared_has_not_been(desk, hand):
    def no_room():
        raise BadInput("no room.", "files", "Make room on the disk.")

    with pytest.raises(BadInput, match="no room"):
        desk.take(job("a"), no_room)
    assert not hand.asked and desk.take(job("a")).state == "running"


def test_who_waits_is_told_at_once(desk, hand):
    """Nobody looks again and again: the wait ends with the piece of work that was done."""
    taken = desk.take(job("a"))
    told = threading.Event()
    waiting = threading.Thread(
        target=lambda: (desk.wait(lambda: taken.asked.state == {"progress": 0.5}, 60), told.set())
    )
    waiting.start()
    assert not told.is_set()
    taken.asked.state = {"progress": 0.5}
    taken.asked.tell()
    waiting.join(60)
    assert told.is_set()


def test_who_waits_too_long_gives_the_job_up(desk, hand):
    with pytest.raises(Conflict, match="this export took too long"):
        desk.carry_out(job("a"), 0.0)
    assert not hand.asked[0].wanted and desk.take(job("a")), "its place is free"


def test_files_go_with_a_job_that_is_given_up(desk, tmp_path):
    kept, lost = tmp_path / "kept", tmp_path / "lost"
    done = desk.take(job("a", folder=kept), kept.mkdir)
    given_up = desk.take(job("b", folder=lost), lost.mkdir)
    done.asked.answer({"n": 1})
    desk.cancel(given_up)
    assert done.state == "done" and kept.is_dir() and given_up.state == "cancelled" and not lost.exists()


def test_a_closing_desk_takes_nothing(hand):
    desk = Desk(hand)
    waits = desk.take(job("a"))
    desk.close()
    assert waits.state == "cancelled"
    with pytest.raises(Conflict, match="closing"):
        desk.take(job("b"))


def test_a_host_that_invents_viewers_leaves_places_to_others(desk):
    """Of those that run, and of those that wait: also of what was sent."""
    many = Kind("walk", of_one=1, of_all=32)
    greedy = [desk.take(job(f"v{n}", many, "10.0.0.1")) for n in range(24)]
    with pytest.raises(TooMany, match="too many walks wait"):
        desk.take(job("one more", many, "10.0.0.1"))
    assert [one.state for one in greedy].count("running") == AT_ONCE
    large = desk.take(job("large", many, "10.0.0.2", bytes=120 << 20))
    with pytest.raises(TooMany):
        desk.take(job("larger", many, "10.0.0.3", bytes=120 << 20))
    others = [desk.take(job("a", many, host)) for host in ("10.0.0.3", "10.0.0.4", HERE)]
    assert [one.state for one in (large, *others)] == ["running"] * 4, "their first ones begin at once"
    waits = desk.take(job("b", many, "10.0.0.3"))
    assert desk.ahead(waits) < desk.ahead(greedy[3 + 4]), "before the fifth of who has had more"


def test_a_class_behind_one_address_works(desk):
    phones = [desk.take(job(f"phone {n}", Kind("walk", of_one=1, of_all=40), "10.0.0.1")) for n in range(30)]
    assert desk.ahead(phones[-1]) == 29
