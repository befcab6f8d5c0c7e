"""What every back end must do; ``test_memory`` and ``test_rocksdb`` run all of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from state.errors import StateError
from state.model import POSITION_FAMILY
from state.ports import Backend, KeyRange

FAMILIES = ("counts", "totals")


class BackendSuite:
    """Subclasses say how a database is opened, and opened again by the next process."""

    def open(self, families: tuple[str, ...] = FAMILIES) -> Backend:
        raise NotImplementedError

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        backend = self.open()
        yield backend
        backend.close()

    def test_has_the_families_asked_for_and_the_positions(self, backend: Backend) -> None:
        assert backend.families == (POSITION_FAMILY, "counts", "totals")

    def test_get_finds_what_was_written_in_that_family_only(self, backend: Backend) -> None:
        backend.write({"counts": {b"a": b"1"}})
        assert backend.get("counts", b"a") == b"1"
        assert backend.get("counts", b"b") is None
        assert backend.get("totals", b"a") is None

    def test_get_many_answers_in_the_order_of_the_keys(self, backend: Backend) -> None:
        backend.write({"counts": {b"a": b"1", b"c": b"3"}})
        assert backend.get_many("counts", [b"c", b"x", b"a", b"c"]) == [b"3", None, b"1", b"3"]
        assert backend.get_many("counts", (b"a",)) == [b"1"]
        assert backend.get_many("counts", []) == []

    def test_empty_keys_and_values_are_rows(self, backend: Backend) -> None:
        backend.write({"counts": {b"": b"empty key", b"k": b""}})
        assert backend.get("counts", b"") == b"empty key"
        assert backend.get("counts", b"k") == b""
        assert list(backend.scan("counts")) == [(b"", b"empty key"), (b"k", b"")]

    def test_a_later_batch_overwrites_and_deletes(self, backend: Backend) -> None:
        backend.write({"counts": {b"a": b"1", b"b": b"2"}})
        backend.write({"counts": {b"a": None, b"b": b"22", b"c": None}})
        assert backend.get_many("counts", [b"a", b"b", b"c"]) == [None, b"22", None]
        assert list(backend.scan("counts")) == [(b"b", b"22")]

    def test_writes_several_families_in_one_batch(self, backend: Backend) -> None:
        backend.write({"counts": {b"a": b"1"}, "totals": {b"a": b"2"}, POSITION_FAMILY: {b"topic": b"3"}})
        assert [backend.get(family, key) for family, key in (("counts", b"a"), ("totals", b"a"))] == [b"1", b"2"]
        assert backend.get(POSITION_FAMILY, b"topic") == b"3"

    def test_a_batch_with_an_unknown_family_changes_nothing(self, backend: Backend) -> None:
        with pytest.raises(StateError, match="no store 'nope'"):
            backend.write({"counts": {b"a": b"1"}, "nope": {b"a": b"1"}})
        assert backend.get("counts", b"a") is None

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            (None, None, b"abcd"),
            (b"b", None, b"bcd"),
            (None, b"c", b"ab"),
            (b"b", b"d", b"bc"),
            (b"aa", b"cc", b"bc"),
            (b"c", b"c", b""),
            (b"d", b"a", b""),
            (b"x", None, b""),
            (None, b"", b""),
            (b"", None, b"abcd"),
        ],
    )
    def test_scans_a_half_open_range_both_ways(
        self, backend: Backend, start: bytes | None, end: bytes | None, expected: bytes
    ) -> None:
        backend.write({"counts": {key.encode(): b"v" for key in "dbca"}, "totals": {b"bb": b"other family"}})
        forward = b"".join(key for key, _ in backend.scan("counts", start, end))
        backward = b"".join(key for key, _ in backend.scan("counts", start, end, reverse=True))
        assert (forward, backward) == (expected, expected[::-1])

    def test_keys_sort_as_unsigned_bytes(self, backend: Backend) -> None:
        keys = [b"", b"\x00", b"\x00\x00", b"\x7f", b"\x80", b"\xff", b"\xff\xff"]
        backend.write({"counts": dict.fromkeys(reversed(keys), b"v")})
        assert [key for key, _ in backend.scan("counts")] == keys

    def test_a_scan_sees_the_rows_as_of_its_call(self, backend: Backend) -> None:
        backend.write({"counts": {b"a": b"1", b"b": b"1", b"c": b"1"}})
        scan = backend.scan("counts")
        backend.write({"counts": {b"b": b"2", b"c": None, b"d": b"2"}})
        assert list(scan) == [(b"a", b"1"), (b"b", b"1"), (b"c", b"1")]

    def test_a_range_is_deleted_before_the_batch_s_own_writes(self, backend: Backend) -> None:
        backend.write({"counts": dict.fromkeys([b"a", b"b", b"c", b"d"], b"old"), "totals": {b"b": b"kept"}})
        backend.write({"counts": {b"b": b"new"}}, delete_ranges=(KeyRange("counts", b"b", b"d"),))
        assert list(backend.scan("counts")) == [(b"a", b"old"), (b"b", b"new"), (b"d", b"old")]
        assert list(backend.scan("totals")) == [(b"b", b"kept")]

    def test_an_open_range_empties_a_family(self, backend: Backend) -> None:
        backend.write({"counts": {b"": b"1", b"a": b"1", b"\xff\xff": b"1"}})
        backend.flush()
        backend.write({}, delete_ranges=(KeyRange("counts"), KeyRange("totals")))
        assert list(backend.scan("counts")) == []
        assert backend.get("counts", b"a") is None
        backend.flush()
        assert list(backend.scan("counts")) == []

    def test_flushing_changes_nothing_to_see(self, backend: Backend) -> None:
        backend.flush()
        backend.write({"counts": {b"a": b"1", b"b": b"2"}})
        backend.write({"counts": {b"a": None}})
        backend.flush()
        backend.flush()
        assert list(backend.scan("counts")) == [(b"b", b"2")]

    def test_counts_rows_about(self, backend: Backend) -> None:
        assert backend.approximate_count("counts") == 0
        backend.write({"counts": {b"%d" % number: b"v" for number in range(100)}})
        assert backend.approximate_count("counts") == 100
        assert backend.approximate_count("totals") == 0

    def test_size_grows_with_what_is_kept(self, backend: Backend) -> None:
        before = backend.size_bytes()
        backend.write({"counts": {b"%d" % number: b"v" * 1000 for number in range(1000)}})
        assert backend.size_bytes() > before + 1_000_000 * 0.9

    @pytest.mark.parametrize("method", ["get", "get_many", "scan", "approximate_count", "drop_family"])
    def test_an_unknown_family_is_named_with_the_known_ones(self, backend: Backend, method: str) -> None:
        arguments = {"get": (b"k",), "get_many": ([b"k"],)}.get(method, ())
        with pytest.raises(StateError, match=r"no store 'nope'.*counts"):
            getattr(backend, method)("nope", *arguments)

    def test_a_dropped_family_is_gone(self, backend: Backend) -> None:
        backend.write({"counts": {b"a": b"1"}, "totals": {b"a": b"1"}})
        backend.drop_family("counts")
        assert backend.families == (POSITION_FAMILY, "totals")
        with pytest.raises(StateError, match="no store 'counts'"):
            backend.get("counts", b"a")
        assert backend.get("totals", b"a") == b"1"

    def test_rows_outlive_a_close(self) -> None:
        backend = self.open()
        backend.write({"counts": {b"a": b"1"}, POSITION_FAMILY: {b"topic": b"7"}})
        backend.close()
        backend = self.open()
        assert backend.get("counts", b"a") == b"1"
        assert backend.get(POSITION_FAMILY, b"topic") == b"7"
        backend.close()

    def test_a_new_store_gets_its_family_and_a_removed_one_keeps_its_rows(self) -> None:
        backend = self.open(("counts",))
        backend.write({"counts": {b"a": b"1"}})
        backend.close()
        backend = self.open(("totals",))
        assert backend.families == (POSITION_FAMILY, "counts", "totals")
        backend.write({"totals": {b"a": b"2"}})
        assert backend.get("counts", b"a") == b"1"
        backend.drop_family("counts")
        backend.close()
        backend = self.open(("totals",))
        assert backend.families == (POSITION_FAMILY, "totals")
        assert backend.get("totals", b"a") == b"2"
        backend.close()

    def test_every_call_after_close_says_so(self) -> None:
        backend = self.open()
        backend.close()
        backend.close()
        for call in (
            lambda: backend.get("counts", b"a"),
            lambda: backend.get_many("counts", [b"a"]),
            lambda: backend.scan("counts"),
            lambda: backend.write({"counts": {b"a": b"1"}}),
            lambda: backend.approximate_count("counts"),
            backend.size_bytes,
            backend.flush,
            lambda: backend.drop_family("counts"),
        ):
            with pytest.raises(StateError, match="closed"):
                call()

    def test_readers_on_other_threads_see_whole_batches(self, backend: Backend) -> None:
        """Every batch writes one number under all keys; no reader ever sees two numbers at once."""
        keys = [b"%03d" % number for number in range(50)]
        backend.write({"counts": dict.fromkeys(keys, b"0")})
        torn: list[object] = []
        stop = threading.Event()
        rounds = [0, 0]

        def read(reader: int) -> None:
            while not stop.is_set():
                seen = set(backend.get_many("counts", keys)) if reader else {row for _, row in backend.scan("counts")}
                if len(seen) != 1:
                    torn.append(seen)
                rounds[reader] += 1

        readers = [threading.Thread(target=read, args=(reader,)) for reader in (0, 1)]
        for reader in readers:
            reader.start()
        number = 0
        while min(rounds) < 20:
            number += 1
            backend.write({"counts": dict.fromkeys(keys, b"%d" % number)})
        stop.set()
        for reader in readers:
            reader.join()
        assert not torn
