"""Annotations become slots: presence, nulls and the smallest size that counts are checked against."""

from __future__ import annotations

from broker_core.protocol.fetch import FetchPartition, FetchResponse, FetchTopic, PartitionData
from broker_core.protocol.layout import ArrayOf, StructOf, layout, smallest_size
from broker_core.protocol.primitives import Primitive


def test_slots_say_what_a_version_has() -> None:
    names = {version: [slot.name for slot in layout(FetchTopic, version) if slot.present] for version in (4, 12, 13)}
    assert names == {4: ["topic", "partitions"], 12: ["topic", "partitions"], 13: ["topic_id", "partitions"]}
    tagged = [slot.name for slot in layout(PartitionData, 17) if slot.tag is not None]
    assert tagged == ["diverging_epoch", "current_leader", "snapshot_id"]
    (responses,) = (slot for slot in layout(FetchResponse, 17) if slot.name == "responses")
    assert isinstance(responses.type, ArrayOf) and isinstance(responses.type.item, StructOf)
    aborted = next(slot for slot in layout(PartitionData, 4) if slot.name == "aborted_transactions")
    assert aborted.nullable and aborted.default == ()


def test_smallest_sizes() -> None:
    assert smallest_size(StructOf(FetchPartition), 4, False) == 4 + 8 + 4
    assert smallest_size(StructOf(FetchPartition), 17, True) == 4 + 4 + 8 + 4 + 8 + 4 + 1
    assert smallest_size(StructOf(FetchTopic), 4, False) == 2 + 4
    assert smallest_size(StructOf(FetchTopic), 13, True) == 16 + 1 + 1
    assert smallest_size(Primitive("bytes"), 0, False) == 4
    assert smallest_size(StructOf(FetchPartition), 4, False, nullable=True) == 1
