"""Fixtures of the tests of trouble."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trouble.kit import Console

MEMORY_DISK = Path("/dev/shm")
ENOUGH_BYTES = 1 << 30
"""The log refuses writes below 256 MiB of free space."""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A real directory, in memory where there is one: nobody cuts the power here, and syncs would be nearly all of the
    time."""
    in_memory = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > ENOUGH_BYTES
    with tempfile.TemporaryDirectory(prefix="trouble-", dir=MEMORY_DISK if in_memory else None) as path:
        yield Path(path)


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Console:
    """The command line in this process, in an empty directory."""
    return Console(tmp_path, monkeypatch, capfd)
