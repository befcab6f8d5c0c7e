"""What a user's function may ask about the record at hand, by a last parameter ``context``. A Protocol only."""

from __future__ import annotations

from typing import Protocol


class RecordContext(Protocol):
    """Where a record comes from. Valid during the call only: one object serves all records."""

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""

    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]: ...

    @property
    def stream_time(self) -> int:
        """The largest timestamp that this task has seen, in milliseconds; -1 before the first."""
