"""Gradio's queue with places for everybody: by itself it serves whoever comes first, however many he brings.

Imports Gradio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from gradio.blocks import Blocks
from gradio.queueing import Event, Queue

from dashboard.hosts import host_of
from engine.requests.viewer import may_add

AT_ONCE = 32  # requests that are worked on, or wait in the engine, which lets hosts take turns
OF_A_HOST = 8
WAITING = 64  # that may wait


class FairQueue(Queue):
    """Of those that wait, the one comes first whose host has the fewest at work, at most ``OF_A_HOST``."""

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """See Gradio's: whether it was taken in, its id or why not, and the kind of answer."""
        waiting = _count(
            event for line in self.event_queue_per_concurrency_id.values() for event in line.queue
        )
        if not may_add(waiting, host_of(request), WAITING):
            return False, "Too many requests wait already. Try again in a minute.", "queue_full"
        return await super().push(body, request, username)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """See Gradio's: what is to be worked on next."""
        at_work = _count(event for job in self.active_jobs for event in job or ())
        held: list[tuple[list[Event], list[Event]]] = []
        for line in self.event_queue_per_concurrency_id.values():
            line.queue.sort(key=lambda event: at_work[_host(event)])
            may = [event for event in line.queue if at_work[_host(event)] < OF_A_HOST]
            held.append((line.queue, [event for event in line.queue if event not in may]))
            line.queue[:] = may
        try:
            return super().get_events()
        finally:
            for queue, later in held:
                queue.extend(later)


def fair(blocks: Blocks) -> None:
    """Give ``blocks`` such a queue."""
    blocks.max_threads = AT_ONCE
    blocks.queue()
    blocks._queue = FairQueue(
        live_updates=True,
        concurrency_count=AT_ONCE,
        update_intervals=1,
        max_size=None,
        blocks=blocks,
        default_concurrency_limit=None,
    )


def _count(events: Iterable[Event]) -> Counter[str]:
    return Counter(map(_host, events))


def _host(event: Event) -> str:
    return host_of(event.request)
