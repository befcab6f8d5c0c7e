"""ListTransactions (API key 66): lists the transactions that a broker coordinates.

Owns the two message classes, nothing else. Versions 0 to 1, flexible from 0.

Request:
- Version 1: adds DurationFilter to list transactions older than specified duration
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, String, Struct


class ListTransactionsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 66
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    state_filters: tuple[String, ...] = ()
    """The transaction states to filter by: if empty, all transactions are returned; if non-empty, then only
    transactions matching one of the filtered states will be returned.
    """
    producer_id_filters: tuple[Int64, ...] = ()
    """The producerIds to filter by: if empty, all transactions will be returned; if non-empty, only transactions
    which match one of the filtered producerIds will be returned.
    """
    duration_filter: Annotated[Int64, Field(since=1)] = -1
    """Duration (in millis) to filter by: if < 0, all transactions will be returned; otherwise, only transactions
    running longer than this duration will be returned.
    """


class TransactionState(Struct, frozen=True, kw_only=True):
    transactional_id: String = ""
    producer_id: Int64 = 0
    transaction_state: String = ""


class ListTransactionsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 66
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    unknown_state_filters: tuple[String, ...] = ()
    """Set of state filters provided in the request which were unknown to the transaction coordinator."""
    transaction_states: tuple[TransactionState, ...] = ()
