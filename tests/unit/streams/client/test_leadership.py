"""The leader's plan, and when it is out of date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from streams.assignment import Assignment, GroupMember, RangeAssignor
from streams.client.calls import Again
from streams.client.leadership import Leadership
from streams.client.pending import Pending
from streams.errors import ClientError
from tests.unit.streams.assignment.groups import member, places


class Topics:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.open: list[Pending[dict[str, int]]] = []

    def __call__(self, topics: Sequence[str]) -> Pending[dict[str, int]]:
        self.asked.append(list(topics))
        self.open.append(Pending())
        return self.open[-1]


def test_a_plan_waits_for_the_partitions_of_all_topics() -> None:
    topics = Topics()
    leadership = Leadership("g", topics, 1_000)
    leadership.take_over(RangeAssignor(), [member("a", "u", "t"), member("b", "t")])
    assert topics.asked == [["t", "u"]]
    assert leadership.plan(0) is None
    topics.open[0].resolve({"t": 2})
    assert leadership.plan(0) == {
        "a": Assignment(partitions=places("t", 0)), "b": Assignment(partitions=places("t", 1)),
    }  # fmt: skip


def test_partitions_that_cannot_be_found_out_are_asked_for_in_another_round() -> None:
    topics = Topics()
    leadership = Leadership("g", topics, 1_000)
    leadership.take_over(RangeAssignor(), [member("a", "t")])
    topics.open[0].fail(ClientError(7, "no answer"))
    with pytest.raises(Again):
        leadership.plan(0)


class Broken:
    name = "broken"
    is_cooperative = False

    def user_data(self, held: object, generation: int) -> None:
        return None

    def assign(self, partition_counts: Mapping[str, int], members: Sequence[GroupMember]) -> dict[str, Assignment]:
        raise KeyError("t")


def test_an_assignor_that_fails_is_named() -> None:
    topics = Topics()
    leadership = Leadership("g", topics, 1_000)
    leadership.take_over(Broken(), [member("a", "t")])
    topics.open[0].resolve({})
    with pytest.raises(ClientError, match=r"assignor 'broken' of group g .*KeyError: 't'") as caught:
        leadership.plan(0)
    assert isinstance(caught.value.__cause__, KeyError)


def test_it_looks_now_and_then_whether_topics_have_changed() -> None:
    topics = Topics()
    leadership = Leadership("g", topics, 1_000)
    assert not leadership.is_outdated(0)
    leadership.take_over(RangeAssignor(), [member("a", "t")])
    topics.open[0].resolve({"t": 2})
    leadership.plan(5)
    assert not leadership.is_outdated(1_004)
    assert len(topics.asked) == 1
    for now_ms, answer, outdated in ((1_005, {"t": 2}, False), (2_005, None, False), (3_005, {"t": 3}, True)):
        assert not leadership.is_outdated(now_ms)
        if answer is None:
            topics.open[-1].fail(ClientError(7, "no answer"))
        else:
            topics.open[-1].resolve(answer)
        assert leadership.is_outdated(now_ms) is outdated
    leadership.resign()
    assert not leadership.is_outdated(9_000)
