"""DeleteRecords: the start moves, and stays moved."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from tests.unit.broker_core.broker_kit import Kit


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
