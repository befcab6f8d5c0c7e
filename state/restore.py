"""How far state reaches into its changelog and what must be replayed. Pure: a plan, and one batch over the back end.

Owns the position format (docs/formats/state_rows.md). Reading the changelog and waiting for its end is the runtime's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, Protocol

from state.errors import StateTooNew
from state.model import POSITION_FAMILY, Family, Position, StoreSpec
from state.ports import Backend

POSITION_VERSION: Final = 1
_POSITION: Final = Struct(">Bqq")

DELETE_RETENTION_MS: Final = 24 * 3_600_000
"""Kafka's default ``delete.retention.ms``: how long a compacted topic keeps tombstones at least."""

SAFE_TAIL: Final = 1
"""Offsets at the end that compaction cannot have touched: the last one is in the active segment. A transaction's own
marker is such a tail, so that an application stopped for days does not rebuild everything."""


class RestoreColumns(Protocol):
    """The columns of a batch of changelog records; the consumer's ``ColumnBatch`` is one."""

    @property
    def keys(self) -> Sequence[bytes | None]: ...
    @property
    def values(self) -> Sequence[bytes | None]: ...
    @property
    def timestamps(self) -> Sequence[int]: ...


class RestoreTarget(Protocol):
    """A store, as far as restoring goes: it alone knows its rows' layout."""

    @property
    def spec(self) -> StoreSpec: ...

    def restored_rows(
        self, keys: Sequence[bytes | None], values: Sequence[bytes | None], timestamps: Sequence[int]
    ) -> Mapping[bytes, bytes | None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """What to do for one store before it may be used.

    Arguments:
        from_offset: first offset to replay.
        to_offset: replay until the position reaches this one.
        wipe: delete the store's rows first.
        reason: for people, one clause.
    """

    from_offset: int
    to_offset: int
    wipe: bool
    reason: str

    @property
    def is_needed(self) -> bool:
        return self.wipe or self.from_offset < self.to_offset


def restore_plan(
    stored: Position | None,
    changelog_start: int,
    changelog_end: int,
    *,
    now_ms: int,
    delete_retention_ms: int = DELETE_RETENTION_MS,
) -> Restore:
    """Decide from where a store is replayed, and whether its rows can be kept.

    Arguments:
        stored: the database's position; None when it has none (a new store).
        changelog_start, changelog_end: first retained and next offset, listed read_uncommitted.
        delete_retention_ms: of the changelog topic. A tombstone stays at least this long after the compaction that
            removed its key's older records (https://kafka.apache.org/documentation/#design_compactionguarantees).
    """
    if stored is None:
        return Restore(
            from_offset=changelog_start, to_offset=changelog_end, wipe=False, reason="no position: replay everything"
        )
    wipe_reason = ""
    if stored.offset < changelog_start:
        wipe_reason = f"position {stored.offset} is before the changelog's start {changelog_start}"
    elif stored.offset > changelog_end:
        wipe_reason = f"position {stored.offset} is past the changelog's end {changelog_end}: records were lost"
    elif changelog_end - stored.offset > SAFE_TAIL and now_ms - stored.written_ms > delete_retention_ms:
        wipe_reason = (
            f"position was last known {(now_ms - stored.written_ms) // 1000} s ago, deletions are only kept for "
            f"{delete_retention_ms // 1000} s"
        )
    if wipe_reason:
        return Restore(from_offset=changelog_start, to_offset=changelog_end, wipe=True, reason=wipe_reason)
    reason = "up to date" if stored.offset == changelog_end else f"replay {changelog_end - stored.offset} offsets"
    return Restore(from_offset=stored.offset, to_offset=changelog_end, wipe=False, reason=reason)


def apply_restore_batch(backend: Backend, store: RestoreTarget, columns: RestoreColumns, position: Position) -> int:
    """Write the rows of ``columns`` and ``position`` as one batch, decoding no value. Returns the rows written."""
    spec = store.spec
    if spec.restored_from is None:
        raise ValueError(f"store {spec.name!r} has no changelog to restore from")
    rows = store.restored_rows(columns.keys, columns.values, columns.timestamps)
    writes: dict[Family, Mapping[bytes, bytes | None]] = {
        spec.name: rows,
        POSITION_FAMILY: {spec.restored_from.encode(): encode_position(position)},
    }
    backend.write(writes)
    return len(rows)


def encode_position(position: Position) -> bytes:
    return _POSITION.pack(POSITION_VERSION, position.offset, position.written_ms)


def decode_position(row: bytes) -> Position:
    """Raises ``StateTooNew`` for another version, ``ValueError`` for bytes that are no position."""
    if row[:1] and row[0] != POSITION_VERSION:
        raise StateTooNew(f"position of format version {row[0]}; this program reads version {POSITION_VERSION}")
    if len(row) != _POSITION.size:
        raise ValueError(f"a position has {_POSITION.size} bytes, this one has {len(row)}")
    _, offset, written_ms = _POSITION.unpack(row)
    return Position(offset, written_ms)
