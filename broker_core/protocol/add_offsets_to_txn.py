"""AddOffsetsToTxn (API key 25): adds a group's offsets to a transaction.

Owns the two message classes, nothing else. Versions 0 to 4, flexible from 3.

Request:
- Version 2 adds the support for new error code PRODUCER_FENCED.
- Version 4 adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Int16, Int32, Int64, String, Struct


class AddOffsetsToTxnRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 25
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    transactional_id: String = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    group_id: String = ""


class AddOffsetsToTxnResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 25
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
