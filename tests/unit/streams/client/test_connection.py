"""The connection machine, fed with bytes."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.api_versions import ApiVersion, ApiVersionsResponse
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.fetch import FetchRequest
from broker_core.protocol.find_coordinator import FindCoordinatorRequest
from broker_core.protocol.list_groups import ListGroupsRequest, ListGroupsResponse
from streams.client.connection import HUNG_UP, Connection, ConnectionState, patience_of
from streams.client.errors import ConnectionLost, NotABroker
from streams.client.settings import ConnectionSettings
from streams.errors import ClientError
from tests.unit.streams.client.broker_bytes import answer_to, frame, negotiate, receive, requests_in, versions

SETTINGS = ConnectionSettings(request_timeout_ms=1_000, connect_timeout_ms=300)


def new(now_ms: int = 0) -> Connection:
    return Connection(peer="h:9092", client_id="app", settings=SETTINGS, now_ms=now_ms, shared=bytearray(64))


def ready(changes: dict[int, tuple[int, int]] | None = None) -> Connection:
    connection = new()
    negotiate(connection, changes)
    assert connection.state is ConnectionState.READY
    return connection


def test_nothing_is_sent_before_the_versions_are_known_and_then_in_order() -> None:
    connection = new()
    connection.send(7, EndTxnRequest(transactional_id="a"), None, 0)
    connection.opened(0)
    connection.send(8, EndTxnRequest(transactional_id="b"), 3, 0)
    (asked,) = requests_in(connection.take_output())
    assert (asked.api_key, asked.api_version, asked.client_id) == (18, 4, "app")
    assert asked.body.client_software_name == "streams-dsl"
    receive(connection, answer_to(asked, versions()), 5)
    first, second = requests_in(connection.take_output())
    assert [first.body.transactional_id, second.body.transactional_id] == ["a", "b"]
    assert [first.api_version, second.api_version] == [EndTxnRequest.MAX_VERSION, 3]
    answers = answer_to(first, EndTxnResponse(error_code=1)) + answer_to(second, EndTxnResponse(error_code=2))
    receive(connection, answers[:9], 6)
    receive(connection, answers[9:], 6)
    assert [(token, answer.error_code) for token, answer in connection.take_answers()] == [(7, 1), (8, 2)]  # type: ignore[union-attr]
    assert connection.load == 0 and connection.next_deadline() is None


def test_the_newest_version_that_both_speak() -> None:
    connection = ready({26: (0, 2)})
    connection.send(1, EndTxnRequest(), None, 0)
    (request,) = requests_in(connection.take_output())
    assert request.api_version == 2


@pytest.mark.parametrize(("range_", "limit"), [((9, 12), None), ((3, 3), 2), ((0, -1), None)])
def test_a_version_that_only_one_speaks_is_an_answer_and_the_connection_lives(
    range_: tuple[int, int], limit: int | None
) -> None:
    connection = ready({26: range_})
    connection.send(1, EndTxnRequest(), limit, 0)
    ((token, answer),) = connection.take_answers()
    assert token == 1 and isinstance(answer, ClientError) and answer.code == ErrorCode.UNSUPPORTED_VERSION
    assert "broker h:9092 speaks" in str(answer) and "END_TXN" in str(answer)
    assert connection.state is ConnectionState.READY and connection.take_output() == []


def test_what_an_old_version_cannot_say_is_an_answer() -> None:
    connection = ready({10: (0, 3)})
    connection.send(1, FindCoordinatorRequest(coordinator_keys=("g",)), None, 0)
    ((_, answer),) = connection.take_answers()
    assert isinstance(answer, ClientError) and "FIND_COORDINATOR cannot be said to broker h:9092" in str(answer)
    connection.send(2, EndTxnRequest(), None, 0)
    assert len(requests_in(connection.take_output())) == 1


def test_an_older_broker_is_asked_again_in_its_version() -> None:
    """KIP-511: refused in the layout of version 0, with the range of ApiVersions."""
    connection = new()
    connection.opened(0)
    (asked,) = requests_in(connection.take_output())
    own_range = (ApiVersion(api_key=18, min_version=0, max_version=2),)
    receive(connection, answer_to(asked, ApiVersionsResponse(error_code=35, api_keys=own_range), version=0), 1)
    (again,) = requests_in(connection.take_output())
    assert (again.api_key, again.api_version) == (18, 2)
    receive(connection, answer_to(again, versions()), 2)
    assert connection.state is ConnectionState.READY


def test_a_broker_that_refuses_twice() -> None:
    connection = new()
    connection.opened(0)
    for _ in range(2):
        (asked,) = requests_in(connection.take_output())
        receive(connection, answer_to(asked, ApiVersionsResponse(error_code=35), version=0), 1)
    assert connection.state is ConnectionState.CLOSED
    assert "refused to say what it speaks, error 35" in str(connection.error)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "a web server answers there"),
        (b"<html>", "a web server answers there"),
        (b"\x15\x03\x01\x00\x02", "it speaks TLS"),
        (b"SSH-2.0-OpenSSH", "no Kafka broker .it sent b'SSH-2.0-OpenSSH'"),
    ],
)
def test_something_else_answers(sent: bytes, said: str) -> None:
    connection = new()
    connection.send(3, ListGroupsRequest(), None, 0)
    connection.opened(0)
    receive(connection, sent, 1)
    ((token, answer),) = connection.take_answers()
    assert token == 3 and isinstance(answer, NotABroker)
    with pytest.raises(NotABroker, match=f"h:9092: .*{said}"):
        raise answer


def test_a_listener_that_hangs_up_at_once() -> None:
    connection = new()
    connection.opened(0)
    connection.lost(HUNG_UP)
    assert "TLS or SASL" in str(connection.error)


def test_a_lost_connection_answers_everything_once() -> None:
    connection = ready()
    connection.send(1, EndTxnRequest(), None, 0)
    connection.send(2, EndTxnRequest(), None, 0)
    connection.take_output()
    connection.lost("reset")
    connection.lost("again")
    answers = connection.take_answers()
    assert [token for token, _ in answers] == [1, 2]
    assert all(isinstance(answer, ConnectionLost) and "h:9092: reset" in str(answer) for _, answer in answers)
    assert connection.take_answers() == []


def test_an_answer_that_is_late_ends_the_connection() -> None:
    """Its time counts from when the answer before came: a broker works off one request after the other."""
    connection = ready()
    connection.send(1, EndTxnRequest(), None, 0)
    connection.send(2, ListGroupsRequest(), None, 0)
    first, _ = requests_in(connection.take_output())
    connection.tick(999)
    assert connection.next_deadline() == 1_000
    receive(connection, answer_to(first, EndTxnResponse()), 900)
    connection.tick(1_899)
    assert [token for token, _ in connection.take_answers()] == [1]
    connection.tick(1_900)
    ((token, answer),) = connection.take_answers()
    assert token == 2 and "no answer to LIST_GROUPS within 1000 ms" in str(answer)


def test_a_connection_that_does_not_come_about() -> None:
    connection = new(now_ms=50)
    connection.send(1, EndTxnRequest(), None, 50)
    assert connection.next_deadline() == 350
    connection.tick(350)
    ((_, answer),) = connection.take_answers()
    assert "no connection within 300 ms" in str(answer)


def test_the_time_that_a_request_gives_the_broker_comes_on_top() -> None:
    assert patience_of(FetchRequest(max_wait_ms=500), 1_000) == 1_500
    assert patience_of(EndTxnRequest(), 1_000) == 1_000


@pytest.mark.parametrize("planted", ["other id", "unasked", "cut"])
def test_answers_that_make_no_sense_end_the_connection(planted: str) -> None:
    connection = ready()
    connection.send(1, ListGroupsRequest(), None, 0)
    (request,) = requests_in(connection.take_output())
    good = answer_to(request, ListGroupsResponse())
    if planted == "other id":
        receive(connection, good[:4] + b"\0\0\x09\x09" + good[8:], 1)
    elif planted == "cut":
        receive(connection, frame(good[4:10]), 1)
    else:
        receive(connection, good + good, 1)
    assert connection.state is ConnectionState.CLOSED
    assert "what it sent makes no sense" in str(connection.error)
    assert [token for token, _ in connection.take_answers()] == [1]


def test_correlation_ids_wrap() -> None:
    connection = ready()
    connection._last_correlation_id = 0x7FFF_FFFF
    connection.send(1, ListGroupsRequest(), None, 0)
    (request,) = requests_in(connection.take_output())
    assert request.correlation_id == 0
    receive(connection, answer_to(request, ListGroupsResponse()), 1)
    assert [token for token, _ in connection.take_answers()] == [1]
