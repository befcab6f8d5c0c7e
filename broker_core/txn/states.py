"""The states of a transactional id and the legal steps between them, as one table.

Owns nothing else: what a request does in which state is decided in the modules named after the requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class TransactionState(IntEnum):
    """Kafka's states; the numbers are ``transaction_status`` in ``__transaction_state``."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5
    DEAD = 6
    PREPARE_EPOCH_FENCE = 7
    """Known for reading only: Kafka never logs it, and fencing here goes straight to ``PREPARE_ABORT``."""

    @property
    def is_prepared(self) -> bool:
        """Ended but for the markers."""
        return self in {TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT}

    @property
    def is_settled(self) -> bool:
        """No transaction is open or ending."""
        return self in {TransactionState.EMPTY, TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT}


_AFTER_SETTLED: Final = frozenset(
    {
        TransactionState.EMPTY,  # InitProducerId
        TransactionState.ONGOING,  # a partition is added
        TransactionState.PREPARE_ABORT,  # EndTxn 5 without a transaction, or an orphan found after a crash
    }
)

NEXT_STATES: Final[Mapping[TransactionState, frozenset[TransactionState]]] = MappingProxyType(
    {
        TransactionState.EMPTY: _AFTER_SETTLED,
        TransactionState.ONGOING: frozenset(
            {TransactionState.ONGOING, TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT}
        ),
        TransactionState.PREPARE_COMMIT: frozenset({TransactionState.COMPLETE_COMMIT}),
        TransactionState.PREPARE_ABORT: frozenset({TransactionState.COMPLETE_ABORT}),
        TransactionState.COMPLETE_COMMIT: _AFTER_SETTLED,
        TransactionState.COMPLETE_ABORT: _AFTER_SETTLED,
        TransactionState.DEAD: frozenset(),
        TransactionState.PREPARE_EPOCH_FENCE: frozenset({TransactionState.PREPARE_ABORT}),
    }
)
