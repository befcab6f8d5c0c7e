"""DescribeLogDirs: sizes of partitions as they are on disk, in the one directory."""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.protocol.describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest
from tests.unit.broker_core.broker_kit import Kit


def sizes(result: Any) -> dict[tuple[str, int], int]:
    return {
        (topic.name, partition.partition_index): partition.partition_size
        for topic in result.topics
        for partition in topic.partitions
    }


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_null_asks_for_all(kit: Kit, version: int) -> None:
    kit.create("words", partitions=2)
    kit.produce("words", "a", "b")
    (result,) = kit.call(DescribeLogDirsRequest(topics=None), version).results
    on_disk = len(kit.filesystem.read_file("logs/words-0/00000000000000000000.log"))
    assert sizes(result) == {("words", 0): on_disk, ("words", 1): 0}
    assert (result.error_code, result.log_dir) == (0, kit.filesystem.root)
    if version >= 4:
        assert 0 < result.usable_bytes <= result.total_bytes


def test_what_is_not_here_is_left_out(kit: Kit) -> None:
    kit.create("words", partitions=2)
    asked = (
        DescribableLogDirTopic(topic="words", partitions=(1, 7)),
        DescribableLogDirTopic(topic="nothing", partitions=(0,)),
    )
    (result,) = kit.call(DescribeLogDirsRequest(topics=asked)).results
    assert sizes(result) == {("words", 1): 0}
    (result,) = kit.call(DescribeLogDirsRequest(topics=())).results
    assert result.topics == ()
