"""The studio's own queue: no host takes it from the others."""

import asyncio
from types import SimpleNamespace

import gradio as gr
from gradio.data_classes import PredictBodyInternal

from dashboard.studio.queue import AT_ONCE, OF_A_HOST, WAITING, fair


def request(host):
    return SimpleNamespace(client=SimpleNamespace(host=host))


def test_ninety_calls_of_one_host_leave_room_for_others():
    with gr.Blocks() as blocks:
        gr.Button().click(lambda: None)
    fair(blocks)
    queue = blocks._queue
    queue.active_jobs = [None] * AT_ONCE

    def push(host):
        body = PredictBodyInternal(fn_index=0, data=[])
        return asyncio.run(queue.push(body, request(host), None))[2]

    answers = [push("10.0.0.1") for _ in range(90)]
    assert answers == ["success"] * (3 * WAITING // 4) + ["queue_full"] * (90 - 3 * WAITING // 4)
    assert [push(host) for host in ("10.0.0.2", "127.0.0.1")] == ["success"] * 2
    begun = []
    while (found := queue.get_events()) is not None:
        queue.active_jobs[queue.active_jobs.index(None)] = found[0]
        begun.append(found[0][0].request.client.host)
    assert begun == ["10.0.0.1", "10.0.0.2", "127.0.0.1", *["10.0.0.1"] * (OF_A_HOST - 1)]
    assert len(queue) == 3 * WAITING // 4 - OF_A_HOST, "the rest wait until one of theirs is done"
