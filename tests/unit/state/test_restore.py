"""What must be replayed, and the one batch that replays it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from state.backends.memory import MemoryBackend
from state.errors import StateTooNew
from state.keys import encode_row
from state.model import POSITION_FAMILY, Position, StoreSpec
from state.restore import apply_restore_batch, decode_position, encode_position, restore_plan
from state.stores.key_value import KeyValueStore
from state.transaction import TaskTransaction

NOW = 1_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("stored", "start", "end", "from_offset", "wipe", "needed", "reason"),
    [
        (None, 0, 0, 0, False, False, "no position"),
        (None, 5, 9, 5, False, True, "no position"),
        (Position(9, NOW), 5, 9, 9, False, False, "up to date"),
        (Position(9, NOW - 30 * DAY), 5, 9, 9, False, False, "up to date"),
        (Position(7, NOW), 5, 9, 7, False, True, "replay 2 offsets"),
        (Position(5, NOW), 5, 9, 5, False, True, "replay 4 offsets"),
        (Position(7, NOW - DAY), 5, 9, 7, False, True, "replay 2 offsets"),
        (Position(7, NOW - DAY - 1), 5, 9, 5, True, True, "86400 s ago"),
        (Position(8, NOW - 30 * DAY), 5, 9, 8, False, True, "replay 1 offsets"),
        (Position(4, NOW), 5, 9, 5, True, True, "before the changelog's start 5"),
        (Position(10, NOW), 5, 9, 5, True, True, "past the changelog's end 9"),
        (Position(10, NOW), 0, 0, 0, True, True, "past the changelog's end 0"),
    ],
)
def test_the_plan(
    stored: Position | None, start: int, end: int, from_offset: int, wipe: bool, needed: bool, reason: str
) -> None:
    plan = restore_plan(stored, start, end, now_ms=NOW)
    assert (plan.from_offset, plan.to_offset, plan.wipe, plan.is_needed) == (from_offset, end, wipe, needed)
    assert reason in plan.reason


def test_a_longer_delete_retention_keeps_older_state() -> None:
    stored = Position(7, NOW - 3 * DAY)
    assert restore_plan(stored, 0, 9, now_ms=NOW).wipe
    assert not restore_plan(stored, 0, 9, now_ms=NOW, delete_retention_ms=3 * DAY).wipe


@dataclass
class Columns:
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps: list[int]


def test_a_restore_batch_writes_rows_and_position_together() -> None:
    backend = MemoryBackend(["counts"])
    store = KeyValueStore(TaskTransaction(backend), StoreSpec(name="counts", changelog_topic="changelog"))
    backend.write({"counts": {b"gone": encode_row(b"1", 1)}})
    backend.flush()
    columns = Columns([b"a", b"gone", b"a", None], [b"1", None, b"2", b"no key"], [1, 2, 3, 4])
    assert apply_restore_batch(backend, store, columns, Position(42, NOW)) == 2
    assert list(backend.scan("counts")) == [(b"a", encode_row(b"2", 3))]
    assert backend.get(POSITION_FAMILY, b"changelog") == encode_position(Position(42, NOW))
    assert backend.unflushed_batches == 1


def test_a_store_without_changelog_cannot_be_restored() -> None:
    backend = MemoryBackend(["counts"])
    store = KeyValueStore(TaskTransaction(backend), StoreSpec(name="counts"))
    with pytest.raises(ValueError, match="'counts' has no changelog"):
        apply_restore_batch(backend, store, Columns([], [], []), Position(0, 0))


def test_a_position_survives_its_bytes() -> None:
    position = Position(2**40, NOW)
    assert decode_position(encode_position(position)) == position


def test_a_newer_position_is_refused_and_a_short_one_too() -> None:
    with pytest.raises(StateTooNew, match="version 2"):
        decode_position(b"\x02" + encode_position(Position(1, 2))[1:] + b"more")
    with pytest.raises(ValueError, match="17 bytes, this one has 3"):
        decode_position(b"\x01\x00\x00")
