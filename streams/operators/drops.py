"""Why a record may be dropped without being an error; the names under which it is counted."""

from __future__ import annotations

from typing import Final

NULL_KEY: Final = "null key"
NULL_VALUE: Final = "null value"
NEGATIVE_TIMESTAMP: Final = "negative timestamp"
LATE: Final = "late"
"""Counted for each window that was closed, not once per record."""
