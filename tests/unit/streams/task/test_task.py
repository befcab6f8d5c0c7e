"""A task: queues, program and times together."""

from __future__ import annotations

from typing import Any

import pytest

from state.model import TaskId
from streams.errors import ProcessingError
from streams.model import OffsetAndMetadata, TopicPartition
from streams.task import IllegalTransitionError, Task, TaskEvent, TaskState
from streams.task.times import Times, decode_times, encode_times
from streams.topology.nodes import Filter, Merge
from tests.unit.streams.chains import Runner, aggregate, batch_of, chain, function, rows_of, sink, source, sub_topology

P1, P2 = TopicPartition("p1", 3), TopicPartition("p2", 3)


def merging() -> Task:
    sub = sub_topology((source("p1"), ()), (source("p2"), ()), (Merge(name="both"), ("p1", "p2")), (sink(), ("both",)))
    return running(Runner(sub))


def running(runner: Runner) -> Task:
    task = Task(TaskId(0, 3), runner.sub, runner.bound, runner.stores)
    task.move(TaskEvent.RUN)
    return task


def written(task: Task) -> list[Any]:
    return [row for columns in task.drain_outputs() for row in rows_of(columns)]


def test_its_inputs_are_its_partition_of_every_source_topic() -> None:
    assert merging().inputs == (P1, P2)


def test_records_are_processed_by_head_timestamp() -> None:
    """Case order-across-inputs-head-timestamp of the conformance suite."""
    task = merging()
    task.add(batch_of("p1", [(b"k", b"1", 1), (b"k", b"5", 5), (b"k", b"3", 3)]))
    assert task.process(2) == 2
    assert written(task) == [(b"k", b"1", 1), (b"k", b"5", 5)]
    task.add(batch_of("p2", [(b"k", b"2", 2), (b"k", b"4", 4), (b"k", b"6", 6)]))
    assert task.process(2) == 2
    assert written(task) == [(b"k", b"2", 2), (b"k", b"3", 3)]
    assert (task.buffered(P1), task.buffered(P2)) == (0, 2)


def test_it_waits_for_an_input_that_has_data_on_the_broker() -> None:
    task = merging()
    task.add(batch_of("p1", [(b"k", b"1", 1)]))
    behind = {P1}.__contains__
    assert not task.can_process(behind)
    assert task.process(10, behind) == 0
    assert task.can_process({P2}.__contains__)
    assert task.process(10, {P2}.__contains__) == 1


def test_the_extractor_decides_the_order() -> None:
    sub = sub_topology(
        (source("p1", timestamp=function(lambda value: value)), ()),
        (source("p2"), ()),
        (Merge(name="both"), ("p1", "p2")),
        (sink(), ("both",)),
    )
    task = running(Runner(sub))
    task.add(batch_of("p1", [(b"a", b"50", 1)]))
    task.add(batch_of("p2", [(b"b", b"0", 20)]))
    task.process(10)
    assert written(task) == [(b"b", b"0", 20), (b"a", b"50", 50)]
    assert task.partition_times() == {P1: 50, P2: 20}


def test_what_there_is_to_commit() -> None:
    task = merging()
    assert (task.positions(), task.partition_times(), task.offsets()) == ({}, {}, {})
    task.add(batch_of("p1", [(b"k", b"1", 7), (b"k", b"1", 5)], base=10))
    task.process(1)
    assert task.positions() == {P1: 11}
    offsets = task.offsets()
    assert offsets[P1].offset == 11
    assert decode_times(offsets[P1].metadata) == Times(partition_time=7)


def test_committed_times_are_taken_up_again() -> None:
    task = merging()
    metadata = encode_times(Times(partition_time=90, operator_times={"join": 80}))
    task.restore({P1: OffsetAndMetadata(5, metadata), P2: None})
    assert task.positions() == {P1: 5}
    assert task.partition_times() == {P1: 90}
    task.add(batch_of("p1", [(b"k", b"1", 7)], base=5))
    task.process(1)
    assert decode_times(task.offsets()[P1].metadata) == Times(partition_time=90, operator_times={"join": 80})


def test_only_a_running_task_processes() -> None:
    runner = Runner(chain(source(), sink()))
    task = Task(TaskId(0, 3), runner.sub, runner.bound)
    task.add(batch_of("in", [(b"a", b"1", 1)]))
    assert not task.can_process(lambda _: True)
    with pytest.raises(IllegalTransitionError):
        task.process(1)
    task.move(TaskEvent.RESTORE)
    task.move(TaskEvent.RUN)
    assert task.process(1) == 1
    task.move(TaskEvent.CLOSE)
    assert task.state is TaskState.CLOSED


def test_after_a_failure_the_position_has_not_passed_the_record() -> None:
    broken = Filter(name="broken", predicate=function(lambda value: 1 // value == 1))
    task = running(Runner(chain(source(), broken, sink())))
    topic_partition = TopicPartition("in", 3)
    task.add(batch_of("in", [(b"a", b"1", 1)], base=3))
    task.add(batch_of("in", [(b"b", b"1", 2), (b"c", b"0", 3), (b"d", b"1", 4)], base=4))
    with pytest.raises(ProcessingError) as caught:
        task.process(10)
    assert caught.value.offset == 5
    assert task.positions()[topic_partition] <= 5


def test_flush_empties_the_caches() -> None:
    task = running(Runner(chain(source(), aggregate("counts", "count")), cache=True))
    task.add(batch_of("in", [(b"a", b"1", 1)]))
    task.process(10)
    stores: Any = task.stores
    assert list(stores.store("counts-store").range()) == []
    task.flush()
    assert list(stores.store("counts-store").range()) == [(b"a", b"1")]
