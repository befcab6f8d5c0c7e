"""Sticky (KIP-54): as even as can be, and members keep what they had. PURE.

Eager: everything is given up at each rebalance, and what a member had counts all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from streams.assignment.balance import balanced
from streams.assignment.model import Assignment, GroupMember, plan
from streams.assignment.wire import decode_sticky, encode_sticky
from streams.model import TopicPartition


class StickyAssignor:
    """What a member had travels in its user data, for it has given up everything when it joins."""

    name = "sticky"
    is_cooperative = False

    def user_data(self, held: Sequence[TopicPartition], generation: int) -> bytes | None:
        return encode_sticky(held, generation) if held else None

    def assign(self, partition_counts: Mapping[str, int], members: Sequence[GroupMember]) -> dict[str, Assignment]:
        claims = [(member, *decode_sticky(member.user_data)) for member in members]
        return plan(members, balanced(partition_counts, members, latest_claims(claims)))


def latest_claims(
    claims: Iterable[tuple[GroupMember, Sequence[TopicPartition], int]],
) -> dict[TopicPartition, str]:
    """Who had each partition last: of several claims the one of the highest generation; of equals none is believed."""
    found: dict[TopicPartition, tuple[int, str | None]] = {}
    for member, places, generation in claims:
        for place in dict.fromkeys(places):
            known, _ = found.get(place, (generation - 1, None))
            if generation > known:
                found[place] = (generation, member.member_id)
            elif generation == known:
                found[place] = (generation, None)
    return {place: owner for place, (_, owner) in found.items() if owner is not None}
