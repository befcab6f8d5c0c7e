"""RocksDB under kill -9: every family falls back to one and the same batch, never behind the last flush.

The child says over a pipe how far it is; the parent kills it there and compares every row with a model that replays
the same batches. Kill -9 says nothing about power loss (RocksDB syncs what it flushes).
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from state.backends.rocksdb import RocksBackend
from state.model import POSITION_FAMILY
from tests.unit.state.backends.killed_writer import FAMILIES, Rows, found, replay

ROOT = Path(__file__).resolve().parents[4]
ROUNDS = 12


def _run_until(path: Path, batches: int) -> tuple[int, int, int]:
    """Kill the writer after it wrote so many batches; returns what it found, wrote and flushed last."""
    command = [sys.executable, "-m", "tests.unit.state.backends.killed_writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        word, number = writer.stdout.readline().split()
        assert word == "ready"
        start = written = flushed = int(number)
        killed = False
        for line in writer.stdout:  # what is in the pipe is read to its end after the kill, too
            if not line.endswith("\n"):
                break
            word, number = line.split()
            written = max(written, int(number))
            flushed = int(number) if word == "flushed" else flushed
            if written >= start + batches and not killed:
                writer.send_signal(signal.SIGKILL)
                killed = True
        assert writer.wait() == -signal.SIGKILL
    return start, written, flushed


def test_families_agree_after_every_kill(tmp_path: Path) -> None:
    chance = random.Random(7)
    model: Rows = {family: {} for family in (*FAMILIES, POSITION_FAMILY)}
    reached = 0
    lost = unasked = 0
    for _ in range(ROUNDS):
        start, written, flushed = _run_until(tmp_path / "db", chance.randrange(200, 1800))
        assert start == reached
        backend = RocksBackend.open(tmp_path / "db", FAMILIES)
        number = found(backend)
        assert flushed <= number <= written + 1  # the last batch may have been written but not announced
        for applied in range(reached + 1, number + 1):
            replay(model, applied)
        assert {family: dict(backend.scan(family)) for family in backend.families} == model
        backend.close()
        lost += number < written
        unasked += number > flushed
        reached = number
    assert reached > 0
    assert lost, "no batch was ever lost: is a write-ahead log on?"
    assert unasked, "RocksDB never flushed by itself: the case that needs atomic_flush was not tried"


def test_rocksdict_s_own_flush_is_not_atomic(tmp_path: Path) -> None:
    """Why ``RocksBackend.flush`` goes another way: the planted version loses the position but keeps the rows."""
    code = """
import os, signal, sys
from pathlib import Path
from state.backends.rocksdb import RocksBackend
backend = RocksBackend.open(Path(sys.argv[1]), ["counts"])
backend.write({"counts": {b"a": b"1"}, "__positions__": {b"topic": b"1"}})
if sys.argv[2] == "planted":
    backend._columns["counts"].rows.flush()
else:
    backend.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    left = {}
    for way in ("planted", "ours"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / way), way], cwd=ROOT, check=False)
        backend = RocksBackend.open(tmp_path / way, ["counts"])
        left[way] = (backend.get("counts", b"a"), backend.get(POSITION_FAMILY, b"topic"))
        backend.close()
    assert left == {"planted": (b"1", None), "ours": (b"1", b"1")}
