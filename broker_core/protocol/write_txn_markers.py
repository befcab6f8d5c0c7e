"""WriteTxnMarkers (API key 27): writes commit or abort markers into partitions.

Owns the two message classes, nothing else. Versions 1, flexible from 1.
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Bool, Int16, Int32, Int64, String, Struct


class WritableTxnMarkerTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_indexes: tuple[Int32, ...] = ()


class WritableTxnMarker(Struct, frozen=True, kw_only=True):
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    transaction_result: Bool = False
    """The result of the transaction to write to the partitions (false = ABORT, true = COMMIT)."""
    topics: tuple[WritableTxnMarkerTopic, ...] = ()
    coordinator_epoch: Int32 = 0
    """Epoch associated with the transaction state partition hosted by this transaction coordinator."""


class WriteTxnMarkersRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 27
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    markers: tuple[WritableTxnMarker, ...] = ()


class WritableTxnMarkerPartitionResult(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0


class WritableTxnMarkerTopicResult(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[WritableTxnMarkerPartitionResult, ...] = ()


class WritableTxnMarkerResult(Struct, frozen=True, kw_only=True):
    producer_id: Int64 = 0
    topics: tuple[WritableTxnMarkerTopicResult, ...] = ()


class WriteTxnMarkersResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 27
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    markers: tuple[WritableTxnMarkerResult, ...] = ()
