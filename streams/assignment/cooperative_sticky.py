"""Cooperative sticky (KIP-429): nobody stops reading what it keeps, and nothing has two readers. PURE.

A partition that moves is first taken from its owner and given to nobody. The owner gives it up and joins again, and
the plan of that second rebalance hands it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.assignment.balance import balanced
from streams.assignment.model import NO_GENERATION, Assignment, GroupMember, plan
from streams.assignment.sticky import latest_claims
from streams.assignment.wire import decode_cooperative, encode_cooperative
from streams.model import TopicPartition


class CooperativeStickyAssignor:
    """The sticky plan without what somebody must give up first. What a member owns is in its subscription."""

    name = "cooperative-sticky"
    is_cooperative = True

    def user_data(self, held: Sequence[TopicPartition], generation: int) -> bytes | None:
        return encode_cooperative(generation)

    def assign(self, partition_counts: Mapping[str, int], members: Sequence[GroupMember]) -> dict[str, Assignment]:
        claims = [(member, member.owned, _generation(member)) for member in members]
        wanted = balanced(partition_counts, members, latest_claims(claims))
        owners: dict[TopicPartition, set[str]] = {}
        for member in members:
            for place in member.owned:
                owners.setdefault(place, set()).add(member.member_id)
        chosen = {
            member_id: [place for place in places if place not in owners or member_id in owners[place]]
            for member_id, places in wanted.items()
        }
        return plan(members, chosen)


def _generation(member: GroupMember) -> int:
    """From the subscription, or from the user data of members too old to have it there."""
    return member.generation if member.generation != NO_GENERATION else decode_cooperative(member.user_data)
