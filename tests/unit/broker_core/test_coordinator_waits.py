"""Waits are met in the order they were made, and never for logs that are gone."""

from broker_core.coordinator_waits import SyncWaits, Wait
from broker_core.decision import WriteMarkers
from broker_core.model import TopicPartition

A = TopicPartition("a", 0)
B = TopicPartition("b", 0)


def test_a_wait_is_due_when_every_log_is_far_enough() -> None:
    waits = SyncWaits()
    both = Wait(needs={A: 3, B: 1}, reply="both")
    waits.add(both)
    assert waits.take_ready({A: 3, B: 0}.get) == []
    assert waits.take_ready({A: 3, B: 1}.get) == [both]
    assert waits.take_ready({A: 9, B: 9}.get) == []


def test_order_of_making_is_kept_among_the_due() -> None:
    waits = SyncWaits()
    for number in range(4):
        waits.add(Wait(needs={A: 4 - number}, reply=number))
    assert [wait.reply for wait in waits.take_ready({A: 2}.get)] == [2, 3]
    assert [wait.reply for wait in waits.take_ready({A: 4}.get)] == [0, 1]


def test_a_log_that_is_gone_is_not_waited_for() -> None:
    waits = SyncWaits()
    waits.add(Wait(needs={A: 3}, reply="late"))
    assert [wait.reply for wait in waits.take_ready(lambda log: None)] == ["late"]


def test_a_topic_that_came_back_is_not_waited_for_either() -> None:
    waits = SyncWaits()
    step = WriteMarkers(transactional_id="t")
    waits.add(Wait(needs={A: 3, B: 1}, then=step))
    waits.forget(frozenset({"a"}))
    assert waits.awaited() == {B: 1}
    assert [wait.then for wait in waits.take_ready({A: 0, B: 1}.get)] == [step]


def test_failed_logs_take_their_waits_with_them() -> None:
    waits = SyncWaits()
    waits.add(Wait(needs={A: 1, B: 1}, reply="lost"))
    waits.add(Wait(needs={B: 1}, reply="kept"))
    assert [wait.reply for wait in waits.take_failed(A)] == ["lost"]
    assert [wait.reply for wait in waits.take_ready({B: 1}.get)] == ["kept"]


def test_awaited_is_the_furthest_need_of_each_log() -> None:
    waits = SyncWaits()
    waits.add(Wait(needs={A: 5}))
    waits.add(Wait(needs={A: 2, B: 7}))
    assert waits.awaited() == {A: 5, B: 7}
