"""A short run of kill -9 on a broker process."""

from __future__ import annotations

from pathlib import Path

from tests.simulation import broker_kill


def test_promises_survive_kill_9(tmp_path: Path) -> None:
    lives = broker_kill.run(tmp_path, kills=4, seed=1)
    assert lives.acknowledged and lives.offset > 0
    assert lives.ended_by_restart + lives.still_open == 2
