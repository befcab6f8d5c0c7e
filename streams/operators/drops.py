"""Why a record may end before its way does; the names under which it is counted."""

from __future__ import annotations

from typing import Final

NULL_KEY: Final = "null key"
NULL_VALUE: Final = "null value"
NEGATIVE_TIMESTAMP: Final = "negative timestamp"
LATE: Final = "late"
"""Counted for each window that was closed, not once per record."""

SKIPPED: Final = "skipped"
"""An operator failed on them, and its error policy was to skip."""
DEAD_LETTERED: Final = "dead letter"
"""An operator failed on them, and its error policy was to send them to a topic."""
