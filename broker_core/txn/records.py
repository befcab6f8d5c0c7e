"""Records of ``__transaction_state``: the key and value classes and their translation to ``Transaction``.

Byte layout: docs/formats/coordinator_records.md; it is Kafka's ``TransactionLogKey`` and ``TransactionLogValue``.
Values are written in version 1, whose tagged fields keep the previous and next producer ids over a restart.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from broker_core.decision import CoordinatorRecord
from broker_core.model import NO_PRODUCER_ID, TopicPartition
from broker_core.protocol.schema import (
    NEVER_FLEXIBLE,
    Field,
    Int8,
    Int16,
    Int32,
    Int64,
    String,
    Struct,
    decode_versioned,
    encode_versioned,
)
from broker_core.txn.states import TransactionState
from broker_core.txn.transaction import Transaction

KEY_VERSION: Final = 0
VALUE_VERSION: Final = 1


class TransactionLogKey(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    transactional_id: String = ""


class PartitionsSchema(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partition_ids: tuple[Int32, ...] = ()


class TransactionLogValue(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    producer_id: Int64 = 0
    previous_producer_id: Annotated[Int64, Field(since=1, tag=0, ignorable=True)] = NO_PRODUCER_ID
    next_producer_id: Annotated[Int64, Field(since=1, tag=1, ignorable=True)] = NO_PRODUCER_ID
    producer_epoch: Int16 = 0
    transaction_timeout_ms: Int32 = 0
    transaction_status: Int8 = 0
    transaction_partitions: Annotated[tuple[PartitionsSchema, ...] | None, Field(nullable=0)] = ()
    """Null in the state Empty."""
    transaction_last_update_timestamp_ms: Int64 = 0
    transaction_start_timestamp_ms: Int64 = 0
    client_transaction_version: Annotated[Int16, Field(since=1, tag=2, ignorable=True)] = 0


def to_record(transaction: Transaction) -> CoordinatorRecord:
    """The record that makes ``transaction`` the state of its transactional id."""
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(transaction.partitions):
        by_topic.setdefault(topic, []).append(partition)
    partitions = tuple(PartitionsSchema(topic=topic, partition_ids=tuple(ids)) for topic, ids in by_topic.items())
    value = TransactionLogValue(
        producer_id=transaction.producer_id,
        previous_producer_id=transaction.previous_producer_id,
        next_producer_id=transaction.next_producer_id,
        producer_epoch=transaction.producer_epoch,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_status=transaction.state,
        transaction_partitions=None if transaction.state is TransactionState.EMPTY else partitions,
        transaction_last_update_timestamp_ms=transaction.updated_ms,
        transaction_start_timestamp_ms=transaction.started_ms,
        client_transaction_version=transaction.client_version,
    )
    key = TransactionLogKey(transactional_id=transaction.transactional_id)
    return CoordinatorRecord(encode_versioned(key, KEY_VERSION), encode_versioned(value, VALUE_VERSION))


def to_tombstone(transactional_id: str) -> CoordinatorRecord:
    """The record that makes the coordinator forget the id."""
    key = TransactionLogKey(transactional_id=transactional_id)
    return CoordinatorRecord(encode_versioned(key, KEY_VERSION), None)


def read_key(key: bytes) -> str:
    """The transactional id. Raises ``ProtocolError``."""
    return decode_versioned(TransactionLogKey, key).transactional_id


def read_value(transactional_id: str, value: bytes) -> Transaction:
    """The twin of ``to_record``. Raises ``ProtocolError``."""
    stored = decode_versioned(TransactionLogValue, value)
    return Transaction(
        transactional_id=transactional_id,
        producer_id=stored.producer_id,
        producer_epoch=stored.producer_epoch,
        previous_producer_id=stored.previous_producer_id,
        next_producer_id=stored.next_producer_id,
        timeout_ms=stored.transaction_timeout_ms,
        state=TransactionState(stored.transaction_status),
        partitions=frozenset(
            TopicPartition(entry.topic, partition)
            for entry in stored.transaction_partitions or ()
            for partition in entry.partition_ids
        ),
        started_ms=stored.transaction_start_timestamp_ms,
        updated_ms=stored.transaction_last_update_timestamp_ms,
        client_version=stored.client_transaction_version,
    )
