"""Round robin: all partitions of all topics dealt like cards, as Kafka's ``RoundRobinAssignor`` does. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.assignment.model import Assignment, GroupMember, plan, subscribers
from streams.model import TopicPartition


class RoundRobinAssignor:
    """One partition after the other to one member after the other; who does not want the topic is passed over."""

    name = "roundrobin"
    is_cooperative = False

    def user_data(self, held: Sequence[TopicPartition], generation: int) -> bytes | None:
        return None

    def assign(self, partition_counts: Mapping[str, int], members: Sequence[GroupMember]) -> dict[str, Assignment]:
        dealt = sorted(members, key=lambda member: member.rank)
        chosen: dict[str, list[TopicPartition]] = {member.member_id: [] for member in members}
        turn = 0
        for topic in subscribers(members):
            for partition in range(partition_counts.get(topic, 0)):
                while topic not in dealt[turn % len(dealt)].topics:
                    turn += 1
                chosen[dealt[turn % len(dealt)].member_id].append(TopicPartition(topic, partition))
                turn += 1
        return plan(members, chosen)
