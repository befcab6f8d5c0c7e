"""The features that this broker announces, and at which level each of them is in force. PURE.

``transaction.version`` 2 is KIP-890: Java's producer from 4.0 on then lets Produce and TxnOffsetCommit add partitions
to the transaction, and gets a new epoch with every end. Levels are those of this program and cannot be changed; clients
that know none of it go on as before, since the version of a request decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Feature(NamedTuple):
    """The levels that there are, and the one in force."""

    minimum: int
    maximum: int
    level: int


FEATURES: Final[Mapping[str, Feature]] = {"transaction.version": Feature(0, 2, 2)}

FEATURES_EPOCH: Final = 0
"""Grows when a level changes, which none does; clients ignore levels of a negative epoch."""
