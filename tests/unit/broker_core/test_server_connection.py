"""One connection: order, parked requests, pipelining, slow readers, fallbacks, and what closes it."""

from __future__ import annotations

import struct
import threading

import pytest

from broker_core import server_requests
from broker_core.config import MAX_LIST_REQUEST_BYTES, BrokerConfig, ServerConfig
from broker_core.errors import ErrorCode
from broker_core.memory_filesystem import MemoryFile
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.api_versions import ApiVersionsRequest
from broker_core.protocol.fetch import FetchPartition, FetchRequest, FetchTopic
from broker_core.protocol.framing import Request, decode_response, encode_request
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.unit.broker_core.broker_kit import fetched, produce_request, produced, read_values
from tests.unit.broker_core.server_kit import PATIENCE_S, ServedBroker

CONFIG = BrokerConfig(min_free_bytes=0, server=ServerConfig(socket_request_max_bytes=200_000))


@pytest.fixture
def broker() -> object:
    with ServedBroker(CONFIG) as served:
        yield served


def fetch(offset: int = 0, *, wait_ms: int = 0, topic: str = "t", max_bytes: int = 1 << 20) -> FetchRequest:
    asked = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=max_bytes)
    return FetchRequest(
        max_wait_ms=wait_ms, min_bytes=1, max_bytes=max_bytes, topics=(FetchTopic(topic=topic, partitions=(asked,)),)
    )


def test_what_is_written_is_read(broker: ServedBroker) -> None:
    broker.create("t")
    with broker.connect() as client:
        now_ms = broker.kit.now_ms
        assert produced(client.exchange(produce_request("t", "a", "b", now_ms=now_ms))).base_offset == 0
        assert read_values(fetched(client.exchange(fetch(), 12)), 0, committed=False) == ["a", "b"]


def test_pipelined_requests_are_answered_in_order(broker: ServedBroker) -> None:
    """Writes are answered after their sync, metadata at once: still in the order of the requests."""
    broker.create("t")
    with broker.connect() as client:
        frames, asked = [], []
        for index in range(20):
            frames.append(client.payload(produce_request("t", f"v{index}", now_ms=broker.kit.now_ms)))
            frames.append(client.payload(MetadataRequest(topics=())))
            asked += [2 * index + 1, 2 * index + 2]
        client.send_bytes(b"".join(frames))
        answers = [client.receive() for _ in asked]
        assert [correlation_id for correlation_id, _ in answers] == asked
        assert [produced(body).base_offset for _, body in answers[::2]] == list(range(20))


def test_writes_of_one_connection_share_a_sync(broker: ServedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that come while a sync is under way are all synced by the next one; answers stay in order."""
    broker.create("t")
    count, begun, go_on = server_requests.MAX_WRITES - 1, threading.Event(), threading.Event()
    files: list[int] = []
    sync = MemoryFile.sync

    def slow(file: MemoryFile) -> None:
        files.append(1)
        begun.set()
        assert go_on.wait(PATIENCE_S)
        sync(file)

    with broker.connect() as client:
        monkeypatch.setattr(MemoryFile, "sync", slow)
        client.send(produce_request("t", "first", now_ms=broker.kit.now_ms))
        assert begun.wait(PATIENCE_S)
        for index in range(count):
            client.send(produce_request("t", f"v{index}", now_ms=broker.kit.now_ms))
        client.send(fetch(), 12)
        broker.until(lambda: broker.server._driver.parked_count == 1 + count)
        go_on.set()
        answers = [client.receive()[1] for _ in range(1 + count)]
        assert [produced(answer).base_offset for answer in answers] == list(range(1 + count))
        assert len(files) == 2
        values = ["first", *(f"v{index}" for index in range(count))]
        assert read_values(fetched(client.receive()[1]), 0, committed=False) == values


def test_writes_hold_back_what_reads(broker: ServedBroker) -> None:
    """A request behind writes sees them: it begins when the last of them is answered."""
    broker.create("t")
    with broker.connect() as client:
        for index in range(10):
            client.send(produce_request("t", f"v{index}", now_ms=broker.kit.now_ms))
        client.send(fetch(), 12)
        for _ in range(10):
            assert produced(client.receive()[1]).error_code == 0
        assert len(read_values(fetched(client.receive()[1]), 0, committed=False)) == 10


def test_writes_before_a_broken_request_are_answered(broker: ServedBroker) -> None:
    broker.create("t")
    with broker.connect() as client:
        frames = [client.payload(produce_request("t", f"v{index}", now_ms=broker.kit.now_ms)) for index in range(3)]
        client.send_bytes(b"".join(frames) + struct.pack(">ihhi", 8, 0, 9, 7))
        assert [produced(client.receive()[1]).base_offset for _ in frames] == [0, 1, 2]
        assert client.is_closed()
    assert len(broker.kit.events.named("connection.refused")) == 1


@pytest.mark.parametrize(("limit", "value"), [("MAX_WRITES_BYTES", 30_000), ("MAX_WRITES", 3)])
def test_writes_in_work_are_bounded(
    broker: ServedBroker, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """A client that writes faster than the disk syncs waits, and its bytes with it."""
    monkeypatch.setattr(server_requests, limit, value)
    broker.create("t")
    go_on = threading.Event()
    sync = MemoryFile.sync

    def slow(file: MemoryFile) -> None:
        assert go_on.wait(PATIENCE_S)
        sync(file)

    with broker.connect() as client:
        monkeypatch.setattr(MemoryFile, "sync", slow)
        for _ in range(10):
            client.send(produce_request("t", "x" * 10_000, now_ms=broker.kit.now_ms))
        broker.until(lambda: broker.server._driver.parked_count == 3)
        with broker.connect() as other:
            other.exchange(MetadataRequest(topics=()))
        assert broker.on_thread(lambda: broker.server._driver.parked_count) == 3
        go_on.set()
        assert [produced(client.receive()[1]).base_offset for _ in range(10)] == list(range(10))


def test_a_parked_fetch_holds_back_its_connection_and_no_other(broker: ServedBroker) -> None:
    broker.create("t")
    with broker.connect() as waiting, broker.connect() as other:
        first = waiting.send(fetch(wait_ms=60_000), 12)
        second = waiting.send(MetadataRequest(topics=()))
        assert other.exchange(MetadataRequest(topics=())).brokers
        other.exchange(produce_request("t", "x", now_ms=broker.kit.now_ms))
        correlation_id, body = waiting.receive()
        assert correlation_id == first
        assert read_values(fetched(body), 0, committed=False) == ["x"]
        assert waiting.receive()[0] == second


def test_a_fetch_ends_at_its_deadline(broker: ServedBroker) -> None:
    broker.create("t")
    with broker.connect() as client:
        assert not fetched(client.exchange(fetch(wait_ms=30), 12)).records


def test_the_fetch_of_a_client_that_vanished_is_dropped(broker: ServedBroker) -> None:
    broker.create("t")
    with broker.connect() as client:
        client.send(fetch(wait_ms=600_000), 12)
        broker.until(lambda: broker.server._driver.parked_count == 1)
    broker.until(lambda: broker.server._driver.parked_count == 0)
    assert broker.on_thread(lambda: broker.server._held_bytes) == 0


def test_a_request_comes_byte_by_byte(broker: ServedBroker) -> None:
    with broker.connect() as client:
        for byte in client.payload(MetadataRequest(topics=())):
            client.send_bytes(bytes((byte,)))
        assert client.receive()[1].brokers


def test_a_slow_reader_gets_no_more_work_done(broker: ServedBroker) -> None:
    """Answers that are not taken hold back the requests behind them; taken, all come, in order."""
    broker.create("t")
    with broker.connect() as client:
        value = "x" * 100_000
        for _ in range(10):
            client.exchange(produce_request("t", value, now_ms=broker.kit.now_ms))
        count = 60
        client.send_bytes(b"".join(client.payload(fetch(), 12) for _ in range(count)))
        with broker.connect() as other:
            for _ in range(20):
                other.exchange(MetadataRequest(topics=()))
        held = broker.on_thread(lambda: broker.server._held_bytes)
        assert held < 20 * len(value), "a few answers at most wait for their reader"
        for _ in range(count):
            assert len(fetched(client.receive()[1]).records or b"") > 10 * len(value)


@pytest.mark.parametrize("version", [5, 99, 32_767])
def test_a_newer_api_versions_is_answered_in_version_0(broker: ServedBroker, version: int) -> None:
    with broker.connect() as client:
        header = struct.pack(">hhih", ApiKey.API_VERSIONS, version, 77, -1) + b"\0\0\0\0"
        client.send_bytes(struct.pack(">i", len(header)) + header)
        payload = client.receive_payload()
        assert payload is not None
        correlation_id, body = decode_response(ApiKey.API_VERSIONS, 0, payload)
        assert (correlation_id, body.error_code) == (77, ErrorCode.UNSUPPORTED_VERSION)  # type: ignore[attr-defined]
        (only,) = body.api_keys  # type: ignore[attr-defined]
        assert (only.api_key, only.max_version) == (ApiKey.API_VERSIONS, API[ApiKey.API_VERSIONS].max_version)
        assert client.exchange(ApiVersionsRequest(), 0).error_code == 0, "the same connection goes on"


GOOD = encode_request(
    Request(api_key=3, api_version=8, correlation_id=1, body=MetadataRequest(topics=(MetadataRequestTopic(name="t"),)))
)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">i", -1),
        struct.pack(">i", -(2**31)),
        struct.pack(">i", 2**31 - 1),
        struct.pack(">i", 200_001),
        struct.pack(">i", 0),
        struct.pack(">i", 3) + b"abc",
        struct.pack(">ihhih", 10, 999, 0, 1, -1),
        struct.pack(">ihhih", 10, -1, 0, 1, -1),
        struct.pack(">ihhih", 10, 0, 99, 1, -1),
        struct.pack(">ihhih", 10, 0, -1, 1, -1),
        struct.pack(">ihhih", 10, 3, 8, 1, 30_000),
        struct.pack(">ihhih", 10, 3, 8, 1, -2),
        struct.pack(">ihhih", 12, 3, 8, 1, 2) + b"\xff\xfe",
        struct.pack(">ihhihi", 14, 3, 8, 1, -1, 2**31 - 1),
        struct.pack(">ihhihi", 14, 3, 8, 1, -1, -5),
        struct.pack(">i", len(GOOD) - 1) + GOOD[:-1],
        struct.pack(">ihhih", 15, 3, 12, 1, -1) + b"\0\xff\xff\xff\xff",
        struct.pack(">ihhih", 21, 18, 3, 1, -1) + b"\0\xff\xff\xff\xff\x0f\0\0\0\0\0",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
    ],
)  # fmt: skip
def test_what_is_no_request_closes_the_connection_and_no_other(broker: ServedBroker, data: bytes) -> None:
    with broker.connect() as bystander, broker.connect() as client:
        client.send_bytes(data)
        assert client.is_closed()
        assert bystander.exchange(MetadataRequest(topics=())).brokers
    assert broker.kit.events.named("connection.refused")
    assert not broker.kit.events.named("request.failed")


def test_acks_0_has_no_answer_and_its_error_closes(broker: ServedBroker) -> None:
    broker.create("t")
    with broker.connect() as client:
        client.send(produce_request("t", "a", acks=0, now_ms=broker.kit.now_ms))
        assert produced(client.exchange(produce_request("t", "b", now_ms=broker.kit.now_ms))).base_offset == 1
        client.send(produce_request("t", "c", acks=0, now_ms=broker.kit.now_ms, partition=9))
        assert client.is_closed()


def test_clients_that_vanish_inside_a_request_or_are_half_open(broker: ServedBroker) -> None:
    broker.create("t")
    for cut in (1, 4, 9, 40):
        with broker.connect() as client:
            client.send_bytes(client.payload(produce_request("t", "x" * 50, now_ms=broker.kit.now_ms))[:cut])
    half_open = broker.connect()
    half_open.send_bytes(struct.pack(">i", 100_000))
    with broker.connect() as client:
        client.send(produce_request("t", "y", now_ms=broker.kit.now_ms))  # gone before its answer; written all the same
    with broker.connect() as client:
        found: list[str] = []
        while not found:
            found = read_values(fetched(client.exchange(fetch(wait_ms=100), 12)), 0, committed=False)
        assert found == ["y"]
    half_open.socket.close()


def test_bytes_behind_a_request_are_ignored(broker: ServedBroker) -> None:
    """librdkafka leaves three behind Metadata for all topics."""
    broker.create("t")
    payload = bytes.fromhex("0003000c00000003000772646b61666b610000000000010000")
    with broker.connect() as client:
        client.send_bytes(struct.pack(">i", len(payload)) + payload)
        answer = client.receive_payload()
        assert answer is not None
        _, body = decode_response(3, 12, answer)
        assert [topic.name for topic in body.topics] == ["t"]  # type: ignore[attr-defined]


def test_a_long_list_is_refused_and_long_records_are_not() -> None:
    """A million partitions in one request would be a hundred million bytes as values."""
    with ServedBroker(BrokerConfig(min_free_bytes=0)) as broker:
        broker.create("t", max_message_bytes="10000000")
        with broker.connect() as client:
            asked = MetadataRequest(topics=tuple(MetadataRequestTopic(name="t" * 200) for _ in range(25_000)))
            client.send(asked, 8)
            assert client.is_closed()
        with broker.connect() as client:
            request = produce_request("t", "x" * (MAX_LIST_REQUEST_BYTES + 1), now_ms=broker.kit.now_ms)
            assert produced(client.exchange(request)).error_code == 0


def test_answers_before_a_broken_request_are_sent(broker: ServedBroker) -> None:
    """They came in one piece: what was right is answered, what follows closes."""
    with broker.connect() as client:
        good = client.payload(MetadataRequest(topics=()))
        client.send_bytes(good + struct.pack(">i", 3) + b"abc" + good)
        assert client.receive()[1].brokers
        assert client.is_closed()
