"""Steps of a commit in their order, announced, with exactly what changed since the last one."""

from __future__ import annotations

import pytest

from streams.client.admin import NewTopic
from streams.commit import commit_plan
from streams.config import Guarantee
from streams.model import TopicPartition
from streams.runtime.access import send_records
from streams.runtime.activity import wait
from streams.runtime.committing import OFFSETS_REFRESH_MS
from tests.unit.streams.runtime.machine import Machine

LINES = [("k", "a b"), ("k", "b c"), ("k", "c d")]


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_every_step_of_the_plan_is_announced_before_and_after(guarantee: Guarantee) -> None:
    machine = Machine(lines=LINES, guarantee=guarantee)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.totals.commits)
    steps = [(fields["step"], fields["at"]) for name, fields in machine.world.observer.events if name == "commit.step"]
    expected = [(step.kind.value, at) for step in commit_plan(guarantee) for at in ("before", "after")]
    assert steps[: len(expected)] == expected


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_offsets_outputs_and_state_agree_after_a_commit(guarantee: Guarantee) -> None:
    machine = Machine(lines=LINES, guarantee=guarantee)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    partitions = [TopicPartition("lines", index) for index in range(2)]
    offsets = machine.do(wait(machine.client.admin.committed("words", partitions, require_stable=True)))
    assert sum(entry.offset for entry in offsets.values() if entry is not None) == len(LINES)
    machine.close()
    counts = {record.key: record.value for record in machine.world.read("counts")}
    assert counts == {b"a": b"1", b"b": b"2", b"c": b"2", b"d": b"1"}
    assert machine.world.store("counts") == counts


def test_nothing_is_visible_before_the_transaction_ends() -> None:
    """Crash before the end of the transaction: no output, no offset, no row."""
    machine = Machine(lines=LINES)
    worker = machine.worker()
    machine.turn(
        worker, lambda: ("commit.step", {"step": "flush_caches", "at": "after"}) in machine.world.observer.events
    )
    assert machine.world.state.unflushed_batches()
    machine.world.crash("keep")
    assert machine.world.read("shouted") == []
    assert machine.world.store("counts") == {}


def test_state_is_flushed_after_enough_records() -> None:
    machine = Machine(lines=LINES, state_flush_records=1)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.totals.commits > 1)
    assert set(machine.world.state.unflushed_batches().values()) == {0}


def test_a_cluster_is_told_the_offsets_anew_every_day() -> None:
    """It forgets those of idle partitions. The log in the process does not; an idle worker there commits nothing."""
    machine = Machine(broker="elsewhere:9092")
    topics = {name: NewTopic(partitions=2) for name in ("lines", "shouted", "counts")}
    machine.do(wait(machine.client.admin.create_topics(topics)))
    rows = [(key.encode(), value.encode(), machine.world.now_ms, ()) for key, value in LINES]
    machine.do(send_records(machine.client, machine.config, "lines", rows))
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.commits and worker.metrics().lag == 0)
    for _ in range(500):
        worker.run_once(machine.world.now_ms)
        machine.world.now_ms += 1
    commits = worker.totals.commits
    machine.world.now_ms += OFFSETS_REFRESH_MS - 10_000
    for _ in range(100):
        worker.run_once(machine.world.now_ms)
        machine.world.now_ms += 1
    assert worker.totals.commits == commits
    partitions = [TopicPartition("lines", index) for index in range(2)]
    offsets = machine.do(wait(machine.client.admin.committed("words", partitions)))
    machine.do(wait(machine.client.admin.delete_groups(["words"])))
    machine.world.now_ms += 10_000
    machine.turn(worker, lambda: worker.totals.commits > commits)
    assert machine.do(wait(machine.client.admin.committed("words", partitions))) == offsets
    assert worker.totals.commits == commits + 1
