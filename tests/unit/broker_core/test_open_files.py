"""The least recently used file goes first, one with unsynced bytes or in use only when it must."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from broker_core.config import BrokerConfig, LogConfig
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.open_files import LOOKED_AT, OpenFiles
from broker_core.os_filesystem import OsFilesystem
from tests.unit.broker_core.broker_kit import Kit

ROOT = Path(__file__).parents[3]
PARTITIONS = 1_000


class Held:
    """A file as ``OpenFiles`` sees it."""

    def __init__(self, *, is_dirty: bool = False, is_busy: bool = False) -> None:
        self.is_dirty, self.is_busy, self.is_open = is_dirty, is_busy, True

    def release(self, *, force: bool) -> bool:
        if self.is_busy or (self.is_dirty and not force):
            return False
        self.is_open = False
        return True


def filled(*files: Held) -> OpenFiles:
    open_files = OpenFiles(len(files))
    for file in files:
        open_files.make_room()
        open_files.opened(file)
    return open_files


def test_the_least_recently_used_goes() -> None:
    first, second, third = Held(), Held(), Held()
    open_files = filled(first, second, third)
    open_files.used(first)
    open_files.make_room()
    assert [file.is_open for file in (first, second, third)] == [True, False, True]
    assert (len(open_files), open_files.peak) == (2, 3)


def test_a_clean_one_goes_before_an_older_dirty_one() -> None:
    dirty, clean = Held(is_dirty=True), Held()
    open_files = filled(dirty, clean)
    open_files.make_room()
    assert (dirty.is_open, clean.is_open) == (True, False)
    open_files.opened(Held(is_dirty=True))
    open_files.make_room()
    assert not dirty.is_open


def test_what_is_in_use_stays_even_beyond_the_limit() -> None:
    busy = [Held(is_busy=True) for _ in range(LOOKED_AT + 2)]
    open_files = filled(*busy)
    open_files.make_room()
    assert len(open_files) == len(busy)


def test_a_closed_one_takes_no_room() -> None:
    first, second = Held(), Held()
    open_files = filled(first, second)
    open_files.forget(first)
    open_files.forget(first)
    open_files.make_room()
    assert second.is_open


def worked(kit: Kit) -> None:
    """A broker that writes to all of a thousand partitions and reads from them, in turns."""
    kit.create("many", partitions=PARTITIONS)
    order = list(range(PARTITIONS))
    for value in "ab":
        random.Random(value).shuffle(order)
        for index in order:
            token = kit.send(_produce(index, value))
            assert token is not None
        kit.sync_all()
    for index in order[:: PARTITIONS // 50]:
        assert kit.values("many", partition=index) == ["a", "b"]


def _produce(index: int, value: str) -> object:
    from tests.unit.broker_core.broker_kit import produce_request

    return produce_request("many", value, partition=index)


@pytest.mark.parametrize("limit", [3, 100])
def test_a_thousand_partitions_share_few_descriptors(limit: int) -> None:
    filesystem = MemoryFilesystem(max_open_files=limit)
    kit = Kit(filesystem=filesystem, config=BrokerConfig(log=LogConfig(segment_bytes=100))).open()
    worked(kit)
    assert filesystem.open_files.peak <= limit
    kit.restart()
    assert kit.values("many", partition=7) == ["a", "b"]
    kit.restart(crash="drop")
    assert kit.values("many", partition=8) == ["a", "b"]
    assert filesystem.open_files.peak <= limit


def limited(directory: str) -> None:
    """The body of the process below."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    filesystem = OsFilesystem(directory)
    kit = Kit(filesystem=filesystem, config=BrokerConfig(min_free_bytes=0)).open()
    worked(kit)
    held = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    kit.restart()
    assert kit.values("many", partition=7) == ["a", "b"]
    kit.broker.close(kit.now_ms)
    print(json.dumps({"held": held, "peak": filesystem.open_files.peak, "limit": filesystem.open_files.limit}))


def test_a_real_process_that_may_have_256_files(tmp_path: Path) -> None:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else str(tmp_path)
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        done = subprocess.run(
            [sys.executable, "-m", "tests.unit.broker_core.test_open_files", directory],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["limit"] == found["peak"] == 128
    assert found["held"] < 160


if __name__ == "__main__":
    limited(sys.argv[1])
