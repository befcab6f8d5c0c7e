"""Sticky: what a member had is in its user data."""

from __future__ import annotations

from streams.assignment.sticky import StickyAssignor, latest_claims
from streams.model import TopicPartition
from tests.unit.streams.assignment.groups import member, places, shown

STICKY = StickyAssignor()


def test_the_ones_who_stay_keep_theirs() -> None:
    """c leaves; a and b keep all they had and share c's (KIP-54, example 1)."""
    had_a, had_b = STICKY.user_data(places("t", 0, 3), 4), STICKY.user_data(places("t", 1, 4), 4)
    plan = STICKY.assign({"t": 6}, [member("a", "t", user_data=had_a), member("b", "t", user_data=had_b)])
    assert shown(plan) == {"a": "t0 t2 t3", "b": "t1 t4 t5"}


def test_of_two_claims_the_newer_one_counts_and_of_equals_none() -> None:
    claims = [
        (member("a"), places("t", 0, 1), 5),
        (member("b"), places("t", 0), 6),
        (member("c"), places("t", 1), 5),
    ]
    assert latest_claims(claims) == {TopicPartition("t", 0): "b"}
    assert latest_claims(reversed(claims)) == {TopicPartition("t", 0): "b"}


def test_user_data_that_makes_no_sense_is_no_claim() -> None:
    plan = STICKY.assign({"t": 2}, [member("a", "t", user_data=b"\xff\xff"), member("b", "t")])
    assert shown(plan) == {"a": "t0", "b": "t1"}


def test_nothing_held_is_nothing_said() -> None:
    assert STICKY.user_data((), 3) is None
