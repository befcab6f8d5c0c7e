"""The server: limits over all connections, idle ones, a graceful stop, and faults of the broker."""

from __future__ import annotations

import errno
import struct
import threading
from typing import Any

import pytest

from broker_core.config import BrokerConfig, Durability, ServerConfig
from broker_core.data_directory import CLEAN_PATH
from broker_core.errors import ErrorCode, StorageError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.protocol.fetch import FetchResponse
from broker_core.protocol.heartbeat import HeartbeatRequest
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker_core.protocol.metadata import MetadataRequest
from broker_core.protocol.produce import ProduceRequest
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from broker_core.server import address_of, bind
from tests.unit.broker_core.broker_kit import Kit, produce_request, produced
from tests.unit.broker_core.server_kit import ServedBroker
from tests.unit.broker_core.test_server_connection import fetch


def config(**limits: Any) -> BrokerConfig:
    return BrokerConfig(min_free_bytes=0, server=ServerConfig(**limits))


def test_one_connection_too_many_is_closed() -> None:
    with ServedBroker(config(max_connections=2)) as broker, broker.connect() as first:
        first.exchange(MetadataRequest(topics=()))
        with broker.connect() as second, broker.connect() as third:
            second.exchange(MetadataRequest(topics=()))
            assert third.is_closed()
        broker.until(lambda: len(broker.server._connections) == 1)
        with broker.connect() as fourth:
            assert fourth.exchange(MetadataRequest(topics=())).brokers


def test_an_idle_connection_is_closed_and_a_parked_fetch_is_not_idle() -> None:
    with ServedBroker(config(connections_max_idle_ms=200)) as broker:
        broker.create("t")
        with broker.connect() as idle, broker.connect() as half, broker.connect() as waiting:
            half.send_bytes(struct.pack(">i", 1000) + b"half a request")
            asked = waiting.send(fetch(wait_ms=1_500), 12)
            assert idle.is_closed() and half.is_closed()
            assert waiting.receive()[0] == asked


def test_memory_is_bounded_over_all_connections() -> None:
    """Requests in flight up to the limit; what comes above it is read once there is room again."""
    limit = 300_000
    with ServedBroker(config(queued_max_request_bytes=limit)) as broker:
        broker.create("t")
        clients = [broker.connect() for _ in range(8)]
        frame = clients[0].payload(produce_request("t", "x" * 150_000, now_ms=broker.kit.now_ms))
        for client in clients:
            client.send_bytes(frame[:5])  # every one announces 150 kB
        broker.until(lambda: broker.server.is_saturated)
        assert broker.on_thread(lambda: broker.server._held_bytes) <= limit + 2 * len(frame)
        threads = [threading.Thread(target=client.send_bytes, args=(frame[5:],)) for client in clients]
        for thread in threads:
            thread.start()
        offsets = []
        for client in clients:
            client._asked[1] = (0, ProduceRequest.MAX_VERSION)
            offsets.append(produced(client.receive()[1]).base_offset)
            client.socket.close()
        for thread in threads:
            thread.join()
        assert sorted(offsets) == list(range(8))
        assert broker.kit.events.named("server.saturated")


def test_a_stop_answers_what_was_taken_and_keeps_it() -> None:
    filesystem = MemoryFilesystem()
    broker = ServedBroker(config(), filesystem)
    with broker:
        broker.create("t")
        broker.create("empty")
        with broker.connect() as writer, broker.connect() as reader, broker.connect() as idle:
            reader.send(fetch(wait_ms=600_000, topic="empty"), 12)
            idle.exchange(MetadataRequest(topics=()))
            broker.until(lambda: broker.server._driver.parked_count)
            for value in ("a", "b", "c"):
                writer.exchange(produce_request("t", value, now_ms=broker.kit.now_ms))
            writer.send(produce_request("t", "d", now_ms=broker.kit.now_ms))
            logs = broker.kit.broker._partitions.logs
            broker.until(lambda: logs[TopicPartition("t", 0)].end_offset == 4)
            broker.stop()
            assert isinstance(reader.receive()[1], FetchResponse)
            assert reader.is_closed() and idle.is_closed()
            assert produced(writer.receive()[1]).base_offset == 3
    assert broker.failure is None
    assert filesystem.exists(CLEAN_PATH)
    again = Kit(filesystem=filesystem, config=broker.config, now_ms=broker.kit.now_ms).open()
    assert again.values("t") == ["a", "b", "c", "d"]


def test_a_failed_disk_is_told_and_the_broker_goes_on() -> None:
    filesystem = MemoryFilesystem()
    with ServedBroker(config(), filesystem) as broker:
        broker.create("bad")
        broker.create("good")
        with broker.connect() as client:
            client.exchange(produce_request("bad", "x", now_ms=broker.kit.now_ms))
            filesystem.faults.fail_next_sync = errno.EIO
            answer = produced(client.exchange(produce_request("bad", "x", now_ms=broker.kit.now_ms)))
            assert answer.error_code == ErrorCode.KAFKA_STORAGE_ERROR
            assert produced(client.exchange(produce_request("good", "x", now_ms=broker.kit.now_ms))).error_code == 0


def test_a_fault_in_a_handler_costs_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with ServedBroker(config()) as broker, broker.connect() as client, broker.connect() as other:

        def broken(*_: object) -> None:
            raise ZeroDivisionError("a fault")

        handle = broker.server._driver.broker.handle
        monkeypatch.setattr(broker.server._driver.broker, "handle", broken)
        client.send(MetadataRequest(topics=()))
        assert client.is_closed()
        monkeypatch.setattr(broker.server._driver.broker, "handle", handle)
        assert other.exchange(MetadataRequest(topics=())).brokers
        (told,) = broker.kit.events.named("request.failed")
        assert str(told["error"]) == "a fault" and str(told["request"]).startswith("0003")


def test_a_broker_that_fails_stops_serving_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = ServedBroker(config())
    with broker, broker.connect() as client:
        client.exchange(MetadataRequest(topics=()))

        def broken() -> None:
            raise ZeroDivisionError("a fault")

        monkeypatch.setattr(broker.server._driver.broker, "released", broken)
        client.send(MetadataRequest(topics=()))
        client.receive()
        assert client.is_closed()
        broker._thread.join(10)
    assert isinstance(broker.failure, ZeroDivisionError)


def test_deadlines_come_without_requests() -> None:
    """The broker's own work is done although nobody asks: with INTERVAL, what was appended is synced."""
    filesystem = MemoryFilesystem()
    interval = BrokerConfig(min_free_bytes=0, durability=Durability.INTERVAL, sync_interval_ms=20)
    with ServedBroker(interval, filesystem) as broker, broker.connect() as client:
        broker.create("t")
        client.exchange(produce_request("t", "x", now_ms=broker.kit.now_ms))
        broker.until(lambda: broker.kit.broker._partitions.durable[TopicPartition("t", 0)] == 1)


def test_port_0_takes_a_free_one_and_a_taken_one_is_refused() -> None:
    first = bind("127.0.0.1", 0)
    host, port = address_of(first)
    assert host == "127.0.0.1" and port > 0
    first.listen()
    with pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", port)
    first.close()


def joining(member_id: str = "") -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id="g",
        session_timeout_ms=2_000,
        rebalance_timeout_ms=60_000,
        member_id=member_id,
        protocol_type="consumer",
        protocols=(JoinGroupRequestProtocol(name="range", metadata=b"m"),),
    )


def test_clients_that_vanish_inside_join_and_sync_hold_nobody_up_for_ever() -> None:
    """Their members stay until their session ends, as if they had been answered; the others then have the group."""
    quick = BrokerConfig(min_free_bytes=0, group_initial_rebalance_delay_ms=50, group_min_session_timeout_ms=1_000)
    with ServedBroker(quick) as broker:
        with broker.connect() as vanishing:
            vanishing.send(joining(), 3)
            broker.until(lambda: broker.server._driver.parked_count == 1)
        broker.until(lambda: broker.server._driver.parked_count == 0)  # the join went on, to nobody
        with broker.connect() as client:
            asked = client.send(joining(), 3)
            correlation_id, answer = client.receive()  # once the vanished one's session is over
            assert (correlation_id, answer.error_code) == (asked, 0)
            assert [member.member_id for member in answer.members] == [answer.member_id]
            with broker.connect() as follower:
                follower.send(joining(), 3)
                heartbeat = HeartbeatRequest(
                    group_id="g", generation_id=answer.generation_id, member_id=answer.member_id
                )
                while client.exchange(heartbeat, 0).error_code == 0:
                    pass
                again = client.exchange(joining(answer.member_id), 3)
                joined = follower.receive()[1]
                assert again.generation_id == joined.generation_id == answer.generation_id + 1
                sync = SyncGroupRequest(group_id="g", generation_id=joined.generation_id, member_id=joined.member_id)
                follower.send(sync, 1)
                broker.until(lambda: broker.server._driver.parked_count == 1)
            assignment = SyncGroupRequestAssignment(member_id=answer.member_id, assignment=b"all")
            sync = SyncGroupRequest(
                group_id="g",
                generation_id=again.generation_id,
                member_id=answer.member_id,
                assignments=(assignment,),
            )
            assert client.exchange(sync, 1).assignment == b"all"
        assert broker.on_thread(lambda: broker.server._driver.parked_count) == 0


def test_an_address_that_somebody_else_takes_meanwhile() -> None:
    """Two may bind, one may listen: the other closes its broker and says so."""
    broker = ServedBroker(config())
    rival = bind("127.0.0.1", broker.port)
    rival.listen()
    with pytest.raises(AssertionError, match="cannot listen on 127.0.0.1"):
        broker.__enter__()
    rival.close()
    broker.listener.close()
    assert isinstance(broker.failure, StorageError)
    assert broker.kit.filesystem.exists(CLEAN_PATH)
