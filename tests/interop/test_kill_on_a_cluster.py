"""Exactly once on a cluster: kill -9 of the application, of our broker under it, and of one of three Kafka brokers.

The long version is ``python -m tests.simulation.kill --broker host:port``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.brokers import ApacheKafka, Broker, OwnBroker
from tests.simulation import kill

pytestmark = pytest.mark.interop

POINTS = (
    "commit.flush_producer.after",
    "commit.end_transaction.before",
    "commit.end_transaction.after",
    "restore",
    "commit.apply.after",
    "batch",
)
FEW_POINTS = ("commit.flush_producer.after", "commit.end_transaction.after", "restore")
"""Within a transaction, between its end and the state's commit, and while state is read back: seconds, for .ci/run."""
LINES = 3_000


@pytest.mark.parametrize("points", [FEW_POINTS, POINTS], ids=["few_points", "all_points"])
def test_the_application_is_killed(cluster: Broker, tmp_path: Path, points: tuple[str, ...]) -> None:
    report = kill.run_on_cluster(
        cluster.address, len(points), 5, cache=False, partitions=1, root=tmp_path, points=points, lines_per_kill=1_000
    )
    assert sum(report.kills.values()) >= len(points) - 1, report.kills
    assert report.without_progress == []


def live_through(directory: Path, plan: dict[str, object], troubles: list[Callable[[], None]]) -> None:
    """One life of the application, with a trouble after every few commits; it must reach the end of its input."""
    command = [sys.executable, "-m", "tests.simulation.kill_app", str(directory), json.dumps(plan)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    with process:
        for line in process.stdout:
            event = json.loads(line)
            if troubles and event["event"] == "committed" and event["commits"] % 2 == 0:
                troubles.pop(0)()
        assert process.wait() == 0, process.stderr.read()
    assert not troubles, "it ended before all of it had happened"


def compare_calm_and_troubled(address: str, root: Path, troubles: list[Callable[[], None]]) -> None:
    runs = kill.ClusterRun(address, cache=True, partitions=3, lines=LINES, root=root)
    expected = runs.life("calm", runs.calm)
    got = runs.life("troubled", lambda directory: live_through(directory, {"point": "none", **runs.base}, troubles))
    assert got == expected


def test_our_broker_is_killed_under_the_application(tmp_path: Path) -> None:
    with OwnBroker(tmp_path / "log") as broker:

        def crash() -> None:
            broker.kill()
            broker.start()

        compare_calm_and_troubled(broker.address, tmp_path, [crash, crash, crash])


def test_one_of_three_kafka_brokers_is_killed(tmp_path: Path) -> None:
    """Leaders and coordinators move to the two that are left, and back."""
    quick = ("broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500")
    with ApacheKafka(tmp_path / "kafka", brokers=3, settings=quick) as cluster:
        troubles = [lambda: cluster.kill(2), lambda: cluster.start(2)]
        compare_calm_and_troubled(cluster.address, tmp_path, troubles)
        described = cluster.tool("topics", "--describe", "--topic", "killed-counts-changelog")
        assert "ReplicationFactor: 3" in described, "the cluster's default"
