"""Which partitions a consumer reads, where each begins, and how far its application has got. Sans-IO.

Between being assigned and being read lies the question where to begin: what is committed, or the reset policy. Fetching
is ``consumer``'s; who may read what is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from broker_core.errors import ErrorCode
from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.client.admin import Admin
from streams.client.consumer import Consumer, OffsetReset
from streams.client.errors import NoOffset
from streams.client.pending import Pending
from streams.model import OffsetAndMetadata, TopicPartition


class Positions:
    """One consumer's.

    Arguments:
        consumer: reads.
        admin: knows what is committed.
        group_id: whose commits to begin with; None for none.
        offset_reset: where to begin without any; None fails with ``NoOffset``.
    """

    def __init__(
        self, consumer: Consumer, admin: Admin, group_id: str | None, offset_reset: OffsetReset | None
    ) -> None:
        self._consumer, self._admin = consumer, admin
        self._group_id, self._offset_reset = group_id, offset_reset
        self._assigned: dict[TopicPartition, int | None] = {}
        """Where each begins; None while that is not known yet. Gone on with by ``consumer`` once it is."""
        self._looking: dict[TopicPartition, None] = {}
        self._paused: dict[TopicPartition, None] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._trouble: Exception | None = None

    def check(self) -> None:
        """Raise what came in the way of a beginning, once."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read exactly these; those that were read before go on where they are."""
        wanted = tuple(partitions)
        self._assigned = {place: self._assigned.get(place) for place in wanted}
        self._reading()

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        return tuple(self._assigned)

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        """Go on from there. Raises ``KeyError`` for a partition that is not assigned."""
        begun = self._assigned[topic_partition] is not None
        self._assigned[topic_partition] = offset
        if begun:
            self._consumer.seek(topic_partition, offset)
        else:
            self._reading()

    def pause(self, partitions: Iterable[TopicPartition], held: Mapping[TopicPartition, int]) -> None:
        """Hand out nothing more of these. Raises ``KeyError`` as ``seek`` does.

        Arguments:
            held: as for ``uncommitted``; after ``resume`` it goes on there.
        """
        for place in partitions:
            if self._assigned[place] is not None:
                self._consumer.seek(place, held.get(place, self._consumer.position(place)))
            self._paused[place] = None
        self._reading()

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Read them again."""
        for place in partitions:
            self._paused.pop(place, None)
        self._reading()

    def position(self, topic_partition: TopicPartition) -> int | None:
        """The next offset to be handed out; None while nobody knows. Raises ``KeyError`` as ``seek`` does."""
        if self._assigned[topic_partition] is None:
            return None
        found = self._consumer.position(topic_partition)
        return found if found >= 0 else None

    def uncommitted(self, held: Mapping[TopicPartition, int]) -> dict[TopicPartition, OffsetAndMetadata]:
        """Positions that are not committed yet.

        Arguments:
            held: first offsets of what the application has got and not used yet.
        """
        found: dict[TopicPartition, OffsetAndMetadata] = {}
        for place in self._assigned:
            position = held.get(place, self.position(place))
            if position is not None and self._committed.get(place) != position:
                found[place] = OffsetAndMetadata(position)
        return found

    def note_committed(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """These are committed now."""
        self._committed.update({place: at.offset for place, at in offsets.items() if place in self._assigned})

    def look_up(self) -> None:
        """Ask where partitions begin that nobody has said it of."""
        new = [place for place, offset in self._assigned.items() if offset is None and place not in self._looking]
        if not new or self._trouble is not None:
            return
        if self._group_id is None:
            self._begin(dict.fromkeys(new))
            return
        self._looking.update(dict.fromkeys(new))
        found = self._admin.committed(self._group_id, new)

        def settle(settled: Pending[dict[TopicPartition, OffsetAndMetadata | None]]) -> None:
            for place in new:
                self._looking.pop(place, None)
            if settled.error is not None:
                self._trouble = settled.error
            else:
                self._begin(settled.result())

        found.then(settle)

    def _begin(self, committed: Mapping[TopicPartition, OffsetAndMetadata | None]) -> None:
        for place, known in committed.items():
            if place not in self._assigned or self._assigned[place] is not None:
                continue
            if known is not None:
                self._assigned[place] = self._committed[place] = known.offset
            elif self._offset_reset is not None:
                self._assigned[place] = EARLIEST_OFFSET if self._offset_reset == "earliest" else LATEST_OFFSET
            else:
                doing = f"topic {place.topic}, partition {place.partition}: nothing is committed"
                self._trouble = NoOffset(
                    ErrorCode.OFFSET_OUT_OF_RANGE, f"{doing}; seek, or set offset_reset='earliest' or 'latest'"
                )
        self._reading()

    def _reading(self) -> None:
        """Have the consumer read what is assigned, has a beginning and is not paused."""
        begun = {place: offset for place, offset in self._assigned.items() if offset is not None}
        self._paused = {place: None for place in self._paused if place in self._assigned}
        self._consumer.assign(begun)
        self._consumer.pause(place for place in begun if place in self._paused)
        self._consumer.resume(place for place in begun if place not in self._paused)
        self._committed = {place: at for place, at in self._committed.items() if place in self._assigned}
