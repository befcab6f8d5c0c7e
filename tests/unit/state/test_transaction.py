"""Staged writes: read-through, prepared and open layers, all or nothing."""

from __future__ import annotations

import pytest

from state.backends.memory import MemoryBackend
from state.errors import StateError
from state.model import POSITION_FAMILY
from state.ports import Writes
from state.transaction import TaskTransaction


def _stored() -> tuple[MemoryBackend, TaskTransaction]:
    backend = MemoryBackend(["counts", "totals"])
    backend.write({"counts": {b"a": b"old", b"b": b"old", b"c": b"old"}})
    return backend, TaskTransaction(backend)


def test_reads_see_staged_writes_and_the_back_end_does_not() -> None:
    backend, transaction = _stored()
    transaction.put("counts", b"a", b"new")
    transaction.delete("counts", b"b")
    transaction.put("counts", b"d", b"new")
    keys = [b"a", b"b", b"c", b"d", b"e"]
    assert [transaction.get("counts", key) for key in keys] == [b"new", None, b"old", b"new", None]
    assert transaction.get_many("counts", keys) == [b"new", None, b"old", b"new", None]
    assert list(transaction.scan("counts")) == [(b"a", b"new"), (b"c", b"old"), (b"d", b"new")]
    assert list(backend.scan("counts")) == [(b"a", b"old"), (b"b", b"old"), (b"c", b"old")]


def test_apply_writes_every_family_and_the_positions_as_one_batch() -> None:
    written: list[Writes] = []

    class Recording(MemoryBackend):
        def write(self, writes: Writes, **options: object) -> None:
            written.append(writes)
            super().write(writes)

    backend = Recording(["counts", "totals"])
    transaction = TaskTransaction(backend)
    transaction.put("counts", b"a", b"1")
    transaction.put("totals", b"a", b"2")
    assert transaction.apply({"topic": b"7"}) == 2
    assert written == [{"counts": {b"a": b"1"}, "totals": {b"a": b"2"}, POSITION_FAMILY: {b"topic": b"7"}}]
    assert transaction.staged_records == transaction.staged_bytes == 0
    assert backend.get("totals", b"a") == b"2"


def test_writes_after_prepare_belong_to_the_next_transaction() -> None:
    backend, transaction = _stored()
    transaction.put("counts", b"a", b"first")
    transaction.prepare()
    transaction.put("counts", b"a", b"second")
    transaction.put("counts", b"z", b"second")
    assert transaction.get("counts", b"a") == b"second"
    assert transaction.get_many("counts", [b"a", b"z", b"c"]) == [b"second", b"second", b"old"]
    assert transaction.apply({}) == 1
    assert backend.get_many("counts", [b"a", b"z"]) == [b"first", None]
    assert transaction.get("counts", b"a") == b"second"
    assert transaction.apply({}) == 2
    assert backend.get_many("counts", [b"a", b"z"]) == [b"second", b"second"]


def test_a_second_prepare_is_refused_while_one_is_pending() -> None:
    _, transaction = _stored()
    transaction.prepare()
    with pytest.raises(StateError, match="applied or discarded"):
        transaction.prepare()
    transaction.discard()
    transaction.prepare()
    assert transaction.is_prepared


def test_discard_forgets_prepared_and_open_writes() -> None:
    backend, transaction = _stored()
    transaction.put("counts", b"a", b"first")
    transaction.prepare()
    transaction.put("counts", b"b", b"second")
    transaction.discard()
    assert transaction.get_many("counts", [b"a", b"b"]) == [b"old", b"old"]
    assert transaction.apply({}) == 0
    assert backend.get("counts", b"a") == b"old"


def test_a_refused_apply_keeps_everything_prepared() -> None:
    class Refusing(MemoryBackend):
        refuse = True

        def write(self, writes: Writes, **options: object) -> None:
            if self.refuse:
                raise StateError("disk full")
            super().write(writes)

    backend = Refusing(["counts"])
    transaction = TaskTransaction(backend)
    transaction.put("counts", b"a", b"1")
    with pytest.raises(StateError, match="disk full"):
        transaction.apply({"topic": b"1"})
    assert transaction.get("counts", b"a") == b"1"
    backend.refuse = False
    assert transaction.apply({"topic": b"1"}) == 1
    assert backend.get("counts", b"a") == b"1"


def test_staged_bytes_grow_with_writes_and_keep_those_of_the_next_transaction() -> None:
    _, transaction = _stored()
    transaction.put("counts", b"a", b"x" * 1000)
    first = transaction.staged_bytes
    assert 1000 < first < 1500
    transaction.prepare()
    transaction.family("counts").put_many([b"b", b"c"], [b"y" * 500, None])
    assert transaction.staged_bytes > first + 500
    transaction.apply({})
    assert 500 < transaction.staged_bytes < 1000
    assert transaction.staged_records == 2


def test_a_scan_is_as_of_its_call() -> None:
    _, transaction = _stored()
    transaction.put("counts", b"b", b"new")
    scan = transaction.scan("counts")
    transaction.delete("counts", b"b")
    transaction.apply({})
    assert list(scan) == [(b"a", b"old"), (b"b", b"new"), (b"c", b"old")]


def test_an_unknown_store_is_named_with_the_known_ones() -> None:
    _, transaction = _stored()
    with pytest.raises(StateError, match=r"no store 'nope'.*counts, totals"):
        transaction.put("nope", b"a", b"1")


def test_a_journal_takes_writes_back_to_what_was_staged_before() -> None:
    _, transaction = _stored()
    transaction.put("counts", b"a", b"staged")
    journal = transaction.keep_journal()
    transaction.put("counts", b"a", b"gone")
    transaction.delete("counts", b"a")
    transaction.delete("counts", b"b")
    transaction.family("totals").put_many([b"x", b"y", b"x"], [b"1", b"2", b"3"])
    assert len(journal) == 6
    transaction.undo(journal)
    assert journal == []
    assert list(transaction.scan("counts")) == [(b"a", b"staged"), (b"b", b"old"), (b"c", b"old")]
    assert transaction.get_many("totals", [b"x", b"y"]) == [None, None]
    assert transaction.staged_records == 1


def test_a_journal_that_was_cleared_undoes_what_came_after() -> None:
    _, transaction = _stored()
    journal = transaction.keep_journal()
    transaction.put("counts", b"a", b"first")
    journal.clear()
    transaction.put("counts", b"a", b"second")
    transaction.undo(journal)
    assert transaction.get("counts", b"a") == b"first"
