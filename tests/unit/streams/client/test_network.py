"""Several brokers, their connections and their failures, without a socket."""

from __future__ import annotations

import random
from typing import Any

from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.fetch import FetchRequest, FetchResponse
from broker_core.protocol.framing import Request
from broker_core.protocol.metadata import MetadataRequest, MetadataResponse, MetadataResponseBroker
from streams.client.errors import ConnectionLost
from streams.client.network import Network
from streams.client.peers import Address
from streams.client.settings import ConnectionSettings
from tests.unit.streams.client.broker_bytes import answer_to, requests_in, versions

SETTINGS = ConnectionSettings(
    request_timeout_ms=1_000, connect_timeout_ms=300, reconnect_backoff_ms=100, reconnect_backoff_max_ms=400,
    parking_connections=2, idle_ms=5_000,
)  # fmt: skip
BROKERS = MetadataResponse(
    brokers=tuple(MetadataResponseBroker(node_id=number, host=f"n{number}", port=9) for number in (1, 2))
)


class Wires:
    """What a shell would do, on order."""

    def __init__(self, *hosts: str) -> None:
        bootstrap = [Address(host, 9) for host in hosts or ("n1",)]
        self.network = Network(bootstrap, client_id="c", random=random.Random(1), settings=SETTINGS)
        self.now = 0
        self.token = 0
        self.addresses: dict[int, str] = {}
        self.open: set[int] = set()
        self.requests: list[tuple[int, Request]] = []

    def send(self, node_id: int | None, body: Any) -> int:
        self.token += 1
        self.network.send(self.token, node_id, body, None)
        self.turn()
        return self.token

    def turn(self, after_ms: int = 0) -> None:
        self.now += after_ms
        self.network.advance(self.now)
        openings, closings = self.network.take_changes()
        for key, address in openings:
            self.addresses[key] = address.host
            self.open.add(key)
        self.open -= set(closings)
        for key, pieces in self.network.take_output():
            for request in requests_in(pieces):
                if request.api_key == 18:
                    self.receive(key, answer_to(request, versions()))
                    self.turn()
                else:
                    self.requests.append((key, request))

    def receive(self, key: int, data: bytes) -> None:
        while data:
            buffer = self.network.buffer(key)
            assert buffer is not None
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            data = data[size:]
            self.network.received(key, size, self.now)

    def accept(self) -> None:
        for key in sorted(self.open):
            if self.network._links[key].connection.state.value == "opening":
                self.network.opened(key, self.now)
        self.turn()

    def answer(self, body: Any) -> int:
        """Answer the oldest request; returns its connection."""
        key, request = self.requests.pop(0)
        self.receive(key, answer_to(request, body))
        self.turn()
        return key

    def answers(self) -> dict[int, Any]:
        return dict(self.network.take_answers())


def known() -> Wires:
    """Two brokers, learned from the first."""
    wires = Wires()
    wires.send(None, MetadataRequest())
    wires.accept()
    wires.answer(BROKERS)
    assert wires.answers() == {1: BROKERS}
    return wires


def test_requests_wait_for_their_connection_and_keep_their_order() -> None:
    wires = Wires()
    first, second = wires.send(None, EndTxnRequest()), wires.send(None, EndTxnRequest())
    assert list(wires.addresses.values()) == ["n1"] and wires.requests == []
    wires.accept()
    assert len(wires.requests) == 2
    wires.answer(EndTxnResponse(error_code=1))
    wires.answer(EndTxnResponse(error_code=2))
    assert [wires.network.has_news, *(answer.error_code for answer in wires.answers().values())] == [True, 1, 2]
    assert (first, second) == (1, 2)


def test_a_node_is_reached_at_the_address_that_metadata_says() -> None:
    wires = known()
    wires.send(2, EndTxnRequest())
    assert sorted(wires.addresses.values()) == ["n1", "n2"]
    wires.send(1, EndTxnRequest())
    assert len(wires.addresses) == 2, "n1 is connected already"


def test_an_unknown_node_is_lost_at_once() -> None:
    wires = known()
    token = wires.send(9, EndTxnRequest())
    answer = wires.answers()[token]
    assert isinstance(answer, ConnectionLost) and "no broker with id 9" in str(answer)


def test_a_parked_fetch_holds_nothing_back() -> None:
    wires = known()
    parked = wires.send(1, FetchRequest(max_wait_ms=500))
    wires.accept()
    other = wires.send(1, FetchRequest(max_wait_ms=500))
    wires.accept()
    wires.send(1, EndTxnRequest())
    keys = [key for key, _ in wires.requests]
    assert len(set(keys)) == 3 and (parked, other) == (2, 3)
    overflow = wires.send(1, FetchRequest())
    assert wires.requests[-1][0] in keys[:2], "with no more connections to be had it queues"
    wires.answer(FetchResponse())
    assert set(wires.answers()) == {parked}
    wires.requests.pop(0)
    wires.send(1, FetchRequest())
    assert overflow == 5 and len(wires.open) == 3, "connections are used again"


def test_refused_connections_are_tried_again_later_and_later() -> None:
    wires = Wires()
    waits = []
    for _ in range(5):
        token = wires.send(None, EndTxnRequest())
        (key,) = wires.open
        wires.network.lost(key, "refused", wires.now)
        wires.turn()
        assert "n1:9: refused" in str(wires.answers()[token])
        began = wires.now
        while not wires.open:
            token = wires.send(None, EndTxnRequest())
            if not wires.open:
                assert "n1:9: refused" in str(wires.answers()[token]), "not even tried"
                wires.turn(after_ms=1)
        waits.append(wires.now - began)
    assert [round(wait / 100) for wait in waits[:3]] == [1, 2, 4] or sorted(waits) == waits
    assert 320 <= waits[-1] <= 480, "the longest wait, give or take a fifth"
    wires.accept()
    assert wires.network.has_been_ready


def test_an_established_connection_that_breaks_answers_what_was_under_way() -> None:
    wires = known()
    token = wires.send(1, EndTxnRequest())
    (key,) = wires.open
    wires.network.lost(key, None, wires.now)
    wires.turn()
    assert "closed by the other side" in str(wires.answers()[token]) and not wires.open


def test_brokers_may_hang_up_on_the_idle() -> None:
    wires = known()
    (key,) = wires.open
    wires.network.lost(key, None, wires.now)
    wires.turn()
    assert not wires.open
    wires.send(1, EndTxnRequest())
    assert len(wires.open) == 1, "connected anew at once"


def test_idle_connections_are_closed() -> None:
    wires = known()
    wires.turn(after_ms=4_999)
    assert len(wires.open) == 1
    wires.turn(after_ms=1)
    assert not wires.open


def test_another_broker_takes_over_what_any_may_answer() -> None:
    wires = known()
    (key,) = wires.open
    token = wires.send(None, MetadataRequest())
    wires.network.lost(key, "reset", wires.now)
    wires.turn()
    assert token in wires.answers()
    wires.send(None, MetadataRequest())
    assert [wires.addresses[key] for key in wires.open] == ["n2"]


def test_overdue_requests_end_with_their_connection() -> None:
    wires = known()
    token = wires.send(1, EndTxnRequest())
    assert wires.network.next_deadline == 1_000
    wires.turn(after_ms=1_000)
    assert isinstance(wires.answers()[token], ConnectionLost) and not wires.open


def test_the_first_contact() -> None:
    """All bootstrap addresses are tried at once; hope ends when each has failed."""
    wires = Wires("a", "b")
    assert wires.network.connect(0)
    wires.turn()
    assert sorted(wires.addresses.values()) == ["a", "b"]
    first, second = sorted(wires.open)
    wires.network.lost(first, "refused", 0)
    assert wires.network.connect(0)
    wires.network.lost(second, "refused", 0)
    assert not wires.network.connect(0)
    assert wires.network.troubles == ("broker a:9: refused", "broker b:9: refused")


def test_what_is_wrong_with_an_address_that_has_not_failed_yet() -> None:
    wires = Wires("a", "b")
    wires.network.connect(0)
    first, _ = wires.network._links
    wires.network.opened(first, 0)
    said, unheard = wires.network.troubles
    assert "broker a:9: it takes connections and says nothing" in said
    assert "broker b:9: no connection yet" in unheard


def test_news_of_a_connection_that_was_given_up_is_nobodys() -> None:
    wires = known()
    (key,) = wires.open
    wires.network.close()
    wires.turn()
    assert not wires.open
    assert wires.network.buffer(key) is None
    wires.network.lost(key, "late", 0)
    wires.network.opened(key, 0)
    assert wires.answers() == {}


def test_a_broker_is_lost_when_none_of_its_connections_is_left() -> None:
    wires = known()
    parked = wires.send(1, FetchRequest(max_wait_ms=500))
    wires.accept()
    token = wires.send(1, EndTxnRequest())
    general, fetching = sorted(wires.open)
    wires.network.lost(fetching, None, wires.now)
    wires.turn()
    assert parked in wires.answers() and wires.network.peers.events == []
    wires.network.lost(general, None, wires.now)
    wires.turn()
    assert token in wires.answers()
    assert [name for name, _ in wires.network.peers.events] == ["broker.lost"]
    wires.turn(after_ms=1_000)
    wires.send(1, EndTxnRequest())
    wires.accept()
    wires.turn()
    assert [name for name, _ in wires.network.peers.events] == ["broker.lost", "broker.reached"]
