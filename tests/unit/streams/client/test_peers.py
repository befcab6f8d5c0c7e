from __future__ import annotations

import random

from broker_core.protocol.find_coordinator import Coordinator, FindCoordinatorResponse
from broker_core.protocol.metadata import MetadataResponse, MetadataResponseBroker
from streams.client.calls import Backoff
from streams.client.errors import ConnectionLost
from streams.client.peers import Address, Peers

START = Address("start", 1)


def peers() -> Peers:
    return Peers([START], lambda: Backoff(10, 10, random.Random(1)))


def metadata(*nodes: tuple[int, str]) -> MetadataResponse:
    brokers = tuple(MetadataResponseBroker(node_id=number, host=host, port=9) for number, host in nodes)
    return MetadataResponse(brokers=brokers)


def test_an_address_is_one_broker_however_it_was_learned() -> None:
    found = peers()
    assert found.node(1) is None
    found.learn(MetadataResponse(brokers=(MetadataResponseBroker(node_id=1, host="start", port=1),)))
    assert found.node(1) is found.bootstrap[0]


def test_metadata_replaces_and_a_coordinator_adds() -> None:
    found = peers()
    found.learn(metadata((1, "a"), (2, "b")))
    found.learn(FindCoordinatorResponse(coordinators=(Coordinator(key="g", node_id=3, host="c", port=9),)))
    found.learn(FindCoordinatorResponse(coordinators=(Coordinator(key="h", node_id=4, error_code=15),)))
    assert [peer.address.host for peer in map(found.node, (1, 2, 3)) if peer] == ["a", "b", "c"]
    assert found.node(4) is None
    assert found.name(found.bootstrap[0]) == "start:1"
    assert found.name(found.node(1)) == "a:9 (as it advertises itself)"  # type: ignore[arg-type]
    found.learn(metadata((2, "moved")))
    assert found.node(1) is None and str(found.node(2).address) == "moved:9"  # type: ignore[union-attr]
    found.learn(metadata())
    assert found.node(2) is not None, "an answer without brokers tells nothing"


def test_anyone_is_who_can_be_reached_first() -> None:
    found = peers()
    assert found.any(0) is found.bootstrap[0]
    found.learn(metadata((1, "a"), (2, "b")))
    one, two = found.node(1), found.node(2)
    assert one is not None and two is not None
    one.retry_ms, one.error = 50, ConnectionLost()
    assert found.any(0) is two
    two.retry_ms = 60
    found.bootstrap[0].retry_ms = 70
    assert found.any(0) is one, "nobody can be tried now: the first that may be"
    one.retry_ms = two.retry_ms = 1_000
    assert found.any(0) is found.bootstrap[0], "where everything began"
