"""RocksDB: the common suite, and what only a database on disk can get wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from state.backends.rocksdb import RocksBackend, RocksMemory
from state.errors import CorruptState, StateError, StateInUse
from state.ports import Backend
from tests.unit.state.backends.backend_suite import FAMILIES, BackendSuite


class TestRocksBackend(BackendSuite):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "0_0"
        self.memory = RocksMemory(8 * 1024 * 1024)

    def open(self, families: tuple[str, ...] = FAMILIES) -> Backend:
        return self.memory.open(self.path, families)


def _filled(path: Path, rows: int = 2000) -> None:
    backend = RocksBackend.open(path, FAMILIES)
    backend.write({family: {b"%06d" % number: b"v" * 50 for number in range(rows)} for family in FAMILIES})
    backend.close()


def _damage(path: Path, position: int, length: int = 64) -> None:
    data = bytearray(path.read_bytes())
    data[position : position + length] = bytes(byte ^ 0xFF for byte in data[position : position + length])
    path.write_bytes(data)


def test_about_how_many_rows_is_known_after_opening_again(tmp_path: Path) -> None:
    _filled(tmp_path / "db", rows=500)
    backend = RocksBackend.open(tmp_path / "db", FAMILIES)
    assert [backend.approximate_count(family) for family in FAMILIES] == [500] * len(FAMILIES)
    backend.close()


def test_opening_twice_in_one_process_is_refused(tmp_path: Path) -> None:
    backend = RocksBackend.open(tmp_path / "db", FAMILIES)
    with pytest.raises(StateInUse, match="open already"):
        RocksBackend.open(tmp_path / "db", FAMILIES)
    backend.close()


def test_opening_from_another_process_is_refused(tmp_path: Path) -> None:
    backend = RocksBackend.open(tmp_path / "db", FAMILIES)
    code = (
        "import sys; from pathlib import Path; from state.backends.rocksdb import RocksBackend\n"
        "from state.errors import StateInUse\n"
        "try: RocksBackend.open(Path(sys.argv[1]), [])\n"
        "except StateInUse as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "db")], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    assert f"the database in {tmp_path / 'db'} is open already" in done.stdout
    backend.close()


def test_an_open_scan_does_not_keep_the_database_locked(tmp_path: Path) -> None:
    _filled(tmp_path / "db")
    backend = RocksBackend.open(tmp_path / "db", FAMILIES)
    scan = backend.scan("counts")
    assert next(scan)[0] == b"000000"
    backend.close()
    with pytest.raises(StateError, match="closed during this scan"):
        next(scan)
    RocksBackend.open(tmp_path / "db", FAMILIES).close()


@pytest.mark.parametrize("pattern", ["CURRENT", "MANIFEST-*"])
def test_a_damaged_catalogue_is_corrupt_state(tmp_path: Path, pattern: str) -> None:
    _filled(tmp_path / "db")
    (found,) = (tmp_path / "db").glob(pattern)
    _damage(found, 0)
    with pytest.raises(CorruptState, match=f"{tmp_path / 'db'}.*corrupt.*changelogs"):
        RocksBackend.open(tmp_path / "db", FAMILIES)


def test_a_missing_table_is_corrupt_state(tmp_path: Path) -> None:
    _filled(tmp_path / "db")
    next((tmp_path / "db").glob("*.sst")).unlink()
    with pytest.raises(CorruptState):
        RocksBackend.open(tmp_path / "db", FAMILIES)


def test_a_flipped_block_is_reported_by_get_and_never_ends_a_scan_early(tmp_path: Path) -> None:
    _filled(tmp_path / "db")
    for table in (tmp_path / "db").glob("*.sst"):
        if table.stat().st_size > 50_000:
            _damage(table, table.stat().st_size // 2)
    backend = RocksBackend.open(tmp_path / "db", FAMILIES)
    with pytest.raises(CorruptState, match=f"{tmp_path / 'db'}, store counts"):
        list(backend.scan("counts"))
    with pytest.raises(CorruptState):
        list(backend.scan("counts", reverse=True))
    with pytest.raises(CorruptState, match="store totals"):
        backend.get_many("totals", [b"%06d" % number for number in range(2000)])
    with pytest.raises(CorruptState):
        for number in range(2000):
            backend.get("totals", b"%06d" % number)
    backend.close()


def test_a_file_in_the_way_is_an_error_with_the_place_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=f"{tmp_path / 'file'}.*writable"):
        RocksBackend.open(tmp_path / "file" / "db", FAMILIES)


def test_a_flush_that_fails_is_reported(tmp_path: Path) -> None:
    """The process may write files of 100 kB only, as on a full disk; rocksdict's compaction itself reports nothing."""
    code = """
import os, resource, signal, sys
from pathlib import Path
from state.backends.rocksdb import RocksBackend
from state.errors import StateError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
backend = RocksBackend.open(Path(sys.argv[1]), ["counts"])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
backend.write({"counts": {b"%06d" % number: b"v" * 100 for number in range(5000)}})
try:
    backend.flush()
except StateError as error:
    print(error, flush=True)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "db")], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    assert f"{tmp_path / 'db'}" in done.stdout, done.stderr
    assert "disk" in done.stdout


def test_databases_share_one_cache_and_one_write_buffer(tmp_path: Path) -> None:
    memory = RocksMemory(16 * 1024 * 1024)
    first = memory.open(tmp_path / "a", FAMILIES)
    before = memory.write_buffers.get_usage()
    second = memory.open(tmp_path / "b", FAMILIES)
    second.write({"counts": {b"%06d" % number: b"v" * 100 for number in range(10_000)}})
    assert memory.write_buffers.get_usage() > before + 1_000_000
    second.flush()
    list(second.scan("counts"))
    assert memory.cache.get_usage() > 1_000_000
    first.close()
    second.close()


_ROOT = Path(__file__).resolve().parents[4]
