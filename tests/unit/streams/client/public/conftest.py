"""An embedded log in a directory of the test's own, with a topic of two partitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.client import Admin


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[str]:
    with Admin(data_dir=tmp_path) as admin:  # holds the log open for the whole test: opening costs most of one
        admin.create_topic("t", partitions=2)
        yield str(tmp_path)
