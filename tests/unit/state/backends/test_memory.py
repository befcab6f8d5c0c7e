"""The memory back end: the common suite, and its crash model."""

from __future__ import annotations

import pytest

from state.backends.memory import MemoryBackend
from state.model import POSITION_FAMILY
from state.ports import Backend, KeyRange
from tests.unit.state.backends.backend_suite import FAMILIES, BackendSuite


class TestMemoryBackend(BackendSuite):
    def open(self, families: tuple[str, ...] = FAMILIES) -> Backend:
        if not hasattr(self, "kept"):
            self.kept = MemoryBackend(())
        self.kept.reopen(families)
        return self.kept


def _numbered(count: int) -> MemoryBackend:
    """A database after ``count`` batches that each write their number into two families and the position."""
    backend = MemoryBackend(FAMILIES)
    for number in range(1, count + 1):
        row = {b"n": b"%d" % number}
        backend.write({"counts": row, "totals": row, POSITION_FAMILY: row})
    return backend


@pytest.mark.parametrize(("lost", "left"), [(0, b"5"), (1, b"4"), (4, b"1"), (5, None), (99, None)])
def test_a_crash_falls_back_to_one_earlier_batch_in_every_family(lost: int, left: bytes | None) -> None:
    backend = _numbered(5)
    backend.crash(lost)
    assert [backend.get(family, b"n") for family in backend.families] == [left] * 3


def test_a_crash_never_goes_behind_the_last_flush() -> None:
    backend = _numbered(3)
    backend.flush()
    backend.write({"counts": {b"n": b"4"}})
    assert backend.unflushed_batches == 1
    backend.crash(3)
    assert backend.get("counts", b"n") == b"3"


def test_what_a_crash_left_is_durable() -> None:
    backend = _numbered(5)
    backend.crash(2)
    assert backend.unflushed_batches == 0
    backend.crash(2)
    assert backend.get("counts", b"n") == b"3"


def test_a_crash_brings_back_what_a_lost_batch_had_deleted() -> None:
    backend = MemoryBackend(FAMILIES)
    backend.write({"counts": {b"a": b"1", b"b": b"2", b"c": b"3"}})
    backend.flush()
    backend.write({"counts": {b"a": None}}, delete_ranges=(KeyRange("counts", b"b", None),))
    assert list(backend.scan("counts")) == []
    backend.crash(1)
    assert list(backend.scan("counts")) == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]


def test_a_crash_after_a_store_was_dropped_leaves_it_dropped() -> None:
    backend = _numbered(2)
    backend.drop_family("totals")
    backend.crash(1)
    assert backend.get("counts", b"n") == b"1"
    assert "totals" not in backend.families


def test_a_negative_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        MemoryBackend(()).crash(-1)
