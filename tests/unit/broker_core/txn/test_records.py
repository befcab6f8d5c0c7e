"""The bytes of ``__transaction_state`` are Kafka's."""

import pytest

from broker_core.errors import ProtocolError
from broker_core.model import TopicPartition
from broker_core.txn.records import read_key, read_value, to_record
from broker_core.txn.states import TransactionState
from broker_core.txn.transaction import Transaction
from tests.unit.broker_core.log.documents import hex_example

ONGOING = Transaction(
    transactional_id="t1",
    producer_id=7,
    producer_epoch=3,
    timeout_ms=60_000,
    state=TransactionState.ONGOING,
    partitions=frozenset({TopicPartition("out", 2), TopicPartition("out", 0), TopicPartition("a", 1)}),
    started_ms=256,
    updated_ms=257,
)


def test_bytes_of_the_worked_example() -> None:
    """The example of docs/formats/coordinator_records.md, byte by byte."""
    page = "coordinator_records.md"
    assert to_record(ONGOING) == (hex_example(page, 4), hex_example(page, 5))


def test_an_empty_transaction_has_no_partitions_array() -> None:
    value = to_record(Transaction(transactional_id="t", producer_id=1, producer_epoch=0, timeout_ms=5)).value
    assert value is not None
    assert value[16:18] == b"\0\0"  # Empty, null


@pytest.mark.parametrize("state", [TransactionState.ONGOING, TransactionState.PREPARE_COMMIT])
def test_round_trip(state: TransactionState) -> None:
    written = Transaction(
        transactional_id="t",
        producer_id=9,
        producer_epoch=32_767,
        previous_producer_id=8,
        next_producer_id=10,
        timeout_ms=1,
        state=state,
        partitions=ONGOING.partitions,
        started_ms=1,
        updated_ms=2,
        client_version=2,
    )
    key, value = to_record(written)
    assert value is not None
    assert read_value(read_key(key), value) == written


def test_version_0_is_read() -> None:
    """What Kafka writes without flexible records."""
    value = bytes.fromhex("0000 0000000000000007 0003 0000ea60 04 00000000 0000000000000101 0000000000000100")
    found = read_value("t1", value)
    assert (found.producer_id, found.state, found.previous_producer_id) == (7, TransactionState.COMPLETE_COMMIT, -1)


def test_garbage_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        read_value("t", b"\0\x01\0")
    with pytest.raises(ProtocolError):
        read_key(b"\0\x09\0\0")
