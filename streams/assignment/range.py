"""Range: every topic's partitions in one piece per member, as Kafka's ``RangeAssignor`` deals them. PURE.

Topics with equally many partitions and subscribers are cut at the same places, so that joins find both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.assignment.model import Assignment, GroupMember, plan, subscribers
from streams.model import TopicPartition


class RangeAssignor:
    """Per topic: member i gets the i-th piece; the first ones get one more where it does not come out even."""

    name = "range"
    is_cooperative = False

    def user_data(self, held: Sequence[TopicPartition], generation: int) -> bytes | None:
        return None

    def assign(self, partition_counts: Mapping[str, int], members: Sequence[GroupMember]) -> dict[str, Assignment]:
        chosen: dict[str, list[TopicPartition]] = {member.member_id: [] for member in members}
        for topic, readers in subscribers(members).items():
            each, extra = divmod(partition_counts.get(topic, 0), len(readers))
            start = 0
            for index, reader in enumerate(readers):
                stop = start + each + (index < extra)
                chosen[reader.member_id] += [TopicPartition(topic, partition) for partition in range(start, stop)]
                start = stop
        return plan(members, chosen)
