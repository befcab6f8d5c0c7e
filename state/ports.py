"""What local state needs from outside: a key-value back end of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from state.model import Family

Writes = Mapping[Family, Mapping[bytes, bytes | None]]
"""One atomic batch: per family, key to value; None deletes."""


class Backend(Protocol):
    """One task's database: several ordered keyspaces of bytes, written together or not at all.

    ``get``, ``get_many`` and ``scan`` may be called from any thread and see whole batches only.
    """

    @property
    def families(self) -> tuple[Family, ...]: ...

    def get(self, family: Family, key: bytes) -> bytes | None: ...

    def get_many(self, family: Family, keys: Sequence[bytes]) -> list[bytes | None]: ...

    def scan(
        self, family: Family, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Rows with ``start <= key < end`` in key order, as of this call."""

    def write(self, writes: Writes) -> None:
        """Apply one batch over all families atomically. Survives kill -9 only after ``flush``."""

    def approximate_count(self, family: Family) -> int: ...

    def size_bytes(self) -> int: ...

    def flush(self) -> None:
        """Make everything written so far durable, atomically over all families."""

    def close(self) -> None: ...
