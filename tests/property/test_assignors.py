"""Assignors over random groups: complete, even, near to the plan before, and never two readers of a partition."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.assignment import (
    Assignment,
    Assignor,
    CooperativeStickyAssignor,
    GroupMember,
    RangeAssignor,
    RoundRobinAssignor,
    StickyAssignor,
)
from streams.assignment.wire import encode_subscription
from streams.model import TopicPartition
from tests.unit.streams.assignment.groups import owners
from tests.unit.streams.assignment.theirs import (
    ConsumerProtocolSubscription,
    RangePartitionAssignor,
    RoundRobinPartitionAssignor,
    StickyPartitionAssignor,
)

TOPICS = ("t", "u", "v")
Places = dict[str, set[TopicPartition]]
ASSIGNORS: tuple[Assignor, ...] = (
    RangeAssignor(), RoundRobinAssignor(), StickyAssignor(), CooperativeStickyAssignor()
)  # fmt: skip
counts = st.fixed_dictionaries({topic: st.integers(0, 7) for topic in TOPICS})
subscriptions = st.dictionaries(
    st.sampled_from([f"m{index}" for index in range(6)]),
    st.lists(st.sampled_from(TOPICS), min_size=1, unique=True).map(tuple),
    min_size=1,
)
histories = st.lists(st.tuples(counts, subscriptions), min_size=2, max_size=5)


def group(subscribed: Mapping[str, tuple[str, ...]]) -> list[GroupMember]:
    return [GroupMember(member_id=name, topics=topics) for name, topics in subscribed.items()]


def rejoined(
    assignor: Assignor, subscribed: Mapping[str, tuple[str, ...]], plan: Mapping[str, Assignment], generation: int
) -> list[GroupMember]:
    """The members as they join after a rebalance that gave them ``plan``."""
    members = []
    for name, topics in subscribed.items():
        held = plan[name].partitions if name in plan else ()
        members.append(
            GroupMember(
                member_id=name,
                topics=topics,
                owned=tuple(place for place in held if place.topic in topics) if assignor.is_cooperative else (),
                generation=generation if assignor.is_cooperative and name in plan else -1,
                user_data=assignor.user_data(held, generation) if name in plan else None,
            )
        )
    return members


def settled(assignor: Assignor, partitions: Mapping[str, int], members: list[GroupMember]) -> dict[str, Assignment]:
    """The plan once everybody has given up what moves: with cooperative assignors a second rebalance."""
    plan = assignor.assign(partitions, members)
    if assignor.is_cooperative:
        subscribed = {member.member_id: member.topics for member in members}
        plan = assignor.assign(partitions, rejoined(assignor, subscribed, plan, 99))
    return plan


def wanted(partitions: Mapping[str, int], members: list[GroupMember]) -> set[TopicPartition]:
    topics = {topic for member in members for topic in member.topics}
    return {TopicPartition(topic, index) for topic in topics for index in range(partitions[topic])}


@given(st.sampled_from(ASSIGNORS), counts, subscriptions)
def test_every_wanted_partition_has_one_reader_who_wants_it(
    assignor: Assignor, partitions: dict[str, int], subscribed: dict[str, tuple[str, ...]]
) -> None:
    members = group(subscribed)
    plan = assignor.assign(partitions, members)
    found = owners(plan)
    assert set(plan) == set(subscribed)
    assert set(found) == wanted(partitions, members)
    for place, readers in found.items():
        assert len(readers) == 1
        assert place.topic in subscribed[readers[0]]


@given(st.sampled_from((StickyAssignor(), CooperativeStickyAssignor())), histories)
def test_sticky_plans_are_as_even_as_subscriptions_allow_whatever_was_before(
    assignor: Assignor, history: list[tuple[dict[str, int], dict[str, tuple[str, ...]]]]
) -> None:
    """No member has two more than another to whom it could hand one, even by way of others."""
    plan: dict[str, Assignment] = {}
    for generation, (partitions, subscribed) in enumerate(history):
        members = rejoined(assignor, subscribed, plan, generation)
        plan = settled(assignor, partitions, members)
        assert set(owners(plan)) == wanted(partitions, members)
        loads = {name: len(assignment.partitions) for name, assignment in plan.items()}
        for start in plan:
            for end in reachable(start, plan, subscribed):
                assert loads[start] - loads[end] <= 1, (start, end, plan)


def reachable(start: str, plan: Mapping[str, Assignment], subscribed: Mapping[str, tuple[str, ...]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        giver = waiting.pop()
        topics = {place.topic for place in plan[giver].partitions}
        for taker, wants in subscribed.items():
            if taker not in found and topics & set(wants):
                found.add(taker)
                waiting.append(taker)
    return found


@given(st.sampled_from((StickyAssignor(), CooperativeStickyAssignor())), counts, subscriptions)
def test_where_nothing_changes_nothing_moves(
    assignor: Assignor, partitions: dict[str, int], subscribed: dict[str, tuple[str, ...]]
) -> None:
    plan = assignor.assign(partitions, group(subscribed))
    assert assignor.assign(partitions, rejoined(assignor, subscribed, plan, 1)) == plan


@given(
    st.sampled_from((StickyAssignor(), CooperativeStickyAssignor())),
    st.integers(1, 12), st.integers(1, 6), st.integers(1, 6),
)  # fmt: skip
def test_members_come_and_go_and_only_what_must_moves(assignor: Assignor, count: int, before: int, after: int) -> None:
    """All want the same topic: nobody who stays loses more than what is above the new share."""
    subscribed = {f"m{index}": ("t",) for index in range(before)}
    plan = assignor.assign({"t": count}, group(subscribed))
    changed = {f"m{index}": ("t",) for index in range(after)}
    new = settled(assignor, {"t": count}, rejoined(assignor, changed, plan, 1))
    share, extra = divmod(count, after)
    moved = sum(len(set(plan[name].partitions) - set(new[name].partitions)) for name in plan if name in new)
    loads = sorted((len(plan[name].partitions) for name in changed if name in plan), reverse=True)
    above = sum(max(0, load - share - (index < extra)) for index, load in enumerate(loads))
    assert moved == above


@settings(max_examples=200)
@given(histories)
def test_cooperative_gives_nothing_away_that_somebody_has(
    history: list[tuple[dict[str, int], dict[str, tuple[str, ...]]]],
) -> None:
    """After a rebalance a member reads what the plan left it plus what the plan added: no partition has two readers,
    also while the others have not heard of it yet and still read what they had."""
    assignor = CooperativeStickyAssignor()
    reading: dict[str, set[TopicPartition]] = {}
    for generation, (partitions, subscribed) in enumerate(history):
        held = {name: Assignment(partitions=tuple(sorted(places))) for name, places in reading.items()}
        members = rejoined(assignor, subscribed, held, generation)
        plan = assignor.assign(partitions, members)
        # Who is gone has lost all it had; who stays gave up what it does not subscribe to before it joined.
        reading = {member.member_id: set(member.owned) for member in members}
        for name, assignment in plan.items():
            added = set(assignment.partitions) - reading[name]
            for other, places in reading.items():
                assert other == name or not added & places
        reading = {name: set(assignment.partitions) for name, assignment in plan.items()}


class TheirCluster:
    """As much of kafka-python's cluster metadata as its assignors look at."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self._partitions = partitions

    def topics(self) -> list[str]:
        return [topic for topic, count in self._partitions.items() if count]

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self._partitions[topic])) if self._partitions.get(topic) else None


def theirs(assignor: object, partitions: Mapping[str, int], members: list[GroupMember]) -> Places:
    read = [
        SimpleNamespace(
            member_id=member.member_id,
            group_instance_id=None,
            metadata=ConsumerProtocolSubscription.decode(encode_subscription(member, 1)),
        )
        for member in members
    ]
    plan = assignor.assign(TheirCluster(partitions), read)  # type: ignore[attr-defined]
    return {
        name: {TopicPartition(topic, index) for topic, indexes in assigned.assigned_partitions for index in indexes}
        for name, assigned in plan.items()
    }


def ours(assignor: Assignor, partitions: Mapping[str, int], members: list[GroupMember]) -> Places:
    return {name: set(found.partitions) for name, found in assignor.assign(partitions, members).items()}


@given(counts, subscriptions)
def test_range_deals_as_kafka_python_does(partitions: dict[str, int], subscribed: dict[str, tuple[str, ...]]) -> None:
    members = group(subscribed)
    assert ours(RangeAssignor(), partitions, members) == theirs(RangePartitionAssignor(), partitions, members)


@given(counts, st.integers(1, 6))
def test_round_robin_deals_as_kafka_python_does(partitions: dict[str, int], count: int) -> None:
    """With equal subscriptions; where they differ, its loop compares tuples with names."""
    members = group({f"m{index}": TOPICS for index in range(count)})
    assert ours(RoundRobinAssignor(), partitions, members) == theirs(RoundRobinPartitionAssignor(), partitions, members)


@settings(max_examples=50)
@given(counts, subscriptions)
def test_sticky_is_at_least_as_even_as_kafka_python(
    partitions: dict[str, int], subscribed: dict[str, tuple[str, ...]]
) -> None:
    members = group(subscribed)

    def squares(plan: Places) -> int:
        return sum(len(found) ** 2 for found in plan.values())

    their_plan = theirs(StickyPartitionAssignor(), partitions, members)
    assert squares(ours(StickyAssignor(), partitions, members)) <= squares(their_plan)
