"""A short run of the fuzzer, and that it would find what it looks for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broker_core.handlers import metadata, produce
from broker_core.handlers.table import HANDLERS
from broker_core.outcome import Reply
from broker_core.protocol.api import ApiKey
from tests.simulation import fuzz
from tests.simulation.fuzz_values import versions


@pytest.mark.parametrize("api_key", sorted(HANDLERS), ids=lambda key: ApiKey(key).name)
def test_no_request_unsettles_the_broker(api_key: int) -> None:
    count = 12 * sum(key == api_key for key, _ in versions())
    assert fuzz.run(range(1), 12, ApiKey(api_key).name, quiet=True) == count


def test_requests_of_all_kinds_together() -> None:
    for seed in range(2):
        asyncio.run(fuzz.fuzz_round(versions(), str(seed), 200))


def replaced(monkeypatch: pytest.MonkeyPatch, api_key: int, handler: Any) -> None:
    monkeypatch.setattr("broker_core.broker.HANDLERS", {**HANDLERS, api_key: handler})


def test_a_handler_that_breaks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: Any, body: Any, call: Any) -> Any:
        if body.topics and len(body.topics) > 1:
            raise KeyError(body.topics[1].name)
        return metadata.handle(context, body, call)

    replaced(monkeypatch, ApiKey.METADATA, broken)
    with pytest.raises(fuzz.Fault, match="request.failed"):
        fuzz.run(range(1), 60, "METADATA", quiet=True)


def test_an_answer_that_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: Any, body: Any, call: Any) -> Any:
        reply = metadata.handle(context, body, call)
        assert isinstance(reply, Reply)
        return Reply(type(reply.body)(brokers=reply.body.brokers, controller_id=2**40))

    replaced(monkeypatch, ApiKey.METADATA, broken)
    with pytest.raises(fuzz.Fault, match="request.unanswerable"):
        fuzz.run(range(1), 5, "METADATA", quiet=True)


def test_a_write_that_is_acknowledged_and_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary's records are acknowledged as if they had been written."""

    def lost(context: Any, body: Any, call: Any) -> Any:
        if body.topic_data and body.topic_data[0].name == fuzz.CANARY:
            topic = body.topic_data[0]
            body = type(body)(
                acks=-1, timeout_ms=1, topic_data=(type(topic)(name="a", partition_data=topic.partition_data),)
            )
        return produce.handle(context, body, call)

    replaced(monkeypatch, ApiKey.PRODUCE, lost)
    with pytest.raises(fuzz.Fault, match="canary's log holds 0"):
        fuzz.run(range(1), 5, "METADATA", quiet=True)
