"""A full disk: the broker stays readable and its settings can be changed; with space it writes again by itself."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.protocol.delete_topics import DeleteTopicsRequest
from broker_core.protocol.metadata import MetadataRequest
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset
from tests.unit.broker_core.handlers.test_alter_configs import alter, resource

WORDS = TopicPartition("words", 0)


def commit(kit: Kit, offset: int) -> int:
    asked = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset)
    body = OffsetCommitRequest(group_id="g", topics=(OffsetCommitRequestTopic(name="words", partitions=(asked,)),))
    return int(kit.call(body).topics[0].partitions[0].error_code)


def test_a_full_disk_refuses_writes_and_nothing_else() -> None:
    kit = Kit().open()
    kit.create("words")
    kit.create("old")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    assert producer.add(WORDS) == [0]
    assert producer.produce(WORDS, "a") == 0
    assert commit(kit, 1) == 0

    kit.filesystem.available_bytes = 100 * 1024 * 1024
    kit.now_ms += 5_000
    refused = kit.produce("words", "b")
    assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert "100 MiB free" in (refused.error_message or "")
    assert commit(kit, 2) == ErrorCode.KAFKA_STORAGE_ERROR
    topic = CreatableTopic(name="new", num_partitions=1, replication_factor=1)
    assert kit.call(CreateTopicsRequest(topics=(topic,))).topics[0].error_code == ErrorCode.KAFKA_STORAGE_ERROR

    assert kit.values("words") == ["a"], "readable"
    assert len(kit.call(MetadataRequest(topics=None)).topics) == 4
    assert committed_offset(kit, "g", WORDS) == (0, 1)
    assert producer.end(commit=True) == 0, "what is under way is finished, from the reserve"
    kit.sync_all()
    assert kit.values("words", committed=True) == ["a"]
    assert alter(kit, resource("words", retention_ms="1000")) == [0]
    assert kit.call(DeleteTopicsRequest(topic_names=("old",)), 5).responses[0].error_code == 0

    kit.filesystem.available_bytes = 1024 * 1024 * 1024
    assert kit.produce("words", "b").error_code == 0, "at once, without a restart"
    assert commit(kit, 2) == 0
    kit.restart(crash="drop")
    assert kit.values("words") == ["a", "b"]
    assert committed_offset(kit, "g", WORDS) == (0, 2)
