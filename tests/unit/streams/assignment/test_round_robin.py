"""Round robin: all partitions dealt like cards."""

from __future__ import annotations

from streams.assignment.round_robin import RoundRobinAssignor
from tests.unit.streams.assignment.groups import member, shown


def test_cards_go_on_across_topics() -> None:
    plan = RoundRobinAssignor().assign({"t": 3, "u": 3}, [member("b", "t", "u"), member("a", "t", "u")])
    assert shown(plan) == {"a": "t0 t2 u1", "b": "t1 u0 u2"}


def test_who_does_not_want_a_topic_is_passed_over() -> None:
    """The example of Kafka's own documentation: uneven, because round robin never looks at loads."""
    members = [member("c0", "t0"), member("c1", "t0", "t1"), member("c2", "t0", "t1", "t2")]
    plan = RoundRobinAssignor().assign({"t0": 1, "t1": 2, "t2": 3}, members)
    assert {name: len(found.split()) for name, found in shown(plan).items()} == {"c0": 1, "c1": 1, "c2": 4}


def test_missing_topics_have_no_partitions() -> None:
    assert shown(RoundRobinAssignor().assign({}, [member("a", "t")])) == {"a": ""}
