"""Sync waves by threads, and requests whose senders go away. Waves of a whole client: streams/runtime/test_embedded."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from broker_core.config import BrokerConfig
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.outcome import NoReply
from broker_core.protocol.fetch import FetchPartition, FetchRequest, FetchTopic
from broker_core.protocol.framing import Request
from broker_core.sync_waves import BrokerDriver, InlineSyncExecutor, PoolSyncExecutor, SyncExecutor
from tests.unit.broker_core.broker_kit import CONNECTION, Kit, produce_request


class SlowFile:
    """A file whose sync lasts until the test says so, or fails."""

    def __init__(self, error: OSError | None = None) -> None:
        self.go = threading.Event()
        self.error = error
        self.syncs = 0

    def sync(self) -> None:
        assert self.go.wait(10)
        self.syncs += 1
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize("executor", [InlineSyncExecutor(), PoolSyncExecutor(2)])
def test_a_wave_is_over_when_all_its_files_are_and_says_which_failed(executor: SyncExecutor) -> None:
    files = [SlowFile(), SlowFile(OSError("broken")), SlowFile()]
    for file in files:
        file.go.set()
    executor.start(files)  # type: ignore[arg-type]
    failures = None
    for _ in range(100):
        failures = executor.finished()
        if failures is not None:
            break
        executor.wait(1_000)
    assert failures is not None and [(place, str(error)) for place, error in failures.items()] == [(1, "broken")]
    assert [file.syncs for file in files] == [1, 1, 1]
    assert executor.finished() is None
    executor.close()


def test_the_caller_goes_on_while_the_pool_syncs() -> None:
    executor = PoolSyncExecutor(2)
    slow = SlowFile()
    executor.start([slow])  # type: ignore[list-item]
    assert executor.finished() is None
    executor.wait(1)
    assert executor.finished() is None
    slow.go.set()
    executor.wait(10_000)
    assert executor.finished() == {}
    executor.close()


def test_wake_ends_a_wait_at_once() -> None:
    executor = PoolSyncExecutor(1)
    threading.Thread(target=executor.wake).start()
    executor.wait(60_000)
    executor.close()


def test_the_end_of_a_wave_is_told_on_the_thread_that_ends_it() -> None:
    told = threading.Event()
    executor = PoolSyncExecutor(1, told.set)
    file = SlowFile()
    file.go.set()
    executor.start([file])  # type: ignore[list-item]
    assert told.wait(10)
    assert executor.finished() == {}
    executor.close()


class Answers:
    """A sender that remembers."""

    def __init__(self) -> None:
        self.heard: dict[int, Any] = {}

    def answer(self, token: int, body: Any) -> None:
        self.heard[token] = body


class HeldExecutor(InlineSyncExecutor):
    """Waves that are over when the test says so."""

    held = True

    def finished(self) -> dict[int, OSError] | None:
        return None if self.held else super().finished()


def driver(executor: SyncExecutor) -> tuple[Kit, BrokerDriver]:
    kit = Kit(filesystem=MemoryFilesystem(), config=BrokerConfig(min_free_bytes=0)).open()
    kit.create("t")
    return kit, BrokerDriver(kit.broker, executor)


def send(kit: Kit, driven: BrokerDriver, sender: Answers, token: int, body: Any) -> int | None:
    request = Request(api_key=body.API_KEY, api_version=min(12, body.MAX_VERSION), body=body)
    return driven.handle(sender, token, CONNECTION, request, kit.now_ms)


def fetch(wait_ms: int = 10_000) -> FetchRequest:
    asked = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)
    return FetchRequest(
        max_wait_ms=wait_ms, min_bytes=1, max_bytes=1000, topics=(FetchTopic(topic="t", partitions=(asked,)),)
    )


def test_a_fetch_that_nobody_waits_for_is_dropped() -> None:
    kit, driven = driver(InlineSyncExecutor())
    gone, here = Answers(), Answers()
    ticket = send(kit, driven, gone, 1, fetch())
    send(kit, driven, here, 1, fetch())
    assert ticket is not None and driven.parked_count == 2
    driven.abandon(ticket)
    driven.abandon(ticket)
    assert driven.parked_count == 1
    send(kit, driven, here, 2, produce_request("t", "x"))
    driven.pump(kit.now_ms)
    assert gone.heard == {} and set(here.heard) == {1, 2}


def test_a_write_goes_on_without_its_sender() -> None:
    executor = HeldExecutor()
    kit, driven = driver(executor)
    gone = Answers()
    ticket = send(kit, driven, gone, 1, produce_request("t", "x"))
    assert ticket is not None
    driven.pump(kit.now_ms)
    assert driven.is_syncing
    driven.abandon(ticket)
    executor.held = False
    driven.pump(kit.now_ms)
    assert (gone.heard, driven.parked_count, driven.is_syncing) == ({}, 0, False)
    assert kit.values("t") == ["x"]


def test_what_has_no_answer_says_so() -> None:
    kit, driven = driver(InlineSyncExecutor())
    sender = Answers()
    assert send(kit, driven, sender, 1, produce_request("t", "x", acks=0)) is None
    assert sender.heard == {1: NoReply()}
