"""The even plan near the one before."""

from __future__ import annotations

from streams.assignment.balance import balanced
from streams.model import TopicPartition
from tests.unit.streams.assignment.groups import member, places


def test_a_chain_of_moves_evens_out_what_no_single_move_can() -> None:
    """a may only read t, b both, c only u: a's surplus reaches c by way of b."""
    members = [member("a", "t"), member("b", "t", "u"), member("c", "u")]
    kept = {**dict.fromkeys(places("t", 0, 1, 2), "a"), **dict.fromkeys(places("u", 0, 1), "b"), **{}}
    kept[TopicPartition("u", 2)] = "c"
    plan = balanced({"t": 3, "u": 3}, members, kept)
    assert sorted(len(found) for found in plan.values()) == [2, 2, 2]


def test_what_somebody_reads_stays_and_what_is_new_moves() -> None:
    plan = balanced({"t": 4}, [member("a", "t"), member("b", "t")], dict.fromkeys(places("t", 0, 3), "a"))
    assert sorted(plan["a"]) == list(places("t", 0, 3))
    assert sorted(plan["b"]) == list(places("t", 1, 2))


def test_claims_that_no_longer_hold_are_ignored() -> None:
    kept = {TopicPartition("t", 7): "a", TopicPartition("t", 0): "gone", TopicPartition("u", 0): "a"}
    plan = balanced({"t": 1, "u": 1}, [member("a", "t"), member("b", "u")], kept)
    assert plan == {"a": [TopicPartition("t", 0)], "b": [TopicPartition("u", 0)]}


def test_nobody_is_there() -> None:
    assert balanced({"t": 3}, [], {}) == {}
