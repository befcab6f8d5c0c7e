"""CreatePartitions: counts only grow."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from tests.unit.broker_core.broker_kit import Kit


def test_create_partitions(kit: Kit) -> None:
    kit.create("words", partitions=2)
    for count, code in ((2, ErrorCode.INVALID_PARTITIONS), (3, ErrorCode.NONE)):
        asked = CreatePartitionsTopic(name="words", count=count, assignments=None)
        (result,) = kit.call(CreatePartitionsRequest(topics=(asked,))).results
        assert result.error_code == code
    assert kit.produce("words", "a", partition=2).error_code == 0
    kit.restart()
    assert kit.values("words", partition=2) == ["a"]
