"""AddOffsetsToTxn: adds the offsets partition, for known producers."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer


def test_known_and_unknown_producers(kit: Kit) -> None:
    producer = TransactionalProducer(kit)
    producer.init()

    def add(epoch: int, group: str = "g") -> int:
        body = AddOffsetsToTxnRequest(
            transactional_id="tx", producer_id=producer.producer_id, producer_epoch=epoch, group_id=group
        )
        return int(kit.call(body, 3).error_code)

    assert add(producer.epoch) == 0
    assert add(producer.epoch - 1) == ErrorCode.PRODUCER_FENCED
    assert add(producer.epoch, "") == ErrorCode.INVALID_GROUP_ID
