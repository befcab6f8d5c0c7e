"""Metadata: topics, leaders, and topics made on the way."""

from __future__ import annotations

from broker_core.config import BrokerConfig
from broker_core.errors import ErrorCode
from broker_core.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.unit.broker_core.broker_kit import Kit


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


def test_leader_epochs_fence(kit: Kit) -> None:
    kit.create("words")
    epoch = kit.call(MetadataRequest(topics=None)).topics[0].partitions[0].leader_epoch
    assert kit.fetch("words", epoch=epoch).error_code == 0
    assert kit.fetch("words", epoch=epoch - 1).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert kit.fetch("words", epoch=epoch + 1).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
    kit.restart()
    assert kit.call(MetadataRequest(topics=None)).topics[0].partitions[0].leader_epoch == epoch + 1


def test_what_is_kept_is_made_anew_when_the_catalog_changes(kit: Kit) -> None:
    kit.create("words")

    def partitions() -> dict[str, int]:
        return {topic.name: len(topic.partitions) for topic in kit.call(MetadataRequest(topics=None)).topics}

    assert partitions() == partitions() == {"words": 1}
    kit.create("more", partitions=3)
    assert partitions() == {"words": 1, "more": 3}
    grow = CreatePartitionsTopic(name="words", count=2, assignments=None)
    assert kit.call(CreatePartitionsRequest(topics=(grow,), timeout_ms=1)).results[0].error_code == 0
    assert partitions() == {"words": 2, "more": 3}
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="more"),)))
    assert partitions() == {"words": 2}
    kit.restart()
    (topic,) = kit.call(MetadataRequest(topics=None)).topics
    assert {found.leader_epoch for found in topic.partitions} == {2}
