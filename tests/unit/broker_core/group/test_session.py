"""What can be said about one group: common protocols, votes, leaders, static members, subscriptions."""

from broker_core.group.session import ClassicGroup, Member, Protocol, Ticket
from tests.unit.broker_core.group.group_world import subscription


def member(name: str, *protocols: str, instance: str | None = None, joined: bool = False) -> Member:
    return Member(
        member_id=name,
        instance_id=instance,
        client_id=name,
        client_host="/here",
        rebalance_timeout_ms=len(name) * 1_000,
        session_timeout_ms=10_000,
        protocols=tuple(Protocol(each, subscription(name)) for each in protocols),
        join=Ticket(1, 9) if joined else None,
    )


def group(*members: Member) -> ClassicGroup:
    made = ClassicGroup(group_id="g")
    for each in members:
        made.add(each, "consumer")
    return made


def offers(*names: str) -> list[Protocol]:
    return [Protocol(name, b"") for name in names]


def test_a_member_must_share_a_protocol_with_all() -> None:
    made = group(member("a", "range", "sticky"), member("b", "sticky", "own"))
    assert made.supports("consumer", offers("x", "sticky"))
    assert not made.supports("consumer", offers("range", "own"))
    assert not made.supports("connect", offers("sticky"))
    assert not made.supports("consumer", [])


def test_the_first_member_may_bring_anything_but_nothing() -> None:
    made = group()
    assert made.supports("anything", offers("x"))
    assert not made.supports("", offers("x"))
    assert not made.supports("anything", [])


def test_votes_count_among_common_protocols() -> None:
    made = group(member("a", "x", "y", "z"), member("b", "z", "y"), member("c", "q", "y", "z"))
    assert made.elected_protocol() == "y", "b votes for z, a and c for y"
    assert group(member("a", "x", "y"), member("b", "y", "x")).elected_protocol() == "x", "the first in a draw"


def test_the_leader_stays_if_it_has_joined() -> None:
    made = group(member("a", "x"), member("b", "x", joined=True), member("c", "x", joined=True))
    made.leader = "c"
    assert (made.elect_leader(), made.leader) == (True, "c")
    made.leader = "a"
    assert (made.elect_leader(), made.leader) == (True, "b")
    nobody = group(member("a", "x"))
    nobody.leader = "a"
    assert (nobody.elect_leader(), nobody.leader) == (False, "a")


def test_a_removed_leader_leaves_it_to_the_next() -> None:
    made = group(member("a", "x"), member("b", "x"))
    made.leader = "a"
    made.remove("a")
    assert made.leader == "b"
    made.remove("b")
    assert made.leader is None


def test_a_static_member_keeps_its_place_under_a_new_id() -> None:
    made = group(member("a", "x", instance="i"), member("b", "x"))
    made.leader, made.unsynced = "a", {"a": None}
    made.rename("a", "a2")
    assert list(made.members) == ["a2", "b"]
    assert (made.leader, made.static, made.unsynced) == ("a2", {"i": "a2"}, {"a2": None})
    made.remove("a2")
    assert made.static == {}


def test_the_longest_timeout_and_all_joined() -> None:
    made = group(member("a", "x", joined=True), member("bbb", "x"))
    assert (made.rebalance_timeout_ms, made.has_all_joined) == (3_000, False)
    made.members["bbb"].join = Ticket(2, 9)
    assert made.has_all_joined
    made.pending["c"] = None
    assert not made.has_all_joined


def test_subscribed_topics_are_those_of_all_consumers() -> None:
    made = group(member("a", "x"), member("b", "x"))
    made.protocol = "x"
    assert made.subscribed_topics() == frozenset({"a", "b"})
    made.members["b"].protocols = (Protocol("x", b"garbage"),)
    assert made.subscribed_topics() is None
    made.protocol_type = "connect"
    assert made.subscribed_topics() is None


def test_storing_and_loading_are_twins() -> None:
    made = group(member("a", "x", instance="i"), member("b", "x"))
    made.protocol, made.leader, made.generation = "x", "b", 7
    stored = made.stored({"b": b"all"}, 5)
    assert [each.assignment for each in stored.members] == [b"", b"all"]
    again = ClassicGroup.of("g", stored)
    assert again.stored({"b": b"all"}, 5) == stored
    assert (again.state.value, again.static) == ("Stable", {"i": "a"})
    assert ClassicGroup.of("g", group().stored({}, 5)).state.value == "Empty"
