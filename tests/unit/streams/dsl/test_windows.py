"""Windows as users write them; every mistake names the place and the fix."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streams import TopologyError, hopping, tumbling, unlimited
from streams.windows import TimeWindows, UnlimitedWindows


def test_what_users_write() -> None:
    assert tumbling("10s", grace="1s") == TimeWindows(size_ms=10_000, advance_ms=10_000, grace_ms=1_000)
    assert tumbling(timedelta(minutes=1)) == TimeWindows(size_ms=60_000, advance_ms=60_000, grace_ms=0)
    assert hopping("10s", advance="2s") == TimeWindows(size_ms=10_000, advance_ms=2_000, grace_ms=0)
    assert hopping("10s", "10s", grace="0s") == tumbling("10s")
    assert unlimited() == UnlimitedWindows(start_ms=0)
    assert unlimited(5) == UnlimitedWindows(start_ms=5)


def test_mistakes_name_place_and_fix() -> None:
    for call, message in (
        (lambda: tumbling("0s"), r"test_windows.py:\d+: tumbling\(size='0s'\) must be longer than 0"),
        (lambda: tumbling(10), r"test_windows.py:\d+: tumbling\(\): size=10 is no duration.*'10ms' or '10s'"),  # type: ignore[arg-type]
        (lambda: tumbling("10s", grace=timedelta(-1)), r"tumbling\(grace=.*\) is negative.*leave grace out"),
        (lambda: tumbling("10s", grace="-1s"), r"tumbling\(\): grace='-1s' is no duration"),
        (lambda: hopping("10s", "0s"), r"hopping\(advance='0s'\) must be longer than 0"),
        (lambda: hopping("10s", "11s"), r"hopping\(size='10s', advance='11s'\).*give advance='10s' or less"),
        (lambda: hopping("10s", "2s", grace=timedelta(seconds=-1)), r"hopping\(grace=.*\) is negative"),
        (lambda: unlimited(-1), r"test_windows.py:\d+: unlimited\(start=-1\).*from 0 on"),
        (lambda: unlimited(True), r"unlimited\(start=True\)"),
    ):
        with pytest.raises(TopologyError, match=message):
            call()
