"""TxnOffsetCommit (API key 28): commits offsets as part of a transaction.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 3.

Request:
- Version 2 adds the committed leader epoch.
- Version 3 adds the member.id, group.instance.id and generation.id.
- Version 4 adds support for new error code TRANSACTION_ABORTABLE (KIP-890).

Response:
- Version 3 adds illegal generation, fenced instance id, and unknown member id errors.
- Version 5 is the same with version 3 (KIP-890).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, String, Struct


class TxnOffsetCommitRequestPartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, Field(since=2, ignorable=True)] = -1
    committed_metadata: Annotated[String | None, Field(nullable=0)] = ""


class TxnOffsetCommitRequestTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[TxnOffsetCommitRequestPartition, ...] = ()


class TxnOffsetCommitRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 28
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    transactional_id: String = ""
    group_id: String = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    generation_id: Annotated[Int32, Field(since=3)] = -1
    member_id: Annotated[String, Field(since=3)] = ""
    group_instance_id: Annotated[String | None, Field(since=3, nullable=3)] = None
    topics: tuple[TxnOffsetCommitRequestTopic, ...] = ()


class TxnOffsetCommitResponsePartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0


class TxnOffsetCommitResponseTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[TxnOffsetCommitResponsePartition, ...] = ()


class TxnOffsetCommitResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 28
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    throttle_time_ms: Int32 = 0
    topics: tuple[TxnOffsetCommitResponseTopic, ...] = ()
