"""EndTxn (API key 26): commits or aborts a transaction.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 3.

Request:
- Version 2 adds the support for new error code PRODUCER_FENCED.
- Version 4 adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
- Version 5 enables bumping epoch on every transaction (KIP-890 Part 2)

Response:
- Version 5 enables bumping epoch on every transaction (KIP-890 Part 2), so producer ID and epoch are included in
  the response.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int16, Int32, Int64, String, Struct


class EndTxnRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 26
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    transactional_id: String = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    committed: Bool = False


class EndTxnResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 26
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    producer_id: Annotated[Int64, Field(since=5, ignorable=True)] = -1
    producer_epoch: Annotated[Int16, Field(since=5, ignorable=True)] = -1
