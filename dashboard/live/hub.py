"""The live WebSocket: any number of viewers of any number of runs, each run's files read once.

Viewers pull: each keeps its place in every run it watches, and is sent what is newer when its socket takes
it. Nothing is queued for anybody, so that a slow viewer skips frames, slows nobody and costs no memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from itertools import chain, islice, repeat, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.errors import Refusal
from dashboard.live.feed import PROTOCOL, Feed, gone_text, viewers_text
from dashboard.live.places import Places
from engine.options import BadInput, NotFound
from engine.requests.live import Follow, Pace, Watch

if TYPE_CHECKING:
    from engine.api import Engine

TICK_S, IDLE_TICK_S = 1 / 60, 0.2
UNACKNOWLEDGED = 2  # frames a viewer may owe an answer for
MAX_MESSAGE = 4096  # characters from a viewer
UNKNOWN_RUN, BAD_REQUEST, BROKEN = 4404, 4400, 1011

DOCUMENTATION = Path(__file__).with_name("live.md").read_text("utf-8")  # for people, and for /api/docs


class _Channel:
    """One run in one viewer's socket, and the place that the viewer has reached in it."""

    def __init__(self, index: int, since: int, event: int) -> None:
        self.index, self.row, self.event = index, since, event
        self.feed: Feed
        self.greeted = self.gone = False
        self.status = self.lists = self.game = self.turns = ""
        self.follows = False
        self.viewers = 1
        self.seq = 0
        self.next_frame = 0.0  # loop time before which no frame is due
        self.alarm: asyncio.TimerHandle | None = None

    def texts(self) -> list[str]:
        """What the viewer has not heard yet, apart from frames."""
        feed, messages = self.feed, []
        if not self.greeted:
            self.status, self.lists = feed.status_text, feed.lists_text
            messages.append(feed.hello_text)
        if not self.greeted or feed.history.last > self.row:
            text, last = feed.rows_after(self.row)
            messages.append(text)
            self.row = max(self.row, last)
        self.greeted = True
        if events := feed.events_after(self.event):
            messages.append(events[0])
            self.event = events[1]
        if self.status != feed.status_text:
            messages.append(feed.status_text)
            self.status = feed.status_text
        if self.lists != feed.lists_text:
            messages.append(feed.lists_text)
            self.lists = feed.lists_text
        if self.game != feed.game_text:
            messages.append(feed.game_text)
            self.game = feed.game_text
        if self.follows and self.turns != feed.turns_text:
            messages.append(feed.turns_text)
            self.turns = feed.turns_text
        if self.viewers != feed.viewers:
            messages.append(viewers_text(feed.run, feed.viewers))
            self.viewers = feed.viewers
        if feed.gone:
            messages.append(gone_text(feed.run))
            self.gone = True
        return messages


class _Viewer:
    """One socket."""

    def __init__(self, socket: WebSocket, channels: list[_Channel]) -> None:
        self.socket, self.channels = socket, channels
        self.wake = asyncio.Event()
        self._unacknowledged: deque[int] = deque()
        self._pause = 0.0  # seconds between two frames of a run

    async def send(self) -> None:
        """Send what is new whenever something is, until all runs are gone."""
        while True:
            self.wake.clear()
            for channel in self.channels:
                if not channel.gone:
                    for text in channel.texts():
                        await self.socket.send_text(text)
            if all(channel.gone for channel in self.channels):
                await self.socket.close(UNKNOWN_RUN)
                return
            if any(channel.feed.broken for channel in self.channels):
                await self.socket.close(BROKEN)
                return
            await self._send_frames()
            await self.wake.wait()

    async def _send_frames(self) -> None:
        for channel in list(self.channels):
            frame = channel.feed.frame
            if frame is None or frame.seq == channel.seq or len(self._unacknowledged) >= UNACKNOWLEDGED:
                continue
            loop = asyncio.get_running_loop()
            if loop.time() < channel.next_frame:
                if channel.alarm is None or channel.alarm.when() < channel.next_frame:
                    channel.alarm = loop.call_at(channel.next_frame, self.wake.set)
                continue
            channel.next_frame = loop.time() + self._pause
            channel.seq = frame.seq
            self._unacknowledged.append(frame.seq)
            self.channels.remove(channel)  # who was served goes to the end of the line
            self.channels.append(channel)
            await self.socket.send_bytes(frame.message(channel.index))

    async def receive(self) -> None:
        """Take the viewer's messages until it leaves. Raises ``BadInput`` for what is no message."""
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._take(message.get("text"))

    def _take(self, text: str | None) -> None:
        remedy = 'Send {"type": "ack", "seq": n} for each frame.'
        if text is None or len(text) > MAX_MESSAGE:
            raise BadInput("a message is a short JSON text.", "message", remedy)
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise BadInput("that message is not JSON.", "message", remedy) from None
        if not isinstance(message, dict):
            raise BadInput("a message is a JSON object.", "message", remedy)
        if message.get("type") == "ack":
            self._acknowledge(message.get("seq"))
        elif message.get("type") == "fps":
            self._pause = 1 / Pace.read(message).max
        elif message.get("type") == "follow":
            self._follow(Follow.read(message).sample)

    def _follow(self, sample: int | None) -> None:
        for channel in self.channels:
            channel.follows = sample is not None
            channel.feed.follow(channel, sample)
        self.wake.set()

    def _acknowledge(self, seq: object) -> None:
        if seq in self._unacknowledged:
            while self._unacknowledged.popleft() != seq:
                pass
            self.wake.set()


class Hub:
    """All viewers, and for each watched run one feed with one task that looks at its files."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._feeds: dict[str, tuple[Feed, asyncio.Task[None]]] = {}
        self._loading: dict[str, asyncio.Task[Feed]] = {}
        self._viewers: dict[str, set[_Viewer]] = {}
        self._places = Places()

    @property
    def viewers(self) -> int:
        """How many sockets are open."""
        return self._places.taken

    async def serve(self, socket: WebSocket) -> None:
        """Answer one socket from its opening to its end."""
        await socket.accept()
        viewer = None
        try:
            with self._places.hold(socket):
                viewer = _Viewer(socket, self._channels(socket))
                await self._join(viewer)
                await _first_to_end(viewer.send(), viewer.receive())
        except BadInput as problem:
            await _say_goodbye(socket, problem)
        except WebSocketDisconnect:
            pass
        finally:
            if viewer:
                self._leave(viewer)

    def close(self) -> None:
        """Stop looking at the runs. The sockets are closed by the server."""
        for task in [*(task for _, task in self._feeds.values()), *self._loading.values()]:
            task.cancel()

    def _channels(self, socket: WebSocket) -> list[_Channel]:
        asked = Watch.read({name: socket.query_params.getlist(name) for name in Watch.model_fields})
        known = zip_longest(asked.since, asked.event, fillvalue=-1)
        places = islice(chain(known, repeat((-1, -1))), len(asked.run))
        return [_Channel(index, since, event) for index, (since, event) in enumerate(places)]

    async def _join(self, viewer: _Viewer) -> None:
        for channel, run in zip(viewer.channels, viewer.socket.query_params.getlist("run"), strict=True):
            self._viewers.setdefault(run, set()).add(viewer)
            channel.feed = await self._feed(run)
            self._count(run)

    def _leave(self, viewer: _Viewer) -> None:
        for run in set(viewer.socket.query_params.getlist("run")):
            watching = self._viewers.get(run, set())
            watching.discard(viewer)
            if run in self._feeds:
                for channel in viewer.channels:
                    self._feeds[run][0].follow(channel, None)
            self._count(run)
            if not watching:
                self._viewers.pop(run, None)
                if run in self._feeds:
                    self._feeds.pop(run)[1].cancel()

    def _count(self, run: str) -> None:
        """Let all who watch ``run`` know how many they are."""
        if run in self._feeds:
            feed = self._feeds[run][0]
            feed.viewers = len(self._viewers.get(run, ()))
            self._wake(feed)

    async def _feed(self, run: str) -> Feed:
        """The feed of ``run``; its history is read in a thread, once for all who come meanwhile."""
        if run not in self._feeds:
            if run not in self._loading:
                self._loading[run] = asyncio.create_task(asyncio.to_thread(_open_feed, run, self._engine))
                self._loading[run].add_done_callback(lambda _: self._loading.pop(run, None))
            feed = await asyncio.shield(self._loading[run])
            if run not in self._feeds:
                self._feeds[run] = feed, asyncio.create_task(self._look(feed))
                self._feeds[run][1].add_done_callback(lambda task: self._ended(feed, task))
        return self._feeds[run][0]

    async def _look(self, feed: Feed) -> None:
        while not feed.gone:
            if feed.poll(time.monotonic()):
                self._wake(feed)
            await asyncio.sleep(IDLE_TICK_S if feed.idle else TICK_S)

    def _ended(self, feed: Feed, task: asyncio.Task[None]) -> None:
        """Nobody looks any more, or the run is gone, or its files cannot be read: its viewers come again."""
        if self._feeds.get(feed.run, (None,))[0] is feed:
            self._feeds.pop(feed.run)
        if not task.cancelled() and task.exception() is not None:
            logging.getLogger("ganscope").error("cannot read run %s", feed.run, exc_info=task.exception())
            feed.broken = True
            self._wake(feed)

    def _wake(self, feed: Feed) -> None:
        for viewer in self._viewers.get(feed.run, ()):
            viewer.wake.set()


def _open_feed(run: str, engine: Engine) -> Feed:
    feed = Feed(run, engine)
    feed.load()
    return feed


async def _first_to_end(*coroutines: Any) -> None:
    """Run all until one ends; raises what it raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _say_goodbye(socket: WebSocket, problem: BadInput) -> None:
    code = problem.status if isinstance(problem, Refusal) else BAD_REQUEST
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it may have left by itself
        await socket.send_text(json.dumps({"v": PROTOCOL, "type": "error", **problem.as_dict()}))
        await socket.close(UNKNOWN_RUN if isinstance(problem, NotFound) else code)
