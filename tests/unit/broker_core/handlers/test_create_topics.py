"""CreateTopics: each topic succeeds or fails by itself, and a failed one leaves nothing."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.protocol.metadata import MetadataRequest
from tests.unit.broker_core.broker_kit import Kit


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
