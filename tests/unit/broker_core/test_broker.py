"""The whole broker on a disk in memory: produce, fetch, topics; every test also with every message through its bytes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from broker_core.broker import NoReply, SyncResult
from broker_core.config import BrokerConfig, Durability, LogConfig
from broker_core.errors import DataDirectoryError, ErrorCode, ProtocolError, StorageError
from broker_core.memory_filesystem import MemoryFile, MemoryFilesystem
from broker_core.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.protocol.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.framing import Request
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.unit.broker_core.broker_kit import CONNECTION, NOW, Kit, fetched, produce_request, produced


@pytest.fixture(params=[False, True], ids=["values", "bytes"])
def kit(request: pytest.FixtureRequest) -> Kit:
    return Kit(wire=request.param).open()


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


def test_acks_0_is_not_answered_and_tells_failure_by_closing(kit: Kit) -> None:
    kit.create("words")
    assert kit.send(produce_request("words", "a", acks=0)) is None
    kit.sync_all()
    assert kit.values("words") == ["a"]
    bad = produce_request("words", "a", acks=0, partition=9)
    outcome = kit.broker.handle(CONNECTION, Request(api_key=0, api_version=9, body=bad), NOW)
    assert outcome == NoReply(failed=True)


def test_other_acks_are_refused(kit: Kit) -> None:
    kit.create("words")
    assert kit.produce("words", "a", acks=2).error_code == ErrorCode.INVALID_REQUIRED_ACKS


def test_a_long_poll_ends_when_data_comes(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    assert kit.answer(token) is None
    assert kit.broker.next_deadline() == NOW + 500
    kit.send(produce_request("words", "a"))
    assert kit.answer(token) is None, "not yet durable"
    kit.sync()
    assert fetched(kit.answer(token)).high_watermark == 1


def test_a_long_poll_ends_at_its_deadline(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    kit.tick(499)
    assert kit.answer(token) is None
    kit.tick(1)
    assert fetched(kit.answer(token)).records == b""


def test_a_long_poll_waits_for_min_bytes(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", max_wait_ms=500, min_bytes=150), 12)
    kit.produce("words", "a")
    assert kit.answer(token) is None
    kit.produce("words", "b" * 100)
    assert len(fetched(kit.answer(token)).records or b"") >= 150


def test_an_error_is_not_waited_with(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", 5, max_wait_ms=500), 12)
    assert fetched(kit.answer(token)).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    token = kit.send(kit.fetch_request("nothing", max_wait_ms=500), 12)
    assert fetched(kit.answer(token)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_deleting_a_topic_ends_its_long_polls_and_writes(kit: Kit) -> None:
    kit.create("words")
    poll = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    write = kit.send(produce_request("words", "a"))
    (result,) = kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),))).responses
    assert result.error_code == 0
    assert fetched(kit.answer(poll)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert produced(kit.answer(write)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert kit.filesystem.list_directory("logs") == []


def test_a_topic_deleted_during_a_sync_wave_and_made_anew(kit: Kit) -> None:
    kit.create("words")
    kit.send(produce_request("words", "old"))
    wave = kit.broker.pending_syncs()
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),)))
    kit.create("words")
    token = kit.send(produce_request("words", "new"))
    kit.broker.synced(SyncResult(done=wave), kit.now_ms)
    kit.collect()
    assert kit.answer(token) is None, "the old wave says nothing about the new log"
    kit.sync()
    assert produced(kit.answer(token)).error_code == 0
    assert kit.values("words") == ["new"]
    kit.restart()
    assert kit.values("words") == ["new"]


def test_fetch_by_topic_id(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    topic_id = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="words"),))).topics[0].topic_id
    by_name = kit.fetch_request("words")
    topic = by_name.topics[0]
    by_id = type(by_name)(
        min_bytes=1, max_bytes=1000, topics=(type(topic)(topic_id=topic_id, partitions=topic.partitions),)
    )
    response = kit.call(by_id, 17)
    assert response.responses[0].topic_id == topic_id
    assert fetched(response).high_watermark == 1
    unknown = type(by_name)(max_bytes=1000, topics=(type(topic)(topic_id=UUID(int=5), partitions=topic.partitions),))
    assert fetched(kit.call(unknown, 17)).error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_leader_epochs_fence(kit: Kit) -> None:
    kit.create("words")
    epoch = kit.call(MetadataRequest(topics=None)).topics[0].partitions[0].leader_epoch
    assert kit.fetch("words", epoch=epoch).error_code == 0
    assert kit.fetch("words", epoch=epoch - 1).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert kit.fetch("words", epoch=epoch + 1).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
    kit.restart()
    assert kit.call(MetadataRequest(topics=None)).topics[0].partitions[0].leader_epoch == epoch + 1


def test_fetch_respects_the_limit_over_all_partitions_but_returns_one_batch(kit: Kit) -> None:
    kit.create("words", partitions=2)
    for partition in (0, 1):
        kit.produce("words", "x" * 1000, partition=partition)
    one = kit.fetch_request("words", max_bytes=1)
    topic = one.topics[0]
    partitions = tuple(type(topic.partitions[0])(partition=index, partition_max_bytes=1 << 20) for index in (1, 0))
    both = type(one)(min_bytes=1, max_bytes=100, topics=(type(topic)(topic="words", partitions=partitions),))
    first, second = kit.call(both, 12).responses[0].partitions
    assert first.partition_index == 1
    assert len(first.records) > 1000
    assert second.records == b""
    assert second.high_watermark == 1


def test_list_offsets(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    kit.now_ms += 10
    kit.produce("words", "b")
    assert kit.list_offset("words", -1) == 2
    assert kit.list_offset("words", -2) == 0
    assert kit.list_offset("words", -3) == 1
    assert kit.list_offset("words", -4) == 0
    assert kit.list_offset("words", -5) == -1
    assert kit.list_offset("words", NOW) == 0
    assert kit.list_offset("words", NOW + 1) == 1
    assert kit.list_offset("words", NOW + 11) == -1


def test_an_idempotent_producer_is_deduplicated_also_while_the_first_is_not_durable(kit: Kit) -> None:
    kit.create("words")
    request = produce_request("words", "a", "b", producer=(7, 0, 0))
    first, again = kit.send(request), kit.send(request)
    assert kit.answer(again) is None
    kit.sync()
    assert produced(kit.answer(first)).base_offset == produced(kit.answer(again)).base_offset == 0
    gap = kit.produce("words", "d", producer=(7, 0, 3))
    assert gap.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert kit.values("words") == ["a", "b"]


def test_a_damaged_batch_is_refused_and_leaves_nothing(kit: Kit) -> None:
    kit.create("words")
    request = produce_request("words", "abc")
    records = request.topic_data[0].partition_data[0].records
    assert records is not None
    data = type(request.topic_data[0].partition_data[0])(index=0, records=records[:-1] + b"?")
    bad = type(request)(acks=-1, topic_data=(type(request.topic_data[0])(name="words", partition_data=(data,)),))
    assert produced(kit.call(bad)).error_code == ErrorCode.CORRUPT_MESSAGE
    assert kit.list_offset("words", -1) == 0


def test_topics_are_made_on_the_way_where_allowed(kit: Kit) -> None:
    asked = MetadataRequest(topics=(MetadataRequestTopic(name="one"),), allow_auto_topic_creation=False)
    assert kit.call(asked).topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    made = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="one"),))).topics[0]
    assert (made.error_code, len(made.partitions)) == (0, 4)
    assert kit.produce("two", "a").base_offset == 0
    bad = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="a/b"),))).topics[0]
    assert bad.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


def test_topics_are_not_made_on_the_way_where_forbidden() -> None:
    kit = Kit(config=BrokerConfig(auto_create_topics=False)).open()
    missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="one"),))).topics[0].error_code == missing
    assert kit.produce("two", "a").error_code == missing


def test_create_partitions(kit: Kit) -> None:
    kit.create("words", partitions=2)
    for count, code in ((2, ErrorCode.INVALID_PARTITIONS), (3, ErrorCode.NONE)):
        asked = CreatePartitionsTopic(name="words", count=count, assignments=None)
        (result,) = kit.call(CreatePartitionsRequest(topics=(asked,))).results
        assert result.error_code == code
    assert kit.produce("words", "a", partition=2).error_code == 0
    kit.restart()
    assert kit.values("words", partition=2) == ["a"]


def test_create_topics_answers_each(kit: Kit) -> None:
    kit.create("old")

    def topic(name: str, partitions: int = -1, replicas: int = -1) -> CreatableTopic:
        return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas)

    asked = (topic("old"), topic("a/b"), topic("new"), topic("x", 0), topic("y", 1, 3), topic("z"), topic("z"))
    results = kit.call(CreateTopicsRequest(topics=asked)).topics
    assert [result.error_code for result in results] == [
        ErrorCode.TOPIC_ALREADY_EXISTS,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        ErrorCode.NONE,
        ErrorCode.INVALID_PARTITIONS,
        ErrorCode.INVALID_REPLICATION_FACTOR,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_REQUEST,
    ]
    assert results[2].num_partitions == 4
    assert results[2].topic_id.int
    dry = kit.call(CreateTopicsRequest(topics=(topic("dry"),), validate_only=True)).topics[0]
    assert dry.error_code == 0
    names = {found.name for found in kit.call(MetadataRequest(topics=None)).topics}
    assert names == {"old", "new"}


def test_delete_records(kit: Kit) -> None:
    kit.create("words", segment_bytes="200")
    for value in "abcdef":
        kit.produce("words", value * 50)

    def delete(offset: int) -> tuple[int, int]:
        asked = DeleteRecordsPartition(partition_index=0, offset=offset)
        body = DeleteRecordsRequest(topics=(DeleteRecordsTopic(name="words", partitions=(asked,)),))
        result = kit.call(body).topics[0].partitions[0]
        return result.error_code, result.low_watermark

    assert delete(3) == (0, 3)
    assert delete(99) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
    assert kit.fetch("words", 2).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert kit.list_offset("words", -2) == 3
    kit.restart()
    assert kit.list_offset("words", -2) == 3
    assert delete(-1) == (0, 6)
    assert kit.values("words") == []


def test_delete_topics_by_name_and_id(kit: Kit) -> None:
    kit.create("one")
    kit.create("two")
    topic_id = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="two"),))).topics[0].topic_id
    body = DeleteTopicsRequest(
        topics=(DeleteTopicState(name="one"), DeleteTopicState(topic_id=topic_id), DeleteTopicState(name="three"))
    )
    codes = [result.error_code for result in kit.call(body).responses]
    assert codes == [0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    kit.create("three")
    assert kit.call(DeleteTopicsRequest(topic_names=("three",)), 5).responses[0].error_code == 0
    assert kit.call(MetadataRequest(topics=None)).topics == ()


def test_a_topic_made_anew_starts_at_0(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "old")
    kit.restart()
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),)))
    kit.create("words")
    kit.restart(crash="drop")
    assert kit.values("words") == []
    assert kit.produce("words", "new").base_offset == 0


def test_unknown_apis_and_versions(kit: Kit) -> None:
    body = MetadataRequest(topics=None)
    for api_key, version in ((999, 0), (3, 99), (27, 1)):
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


def test_a_topic_that_could_not_be_made_is_not_there(kit: Kit) -> None:
    for failing in range(12):
        operations = 0

        def fail(operation: str, path: str, failing: int = failing) -> None:
            nonlocal operations
            operations += 1
            if operations == failing + 1:
                raise OSError(28, "No space left on device", path)

        kit.filesystem.faults.hook = fail
        topic = CreatableTopic(name=f"t{failing}", num_partitions=2, replication_factor=1)
        (result,) = kit.call(CreateTopicsRequest(topics=(topic,))).topics
        kit.filesystem.faults.hook = None
        assert result.error_code == ErrorCode.KAFKA_STORAGE_ERROR
        kit.create(f"t{failing}", partitions=2)
        assert kit.produce(f"t{failing}", "a", partition=1).error_code == 0
    kit.restart(crash="drop")
    assert all(kit.values(f"t{failing}", partition=1) == ["a"] for failing in range(12))


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
