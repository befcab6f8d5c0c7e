"""DescribeTransactions (API key 65): shows transactions by transactional id.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Int16, Int32, Int64, String, Struct


class DescribeTransactionsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 65
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    transactional_ids: tuple[String, ...] = ()
    """Array of transactionalIds to include in describe results. If empty, then no results will be returned."""


class TopicData(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partitions: tuple[Int32, ...] = ()


class TransactionState(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    transactional_id: String = ""
    transaction_state: String = ""
    transaction_timeout_ms: Int32 = 0
    transaction_start_time_ms: Int64 = 0
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    topics: tuple[TopicData, ...] = ()
    """The set of partitions included in the current transaction (if active). When a transaction is preparing to
    commit or abort, this will include only partitions which do not have markers.
    """


class DescribeTransactionsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 65
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    transaction_states: tuple[TransactionState, ...] = ()
