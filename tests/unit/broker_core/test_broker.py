"""The whole broker on a disk in memory: durability, trouble, start and stop. What an API does: ``handlers/``."""

from __future__ import annotations

import random
from typing import Any

import pytest

from broker_core.config import BrokerConfig, Durability, LogConfig
from broker_core.errors import DataDirectoryError, ErrorCode, ProtocolError, StorageError
from broker_core.memory_filesystem import MemoryFile, MemoryFilesystem
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.protocol.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.framing import Request
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.unit.broker_core.broker_kit import CONNECTION, NOW, Kit, fetched, produce_request, produced


def test_produce_and_fetch(kit: Kit) -> None:
    kit.create("words")
    assert kit.produce("words", "a", "b").base_offset == 0
    assert kit.produce("words", "c").base_offset == 2
    assert kit.values("words") == ["a", "b", "c"]
    data = kit.fetch("words", 1)
    assert (data.high_watermark, data.last_stable_offset, data.log_start_offset) == (3, 3, 0)


@pytest.mark.parametrize("acks", [-1, 1])
def test_an_acknowledgement_waits_for_the_sync_and_so_do_readers(kit: Kit, acks: int) -> None:
    kit.create("words")
    token = kit.send(produce_request("words", "a", acks=acks))
    assert kit.answer(token) is None
    assert kit.fetch("words").records == b""
    assert kit.list_offset("words", -1) == 0
    kit.sync()
    assert produced(kit.answer(token)).base_offset == 0
    assert kit.values("words") == ["a"]


def test_one_wave_acknowledges_all_who_wait(kit: Kit) -> None:
    kit.create("words", partitions=3)
    tokens = [kit.send(produce_request("words", "a", partition=index % 3)) for index in range(9)]
    assert len(kit.broker.pending_syncs()) == 3
    assert kit.broker.pending_syncs() == (), "one wave at a time"
    kit.restart(crash="keep")
    tokens = [kit.send(produce_request("words", "a", partition=index % 3)) for index in range(9)]
    kit.sync()
    assert all(kit.answer(token) is not None for token in tokens)


def test_without_durability_nothing_waits() -> None:
    kit = Kit(config=BrokerConfig(durability=Durability.NONE)).open()
    kit.create("words")
    assert produced(kit.answer(kit.send(produce_request("words", "a")))).base_offset == 0
    assert kit.broker.pending_syncs() == ()
    assert kit.values("words") == ["a"]


def test_unknown_apis_and_versions(kit: Kit) -> None:
    body = MetadataRequest(topics=None)
    for api_key, version in ((999, 0), (3, 99), (71, 0)):
        with pytest.raises(ProtocolError):
            kit.broker.handle(CONNECTION, Request(api_key=api_key, api_version=version, body=body), NOW)


def test_internal_topics_are_closed_to_clients(kit: Kit) -> None:
    name = "__consumer_offsets"
    made = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name=name),))).topics[0]
    assert (made.error_code, made.is_internal, len(made.partitions)) == (0, True, 1)
    assert kit.produce(name, "a").error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    (result,) = kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name=name),))).responses
    assert result.error_code == ErrorCode.INVALID_REQUEST


# -- trouble


def test_a_failed_sync_fails_the_log_and_nothing_is_acknowledged(kit: Kit) -> None:
    kit.create("words")
    kit.create("other")
    kit.produce("words", "durable")
    token = kit.send(produce_request("words", "lost?"))
    poll = kit.send(kit.fetch_request("words", 1, max_wait_ms=500), 12)
    kit.filesystem.faults.fail_next_sync = 5
    kit.sync()
    assert produced(kit.answer(token)).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert fetched(kit.answer(poll)).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert kit.produce("words", "more").error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert kit.produce("other", "fine").error_code == 0
    assert not kit.sync(), "a failed log is never synced again"
    kit.restart()
    assert kit.values("words")[:1] == ["durable"]
    assert kit.produce("words", "again").error_code == 0


def test_a_failed_write_of_a_broken_disk_fails_the_log_and_those_who_wait(kit: Kit) -> None:
    kit.create("words")
    waiting = kit.send(produce_request("words", "a"))
    kit.filesystem.faults.fail_next_write = 5
    assert kit.produce("words", "b").error_code == ErrorCode.KAFKA_STORAGE_ERROR
    kit.sync()
    kit.collect()
    assert produced(kit.answer(waiting)).error_code == ErrorCode.KAFKA_STORAGE_ERROR


def test_disk_full_is_refused_and_recovers(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    space = kit.filesystem.available_bytes
    kit.filesystem.available_bytes = kit.config.min_free_bytes - 1
    kit.now_ms += 1_000
    refused = kit.produce("words", "b")
    assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert "disk full" in (refused.error_message or "")
    (result,) = kit.call(
        CreateTopicsRequest(topics=(CreatableTopic(name="x", num_partitions=1, replication_factor=1),))
    ).topics
    assert result.error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert kit.values("words") == ["a"], "reading goes on"
    kit.filesystem.available_bytes = space
    assert kit.produce("words", "c").error_code == 0
    assert kit.values("words") == ["a", "c"]


def test_really_no_space_leaves_the_log_whole(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    kit.filesystem.faults.fail_next_write = 28
    assert kit.produce("words", "b").error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert kit.produce("words", "c").base_offset == 1
    kit.restart(crash="drop")
    assert kit.values("words") == ["a", "c"]


def test_a_damaged_byte_in_a_closed_segment_is_reported_and_not_served(kit: Kit) -> None:
    kit.create("words", segment_bytes="200")
    for value in "abcd":
        kit.produce("words", value * 100)
    kit.broker.close(kit.now_ms)
    path = "logs/words-0/00000000000000000001.log"
    file = kit.filesystem.open(path)
    file.write_at(20, bytes([file.read_at(20, 1)[0] ^ 1]))  # inside the checksum of the batch at offset 1
    file.sync()
    kit.broker = kit._make()
    kit.open()
    assert kit.fetch("words", 0).error_code == 0
    refused = kit.fetch("words", 1)
    assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert refused.records == b""
    reason = str(kit.events.named("fetch.refused")[-1]["reason"])
    assert path.rpartition("/")[2] in reason
    assert "position 0" in reason
    assert kit.fetch("words", 2).error_code == 0


# -- start and stop


def test_a_clean_restart_scans_nothing(kit: Kit) -> None:
    kit.create("words", partitions=2)
    kit.produce("words", "a", producer=(7, 0, 0))
    kit.restart()
    assert all(event["clean"] for event in kit.events.named("log.opened")[-2:])
    assert kit.values("words") == ["a"]
    assert kit.produce("words", "a", producer=(7, 0, 0)).base_offset == 0, "known duplicates stay known"
    assert kit.produce("words", "b", producer=(7, 0, 1)).base_offset == 1


class ReadingFile:
    """A file that reports what is read."""

    def __init__(self, file: MemoryFile, read_bytes: dict[str, int]) -> None:
        self._file = file
        self._read_bytes = read_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read_at(self, position: int, length: int) -> bytes:
        data = self._file.read_at(position, length)
        self._read_bytes[self._file.path] = self._read_bytes.get(self._file.path, 0) + len(data)
        return data


class ReadingFilesystem(MemoryFilesystem):
    """Remembers how many bytes of each file were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes: dict[str, int] = {}

    def open(self, path: str, *, create: bool = False) -> Any:
        return ReadingFile(super().open(path, create=create), self.read_bytes)


def scanned(filesystem: ReadingFilesystem) -> set[str]:
    return {
        path.rpartition("/")[2]
        for path, size in filesystem.read_bytes.items()
        if path.endswith(".log") and size >= filesystem.open(path).size() > 0
    }


@pytest.mark.parametrize("durability", [Durability.SYNCED, Durability.NONE])
def test_after_an_unclean_stop_only_segments_from_the_recovery_point_on_are_scanned(durability: Durability) -> None:
    filesystem = ReadingFilesystem()
    config = BrokerConfig(durability=durability, log=LogConfig(segment_bytes=200))
    kit = Kit(filesystem=filesystem, config=config).open()
    kit.create("words")
    for value in "abcd":
        kit.produce("words", value * 100)
    kit.tick(60_000)
    kit.sync_all()
    kit.tick(60_000)
    for value in "ef":
        kit.produce("words", value * 100)
    filesystem.read_bytes.clear()
    kit.restart(crash="keep")
    assert scanned(filesystem) == {f"{base:020d}.log" for base in (4, 5)}
    assert [value[0] for value in kit.values("words")] == list("abcdef")
    filesystem.read_bytes.clear()
    kit.restart()
    assert scanned(filesystem) <= {f"{5:020d}.log"}, "of the last segment, what is behind its last index entry"


def test_in_use(kit: Kit) -> None:
    with pytest.raises(DataDirectoryError, match="in use"):
        Kit(filesystem=kit.filesystem).open()
    kit.broker.close(NOW)
    Kit(filesystem=kit.filesystem).open()


def test_a_newer_directory_is_refused(kit: Kit) -> None:
    kit.broker.close(NOW)
    kit.filesystem.replace_file("format-version", b"2\n")
    with pytest.raises(DataDirectoryError, match="version 2"):
        Kit(filesystem=kit.filesystem).open()
    kit.filesystem.replace_file("format-version", b"1\n")
    Kit(filesystem=kit.filesystem).open()


def test_not_writable() -> None:
    for failing in range(6):
        filesystem = MemoryFilesystem()
        operations = 0

        def fail(operation: str, path: str, failing: int = failing) -> None:
            nonlocal operations
            operations += 1
            if operations > failing:
                raise OSError(30, "Read-only file system", path)

        filesystem.faults.hook = fail
        with pytest.raises(StorageError, match="Read-only"):
            Kit(filesystem=filesystem).open()
        filesystem.faults.hook = None
        Kit(filesystem=filesystem).open()


def test_closing_twice_and_what_was_parked(kit: Kit) -> None:
    kit.create("words")
    write = kit.send(produce_request("words", "a"))
    poll = kit.send(kit.fetch_request("words", 1, max_wait_ms=500), 12)
    kit.broker.close(NOW)
    kit.broker.close(NOW)
    kit.collect()
    assert produced(kit.answer(write)).error_code == 0
    assert fetched(kit.answer(poll)).error_code == 0


def test_an_empty_directory_is_small_work() -> None:
    kit = Kit().open()
    assert kit.broker.pending_syncs() == ()
    assert kit.broker.next_deadline() is not None
    assert kit.filesystem.list_directory("logs") == []


@pytest.mark.parametrize("durability", list(Durability))
@pytest.mark.parametrize("seed", range(6))
def test_random_lives_lose_nothing_acknowledged_and_reorder_nothing(durability: Durability, seed: int) -> None:
    """Produce, sync, roll, checkpoint, delete records, stop and crash in any order: each log is what was sent, cut off
    at most behind what was acknowledged. Without durability that holds for kill -9, which keeps the system's memory."""
    generator = random.Random(seed)
    config = BrokerConfig(durability=durability, log=LogConfig(segment_bytes=600))
    kit = Kit(config=config, wire=bool(seed % 2), seed=seed * 1000).open()
    kit.create("words", partitions=2)
    modes = [None, "keep"] if durability is not Durability.SYNCED else [None, "keep", "drop", "tear"]
    logs: dict[int, list[str]] = {0: [], 1: []}
    starts = {0: 0, 1: 0}
    waiting: list[tuple[int, int, int]] = []
    acknowledged = {0: 0, 1: 0}
    for turn in range(120):
        action, partition = generator.random(), generator.randrange(2)
        if action < 0.6:
            logs[partition].append(f"{turn}" * generator.randrange(1, 40))
            token = kit.send(produce_request("words", logs[partition][-1], partition=partition))
            assert token is not None
            waiting.append((token, partition, len(logs[partition])))
        elif action < 0.8:
            kit.sync()
        elif action < 0.85:
            kit.tick(generator.randrange(90_000))
        elif action < 0.9:
            offset = kit.list_offset("words", -1, partition=partition)
            starts[partition] = max(starts[partition], generator.randrange(offset + 1))
            asked = DeleteRecordsPartition(partition_index=partition, offset=starts[partition])
            kit.call(DeleteRecordsRequest(topics=(DeleteRecordsTopic(name="words", partitions=(asked,)),)))
        for token, index, end in waiting:
            answer = kit.answer(token)
            if answer is not None:
                assert produced(answer).base_offset == end - 1
                acknowledged[index] = max(acknowledged[index], end)
        waiting = [entry for entry in waiting if kit.answer(entry[0]) is None]
        if action >= 0.93:
            mode = generator.choice(modes)
            if mode is None:
                acknowledged = {index: len(sent) for index, sent in logs.items()}
            kit.restart(crash=mode)
            waiting = []
            for index, sent in logs.items():
                start = kit.list_offset("words", -2, partition=index)
                found = kit.values("words", partition=index)
                assert start <= starts[index]
                assert found == sent[start : start + len(found)]
                assert start + len(found) >= acknowledged[index]
                logs[index], starts[index] = sent[: start + len(found)], start
                acknowledged[index] = len(logs[index])
