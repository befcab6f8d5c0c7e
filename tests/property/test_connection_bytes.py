"""Whatever a broker sends: every request is answered exactly once, and nothing but answers comes out."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker_core.protocol.api import API
from broker_core.protocol.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from broker_core.protocol.find_coordinator import Coordinator, FindCoordinatorResponse
from broker_core.protocol.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from streams.client.connection import Connection, ConnectionState
from streams.client.settings import ConnectionSettings
from tests.unit.streams.client.broker_bytes import answer_to, negotiate, receive, requests_in

ANSWERS = (
    MetadataResponse(
        brokers=(MetadataResponseBroker(node_id=1, host="h", port=9),),
        topics=(MetadataResponseTopic(name="t", partitions=(MetadataResponsePartition(leader_id=1),)),),
    ),
    FindCoordinatorResponse(coordinators=(Coordinator(key="g", node_id=1, host="h", port=9),)),
    FetchResponse(responses=(FetchableTopicResponse(topic="t", partitions=(PartitionData(records=b"x" * 70),)),)),
)


def asked() -> tuple[Connection, bytes]:
    """A connection with a request of each kind under way, and the right answers to them in bytes."""
    connection = Connection(
        peer="h:9", client_id="c", settings=ConnectionSettings(), now_ms=0, shared=bytearray(256)
    )  # fmt: skip
    negotiate(connection)
    for token, answer in enumerate(ANSWERS):
        newest = {1: 12, 10: 4}.get(answer.API_KEY)
        connection.send(token, API[answer.API_KEY].request(), newest, 0)
    requests = requests_in(connection.take_output())
    return connection, b"".join(answer_to(*pair) for pair in zip(requests, ANSWERS, strict=True))


def check(connection: Connection) -> list[Any]:
    answers = connection.take_answers()
    connection.lost("over")
    answers += connection.take_answers()
    assert sorted(token for token, _ in answers) == list(range(len(ANSWERS)))
    return answers


def test_the_right_answers_come_through() -> None:
    connection, data = asked()
    receive(connection, data, 1)
    assert [answer for _, answer in check(connection)] == list(ANSWERS)
    assert connection.state is ConnectionState.CLOSED


@pytest.mark.parametrize("kind", ["flipped", "cut", "inserted", "doubled"])
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_changed_bytes(kind: str, seed: int) -> None:
    draw = random.Random(seed)
    connection, data = asked()
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed))
        if kind == "flipped":
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del changed[at : at + draw.randint(1, 8)]
        elif kind == "inserted":
            changed[at:at] = draw.randbytes(draw.randint(1, 8))
        else:
            changed[at:at] = changed[at : at + draw.randint(1, 40)]
    receive(connection, bytes(changed), 1)
    check(connection)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    connection, _ = asked()
    receive(connection, data, 1)
    check(connection)
    fresh = Connection(peer="h:9", client_id="c", settings=ConnectionSettings(), now_ms=0, shared=bytearray(64))
    fresh.opened(0)
    fresh.take_output()
    receive(fresh, data, 1)
