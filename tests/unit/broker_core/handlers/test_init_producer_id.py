"""InitProducerId: ids for plain producers at once, for transactional ones when durable."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer


def test_a_plain_producer_gets_an_id_that_nobody_had(kit: Kit) -> None:
    seen = [kit.call(InitProducerIdRequest(transactional_id=None), 4).producer_id for _ in range(3)]
    kit.restart(crash="drop")
    seen += [kit.call(InitProducerIdRequest(transactional_id=None), 4).producer_id for _ in range(3)]
    assert len(set(seen)) == 6


def test_a_transactional_producer_waits_for_its_record(kit: Kit) -> None:
    token = kit.send(InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=1_000), 4)
    assert kit.answer(token) is None
    kit.sync()
    first = kit.answer(token)
    assert (first.error_code, first.producer_epoch) == (0, 0)
    kit.restart(crash="drop")
    again = TransactionalProducer(kit)
    assert again.init() == 0
    assert (again.producer_id, again.epoch) == (first.producer_id, 1)


def test_a_timeout_beyond_the_limit_is_refused(kit: Kit) -> None:
    body = InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=16 * 60_000)
    assert kit.call(body, 4).error_code == ErrorCode.INVALID_TRANSACTION_TIMEOUT
