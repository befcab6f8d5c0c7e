"""What local state needs from outside: a key-value back end of bytes.

Protocols and the shapes that cross them; implementations are in ``backends``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from state.model import Family

Writes: TypeAlias = Mapping[Family, Mapping[bytes, bytes | None]]
"""One atomic batch: per family, key to value; None deletes."""


class KeyRange(NamedTuple):
    """Keys of one family with ``start <= key < end``; None leaves that side open."""

    family: Family
    start: bytes | None = None
    end: bytes | None = None


class Backend(Protocol):
    """One task's database: several ordered keyspaces of bytes, written together or not at all.

    ``get``, ``get_many``, ``scan`` and ``approximate_count`` may be called from any thread and see whole batches
    only. A family that the database was not opened with raises ``StateError``, and so does every call after ``close``.
    """

    @property
    def families(self) -> tuple[Family, ...]:
        """Every keyspace there is, those found on disk but not asked for included; sorted."""

    def get(self, family: Family, key: bytes) -> bytes | None: ...

    def get_many(self, family: Family, keys: Sequence[bytes]) -> list[bytes | None]:
        """One value per key, in the order of ``keys``; None where there is no row."""

    def scan(
        self, family: Family, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Rows with ``start <= key < end`` in key order (or its reverse), as of this call."""

    def write(self, writes: Writes, *, delete_ranges: Sequence[KeyRange] = ()) -> None:
        """Apply one batch over all families atomically: first the ranges, then the writes.

        Survives kill -9 only after ``flush``; before that a crash may fall back to any earlier batch, but to the
        same one in every family.
        """

    def approximate_count(self, family: Family) -> int:
        """About how many rows a family has; exact where that is free."""

    def size_bytes(self) -> int:
        """About how much memory and disk the database takes."""

    def flush(self) -> None:
        """Make everything written so far durable, atomically over all families."""

    def drop_family(self, family: Family) -> None:
        """Remove a keyspace and its rows for good (a store that the topology no longer has)."""

    def close(self) -> None:
        """Flush and let go of files; a second call does nothing."""


class Observer(Protocol):
    """Hears what happens to local state; the default hears nothing. The broker's observer satisfies it."""

    def event(self, name: str, **fields: object) -> None:
        """``name`` is a dotted constant such as ``state.quarantined``; fields are plain values."""


class NullObserver:
    """The observer that ignores everything."""

    def event(self, name: str, **fields: object) -> None:
        return None
