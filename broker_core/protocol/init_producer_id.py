"""InitProducerId (API key 22): hands out a producer id and epoch, fencing older owners of a transactional id.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 2.

Request:
- Version 3 adds ProducerId and ProducerEpoch, allowing producers to try to resume after an INVALID_PRODUCER_EPOCH
  error
- Version 4 adds the support for new error code PRODUCER_FENCED.
- Version 5 adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, String, Struct


class InitProducerIdRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 22
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 2

    transactional_id: Annotated[String | None, Field(nullable=0)] = ""
    transaction_timeout_ms: Int32 = 0
    """The time in ms to wait before aborting idle transactions sent by this producer. This is only relevant if a
    TransactionalId has been defined.
    """
    producer_id: Annotated[Int64, Field(since=3)] = -1
    """The producer id. This is used to disambiguate requests if a transactional id is reused following its
    expiration.
    """
    producer_epoch: Annotated[Int16, Field(since=3)] = -1
    """The producer's current epoch. This will be checked against the producer epoch on the broker, and the request
    will return an error if they do not match.
    """


class InitProducerIdResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 22
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    producer_id: Int64 = -1
    producer_epoch: Int16 = 0
