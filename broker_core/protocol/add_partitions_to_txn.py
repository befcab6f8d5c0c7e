"""AddPartitionsToTxn (API key 24): adds partitions to a transaction.

Owns the two message classes, nothing else. Versions 0 to 3, flexible from 3.

Request:
- Version 2 adds the support for new error code PRODUCER_FENCED.
- Versions 3 and below will be exclusively used by clients and versions 4 and above will be used by brokers.
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Int16, Int32, Int64, String, Struct


class AddPartitionsToTxnTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[Int32, ...] = ()


class AddPartitionsToTxnRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 24
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 3

    v3_and_below_transactional_id: String = ""
    v3_and_below_producer_id: Int64 = 0
    v3_and_below_producer_epoch: Int16 = 0
    v3_and_below_topics: tuple[AddPartitionsToTxnTopic, ...] = ()


class AddPartitionsToTxnPartitionResult(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    partition_error_code: Int16 = 0


class AddPartitionsToTxnTopicResult(Struct, frozen=True, kw_only=True):
    name: String = ""
    results_by_partition: tuple[AddPartitionsToTxnPartitionResult, ...] = ()


class AddPartitionsToTxnResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 24
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 3

    throttle_time_ms: Int32 = 0
    results_by_topic_v3_and_below: tuple[AddPartitionsToTxnTopicResult, ...] = ()
