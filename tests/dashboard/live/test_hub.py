"""The live WebSocket, spoken to as a browser would."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import struct
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_sync

from engine.runs.headers import FrameHeader
from engine.runs.messages import Message

MESSAGE, HEADER = TypeAdapter(Message), TypeAdapter(FrameHeader)
SOON = 10.0  # seconds in which something must come, on a busy machine


class Viewer:
    """A client that keeps what it was sent."""

    def __init__(self, socket: ClientConnection, acknowledges: bool = True) -> None:
        self.socket, self.acknowledges = socket, acknowledges
        self.texts: list[dict[str, Any]] = []
        self.frames: list[tuple[int, int, bytes]] = []
        self.changed = asyncio.Event()
        self.closed: int | None = None

    async def listen(self) -> None:
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    self.texts.append(json.loads(message))
                else:
                    index, seq = struct.unpack_from("<II", message)
                    self.frames.append((index, seq, bytes(message[8:])))
                    if self.acknowledges:
                        await self.acknowledge(seq)
                self.changed.set()
        except ConnectionClosed:
            pass
        assert self.socket.close_code is not None
        self.closed = self.socket.close_code
        self.changed.set()

    async def acknowledge(self, seq: int) -> None:
        await self.socket.send(json.dumps({"type": "ack", "seq": seq}))

    async def until(self, condition: Callable[[], Any], within: float = SOON) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def of(self, kind: str, run: str | None = None) -> list[dict[str, Any]]:
        return [text for text in self.texts if text["type"] == kind and run in (None, text.get("run"))]

    def rows(self, run: str | None = None) -> list[int]:
        return [row["row"] for message in self.of("rows", run) for row in message["rows"]]


@asynccontextmanager
async def watching(server: Any, *runs: str, acknowledges: bool = True, **query: Any) -> AsyncIterator[Viewer]:
    pairs = [*(("run", run) for run in runs), *((name, value) for name in query for value in query[name])]
    address = f"{server.live}?{'&'.join(f'{name}={value}' for name, value in pairs)}"
    async with connect(address, proxy=None, open_timeout=60, compression=None, max_size=None) as socket:
        viewer = Viewer(socket, acknowledges)
        task = asyncio.create_task(viewer.listen())
        try:
            yield viewer
        finally:
            await socket.close()
            await task


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def test_greets_then_tells_rows_events_status_and_lists(server, make_run):
    run = make_run("running")
    run.report(3, diversity=1.5)
    run.events.write({"row": 0, "step": 0, "type": "checkpoint"})
    frame = run.draw(7)

    async def scene():
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.rows() == [0, 1, 2] and viewer.of("events") and viewer.frames)
            kinds = [text["type"] for text in viewer.texts]
            assert kinds[:2] == ["hello", "rows"]
            assert all(text["v"] == 1 and text["run"] == run.folder.id for text in viewer.texts)
            hello = viewer.texts[0]
            assert hello["config"]["meta"]["sentence"] == "GAN learns a ring."
            assert (hello["status"]["state"], hello["snapshots"], hello["checkpoints"]) == ("running", [], [])
            assert viewer.of("rows")[0]["rows"][0]["diversity"] == 1.5
            assert viewer.of("events")[0]["events"][0]["type"] == "checkpoint"
            assert viewer.frames[0][0] == 0 and viewer.frames[0][2] == frame

            run.report(2)
            run.status("paused", step=42)
            (run.folder.snapshots / "00000420.bin").write_bytes(frame)
            await viewer.until(lambda: viewer.rows() == [0, 1, 2, 3, 4] and viewer.of("snapshots"))
            await viewer.until(
                lambda: viewer.of("status") and viewer.of("status")[-1]["status"]["step"] == 42
            )
            assert viewer.of("status")[-1]["status"]["state"] == "paused"
            assert viewer.of("snapshots")[0]["steps"] == [420]
            assert len(viewer.of("hello")) == 1

    play(scene)


def test_turns_go_to_those_who_follow_a_sample_and_the_worker_knows_which(server, make_run):
    run = make_run("running")
    run.folder.game.write_text('{"nodes":[]}')
    run.folder.turns.write_text('{"sample":2}')

    async def scene():
        async with watching(server, run.folder.id) as viewer, watching(server, run.folder.id) as other:
            await viewer.until(lambda: viewer.of("game"))
            await viewer.socket.send(json.dumps({"type": "follow", "sample": 2}))
            await viewer.until(lambda: viewer.of("turns"))
            async with asyncio.timeout(SOON):
                while run.folder.followed() != 2:
                    await asyncio.sleep(0.01)
            assert viewer.of("turns")[0]["turns"] == {"sample": 2} and not other.of("turns")
            await viewer.socket.send(json.dumps({"type": "follow", "sample": None}))
            async with asyncio.timeout(SOON):
                while run.folder.followed() is not None:
                    await asyncio.sleep(0.01)

    play(scene)


def test_all_that_is_sent_of_a_real_run_is_declared(server):
    """Every kind of message, and the frames, by the records that the pages' types are made of."""
    options = {"hidden": 8, "batch_size": 16, "report_every": 5, "measure_every": 10}
    body = {"gan": "gan", "data": "ring", "steps": 400, "options": options}
    run = server.http.post("/api/runs", json=body).json()["id"]

    async def scene():
        async with watching(server, run) as viewer, watching(server, run) as other:
            await viewer.socket.send(json.dumps({"type": "follow", "sample": 0}))
            await viewer.until(lambda: viewer.frames, 60)
            await viewer.until(
                lambda: viewer.of("status") and viewer.of("status")[-1]["status"]["state"] == "done", 60
            )
            await other.socket.send("no json")
            await other.until(lambda: other.of("error"))
            await asyncio.to_thread(server.http.delete, f"/api/runs/{run}")
            await viewer.until(lambda: viewer.of("gone"))
        sent = [MESSAGE.validate_python(text) for text in viewer.texts + other.texts]
        kinds = {get_args(get_type_hints(one)["type"])[0] for one in get_args(get_args(Message)[0])}
        assert {one["type"] for one in sent} == kinds
        for _, _, frame in viewer.frames:
            length = struct.unpack_from("<I", frame)[0]
            HEADER.validate_python(json.loads(frame[4 : 4 + length]))

    play(scene)


def test_an_empty_run_is_greeted_with_no_rows(server, make_run):
    run = make_run("queued")

    async def scene():
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.of("rows"))
            assert viewer.of("rows")[0]["rows"] == []

    play(scene)


def test_a_killed_worker_is_failed_with_a_reason(server, make_run):
    run = make_run("running")

    async def scene():
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.of("hello"))
            run.lock.release()
            await viewer.until(lambda: viewer.of("status"))
            status = viewer.of("status")[-1]["status"]
            assert status["state"] == "failed" and status["error"] and status["remedy"]

    play(scene)


def test_coming_back_with_since_repeats_and_loses_nothing(server, make_run):
    run = make_run("running")
    seen: list[int] = []

    async def scene():
        for visit in range(5):
            run.report(20)
            run.events.write({"row": visit, "step": 0, "type": "checkpoint"})
            before = {"since": [seen[-1]], "event": [visit - 1]} if seen else {}
            async with watching(server, run.folder.id, **before) as viewer:
                writer = asyncio.create_task(asyncio.to_thread(run.report, 7))
                await viewer.until(lambda: len(viewer.rows()) >= 10)  # leaves in the middle
                await viewer.until(lambda: viewer.of("events"))
                await writer
                events = [event["row"] for message in viewer.of("events") for event in message["events"]]
                assert events == [visit]
            seen.extend(viewer.rows())
        async with watching(server, run.folder.id, since=[seen[-1]]) as viewer:
            run.report()
            await viewer.until(lambda: viewer.rows()[-1:] == [run.last_row])
            seen.extend(viewer.rows())

    play(scene)
    assert seen == list(range(run.last_row + 1))


def test_a_half_written_line_is_told_once_it_is_whole(server, make_run):
    run = make_run("running")
    run.report(2)

    async def scene():
        with open(run.folder.metrics, "ab", buffering=0) as file:
            async with watching(server, run.folder.id) as viewer:
                await viewer.until(lambda: viewer.rows() == [0, 1])
                file.write(b'{"row":2,"attempt":0,')
                run.events.write({"row": 0, "step": 0, "type": "checkpoint"})
                await viewer.until(lambda: viewer.of("events"))
                assert viewer.rows() == [0, 1]
                file.write(b'"step":20}\nnot json\n{"row":3,"step":30,"g_loss":NaN}\n{"row":4,"step":40}\n')
                await viewer.until(lambda: viewer.rows()[-1] == 4)
                assert viewer.rows() == [0, 1, 2, 4]

    play(scene)


def test_a_long_history_is_thinned_and_the_resumed_part_is_exact(server, make_run):
    run = make_run("stopped")
    run.report(30_000)
    run.report(samples=512, histogram=[0.125] * 8)  # the last one is measured

    async def scene():
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.of("rows"))
            first = viewer.of("rows")[0]
            assert 2000 < len(first["rows"]) <= 4000 and first["thinned"] == 8
            assert first["rows"][-1]["row"] == 30_000 and viewer.rows() == sorted(set(viewer.rows()))
        async with watching(server, run.folder.id, since=[27_000]) as viewer:
            await viewer.until(lambda: viewer.of("rows"))
            assert viewer.rows() == list(range(27_001, 30_001)) and "thinned" not in viewer.of("rows")[0]

    play(scene)


def test_thirty_viewers_get_every_row_and_the_same_newest_frame(server, make_run):
    run = make_run("running")
    run.report(10)

    async def scene():
        async with asyncio.TaskGroup() as group:
            everyone = asyncio.Barrier(31)
            drawn: list[bytes] = []
            for _ in range(30):
                group.create_task(one(everyone, drawn))
            await everyone.wait()
            for step in range(20):
                run.report()
                drawn.append(run.draw(step))
                await asyncio.sleep(1 / 30)  # the pace of a worker
            await everyone.wait()
            await everyone.wait()

    async def one(everyone: asyncio.Barrier, drawn: list[bytes]) -> None:
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.rows() == list(range(10)))
            await everyone.wait()
            await everyone.wait()
            await viewer.until(lambda: viewer.frames and viewer.frames[-1][2] == drawn[-1])
            await viewer.until(lambda: viewer.rows() == list(range(30)))
            got = [drawn.index(frame) for _, _, frame in viewer.frames]
            assert got == sorted(set(got))  # in order, none twice, some may be skipped
            assert server.http.get("/api/health").json()["viewers"] == 30
            await everyone.wait()

    play(scene)


def test_all_know_how_many_they_are(server, make_run):
    run = make_run("running")

    async def scene():
        async with watching(server, run.folder.id) as first:
            async with watching(server, run.folder.id):
                await first.until(lambda: [text["viewers"] for text in first.of("viewers")] == [2])
            await first.until(lambda: [text["viewers"] for text in first.of("viewers")] == [2, 1])

    play(scene)


def test_two_frames_at_most_are_ahead_of_the_answers_and_then_comes_the_newest(server, make_run):
    run = make_run("running")

    async def scene():
        async with (
            watching(server, run.folder.id, acknowledges=False) as slow,
            watching(server, run.folder.id) as quick,
        ):
            newest = b""
            for step in range(12):
                newest = run.draw(step)
                await quick.until(lambda: quick.frames and quick.frames[-1][2] == newest)  # noqa: B023
            await slow.socket.ping()  # whatever was sent before its answer has arrived
            assert len(slow.frames) == 2 and len(quick.frames) == 12
            await slow.acknowledge(slow.frames[0][1])
            await slow.until(lambda: len(slow.frames) == 3)
            assert slow.frames[2][2] == newest
            sequence = [seq for _, seq, _ in slow.frames]
            assert sequence == sorted(set(sequence))

    play(scene)


def test_who_does_not_read_slows_nobody(server, make_run):
    run = make_run("running")

    async def scene():
        with connect_sync(
            f"{server.live}?run={run.folder.id}", proxy=None, open_timeout=60, max_queue=1, max_size=None
        ) as deaf:
            async with watching(server, run.folder.id) as quick:
                text = "x" * 1000
                for step in range(40):
                    run.report(500, note=text)  # half a megabyte, 20 in all: more than its buffers take
                    drawn = run.draw(step, padding=200_000)
                    await quick.until(lambda: quick.frames and quick.frames[-1][2] == drawn)  # noqa: B023
                    await quick.until(lambda: quick.rows()[-1:] == [run.last_row])
                assert quick.rows() == list(range(20_000))
            rows = 0
            while rows < 20_000 - 1:  # and it finds the rest when it reads again
                message = deaf.recv(timeout=SOON)
                if (
                    isinstance(message, str)
                    and (told := json.loads(message))["type"] == "rows"
                    and told["rows"]
                ):
                    assert told["rows"][0]["row"] >= rows
                    rows = told["rows"][-1]["row"]

    play(scene)


def test_a_viewer_may_ask_for_fewer_frames(server, make_run):
    run = make_run("running")
    run.draw(0)

    async def scene():
        async with watching(server, run.folder.id) as calm, watching(server, run.folder.id) as quick:
            await calm.socket.send(json.dumps({"type": "fps", "max": 1}))
            await calm.socket.send(json.dumps({"type": "of a later version", "x": 1}))
            await calm.until(lambda: len(calm.frames) == 1)
            began = time.monotonic()
            for step in itertools.count(1):
                drawn = run.draw(step)
                await quick.until(lambda: quick.frames and quick.frames[-1][2] == drawn)  # noqa: B023
                if time.monotonic() - began > 1.5:
                    break
            assert len(calm.frames) <= 3 < len(quick.frames)

    play(scene)


def test_several_runs_share_a_socket(server, make_run):
    one, two = make_run("running"), make_run("running")
    one.report(5)
    two.report(5)
    drawn = one.draw(1), two.draw(2)

    async def scene():
        async with watching(server, one.folder.id, two.folder.id, since=[2, -1]) as viewer:
            await viewer.until(lambda: len(viewer.frames) == 2 and len(viewer.of("rows")) == 2)
            assert {index: frame for index, _, frame in viewer.frames} == dict(enumerate(drawn))
            assert viewer.rows(one.folder.id) == [3, 4] and viewer.rows(two.folder.id) == [0, 1, 2, 3, 4]

    play(scene)


def test_a_deleted_run_is_gone_and_the_others_stay(server, make_run):
    one, two = make_run("stopped"), make_run("stopped")

    async def scene():
        async with watching(server, one.folder.id, two.folder.id) as viewer:
            await viewer.until(lambda: len(viewer.of("hello")) == 2)
            assert server.http.delete(f"/api/runs/{one.folder.id}").status_code == 200
            await viewer.until(lambda: viewer.of("gone", one.folder.id))
            two.report(1)
            await viewer.until(lambda: viewer.rows(two.folder.id) == [0])
            shutil.rmtree(two.folder.path)
            await viewer.until(lambda: viewer.closed)
            assert viewer.of("gone", two.folder.id) and viewer.closed == 4404

    play(scene)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("run=nobody", 4404, "run"),
        ("run=../../etc", 4404, "run"),
        ("run=%00", 4404, "run"),
        ("", 4400, "run"),
        ("&".join(["run=x"] * 9), 4400, "run"),
        ("run=x&since=abc", 4400, "since"),
        ("run=x&since=-2", 4400, "since"),
        (f"run=x&since={'9' * 5000}", 4400, "since"),
        ("run=x&event=1e3", 4400, "event"),
    ],
)
def test_a_bad_address_is_explained(server, query, code, field):
    with connect_sync(f"{server.live}?{query}", proxy=None, open_timeout=60) as socket:
        said = json.loads(socket.recv(timeout=SOON))
        assert said["type"] == "error" and said["field"] == field and said["error"] and said["remedy"]
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=SOON)
        assert socket.close_code == code


@pytest.mark.parametrize(
    "message",
    ["", "no json", "[]", "[" * 3000, '"ack"', b"\x00\x01",
    "x" * 5000, '{"type":"fps"}', '{"type":"fps","max":1e9}',
     '{"type":"fps","max":true}', '{"type":"fps","max":NaN}', "9" * 4000],
)  # fmt: skip
def test_a_bad_message_is_explained_and_ends_the_socket(server, make_run, message):
    run = make_run("stopped")
    with connect_sync(f"{server.live}?run={run.folder.id}", proxy=None, open_timeout=60) as socket:
        socket.send(message)
        with pytest.raises(ConnectionClosed):
            while True:
                said = json.loads(socket.recv(timeout=SOON))
        assert said["type"] == "error" and socket.close_code == 4400


@pytest.mark.parametrize("seq", ["0", "-1", "null", '"x"', "[1]", "{}", "1e300", "99999999999"])
def test_an_answer_to_no_frame_is_passed_over(server, make_run, seq):
    run = make_run("stopped")
    with connect_sync(f"{server.live}?run={run.folder.id}", proxy=None, open_timeout=60) as socket:
        socket.send(f'{{"type":"ack","seq":{seq}}}')
        run.report()
        while (said := json.loads(socket.recv(timeout=SOON)))["type"] != "rows" or not said["rows"]:
            pass
        assert said["rows"][0]["row"] == 0


def test_a_damaged_status_is_told_and_the_next_whole_one_too(server, make_run):
    run = make_run("stopped")

    async def scene():
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.of("hello"))
            (run.folder.path / "status.json").write_text("[]")
            await viewer.until(lambda: viewer.of("status"))
            status = viewer.of("status")[0]["status"]
            assert status["state"] == "failed" and "is damaged" in status["error"]
            run.status("done")
            await viewer.until(lambda: viewer.of("status")[-1]["status"]["state"] == "done")

    play(scene)


def test_a_run_is_watched_only_while_somebody_looks(server, make_run):
    run = make_run("running")

    async def scene():
        async with watching(server, run.folder.id) as viewer:
            await viewer.until(lambda: viewer.of("hello"))
            assert run.folder.is_watched()

    play(scene)
    while server.http.get("/api/health").json()["viewers"]:
        pass
    before = run.folder.watching.stat().st_mtime_ns
    time.sleep(2.5)  # it would have been touched twice
    assert run.folder.watching.stat().st_mtime_ns == before
