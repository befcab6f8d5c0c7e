"""When requests begin, and in which order answers leave."""

from __future__ import annotations

import struct

from broker_core.protocol.api import ApiKey
from broker_core.protocol.framing import Request
from broker_core.protocol.metadata import MetadataRequest
from broker_core.protocol.produce import ProduceRequest
from broker_core.server_requests import MAX_WRITES, MAX_WRITES_BYTES, RequestQueue

WRITE = struct.pack(">h", ApiKey.PRODUCE) + b"w"
OTHER = struct.pack(">h", ApiKey.METADATA) + b"o"


def begin(queue: RequestQueue, size_bytes: int | None = None) -> int:
    payload = queue.next()
    body = ProduceRequest() if payload == WRITE else MetadataRequest()
    request = Request(api_key=body.API_KEY, api_version=9, correlation_id=1, body=body)
    return queue.begin(request, 9, len(payload) if size_bytes is None else size_bytes)


def queue_of(*payloads: bytes) -> RequestQueue:
    queue = RequestQueue()
    queue.add(payloads)
    return queue


def test_one_request_at_a_time() -> None:
    queue = queue_of(OTHER, WRITE, OTHER)
    token = begin(queue)
    assert not queue.may_begin()
    assert [taken.body for taken in queue.answer(token, "a")] == ["a"]
    assert queue.may_begin()
    begin(queue)
    assert not queue.may_begin(), "what is no write waits for the writes before it"
    assert (queue.has_waiting, queue.has_work) == (True, True)


def test_writes_begin_behind_writes_and_answers_keep_their_order() -> None:
    queue = queue_of(WRITE, WRITE, WRITE, OTHER)
    tokens = []
    while queue.may_begin():
        tokens.append(begin(queue))
    assert len(tokens) == 3
    assert queue.answer(tokens[1], "b") == []
    assert [taken.body for taken in queue.answer(tokens[0], "a")] == ["a", "b"]
    assert [taken.body for taken in queue.answer(tokens[2], "c")] == ["c"]
    assert queue.may_begin()
    assert (queue.in_work_bytes, queue.waiting_bytes) == (0, len(OTHER))


def test_so_many_writes_and_no_more() -> None:
    queue = queue_of(*[WRITE] * (MAX_WRITES + 1))
    for _ in range(MAX_WRITES):
        assert queue.may_begin()
        begin(queue)
    assert not queue.may_begin()


def test_so_many_bytes_and_no_more() -> None:
    queue = queue_of(WRITE, WRITE, WRITE)
    begin(queue, MAX_WRITES_BYTES - 1)
    assert queue.may_begin()
    begin(queue)
    assert not queue.may_begin()


def test_what_was_not_taken_has_no_answer_and_holds_nobody_up() -> None:
    queue = queue_of(WRITE, WRITE, OTHER)
    first, second = begin(queue), begin(queue)
    queue.fail(second)
    queue.fail(second)
    assert [taken.body for taken in queue.answer(first, "a")] == ["a"]
    assert queue.may_begin()
    assert queue.in_work_bytes == 0


def test_everything_is_dropped_and_the_tickets_of_what_is_parked_are_told() -> None:
    queue = queue_of(WRITE, WRITE, WRITE, OTHER)
    tokens = [begin(queue) for _ in range(3)]
    for token in tokens[:2]:
        queue.park(token, 10 + token)
    queue.park(tokens[2], None)
    assert queue.answer(tokens[1], "b") == []
    assert queue.drop() == [10 + tokens[0]]
    assert queue.answer(tokens[0], "late") == []
    queue.park(tokens[0], 1)
    assert (queue.has_waiting, queue.has_work) == (False, False)
    assert (queue.in_work_bytes, queue.waiting_bytes) == (0, 0)
