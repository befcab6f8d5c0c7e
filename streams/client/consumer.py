"""The consumer a worker reads with: assigned partitions in, columns out, positions kept.

Decides what to fetch and when a position moves. What the fetched bytes mean is ``fetcher``'s business; groups and
assignment come from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from broker_core.errors import ErrorCode
from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET, NO_OFFSET
from broker_core.protocol.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData
from streams.client.calls import Backoff, Backoffs, Call, Judge
from streams.client.errors import STALE_LEADER, OffsetOutOfRange, error_for
from streams.client.fetcher import decode_fetched
from streams.client.metadata import Cluster
from streams.client.offset_requests import OffsetRequests
from streams.client.settings import ClientSettings
from streams.errors import ClientError
from streams.model import ColumnBatch, Isolation, TopicPartition

FETCH_MAX_VERSION: Final = 12
"""From 13 on topics go by id."""

OffsetReset = Literal["earliest", "latest"]


class Track:
    """What the consumer knows of one assigned partition."""

    __slots__ = (
        "backoff",
        "buffered",
        "due_ms",
        "end_offset",
        "error",
        "fetch_offset",
        "in_air",
        "is_at_end",
        "is_paused",
        "is_resolving",
        "position",
        "start_offset",
        "version",
    )

    def __init__(self, offset: int, backoff: Backoff) -> None:
        self.backoff = backoff
        self.version = 0
        """Raised by ``seek``: answers to older fetches are dropped, and nobody waits for them."""
        self.is_paused = False
        self.end_offset: int | None = None
        self.start_offset: int | None = None
        self.move(offset)

    def move(self, offset: int) -> None:
        self.position = self.fetch_offset = offset
        self.buffered: list[ColumnBatch] = []
        self.error: ClientError | None = None
        self.due_ms = 0
        self.version += 1
        self.in_air = False
        self.is_at_end = False
        self.is_resolving = False

    def wants_data(self, now_ms: int) -> bool:
        return (
            not self.in_air
            and not self.buffered
            and not self.is_paused
            and self.error is None
            and self.fetch_offset >= 0
            and now_ms >= self.due_ms
        )


class Consumer:
    """Reads assigned partitions. A partition is in at most one fetch; those that have none go together, per broker."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        offset_requests: OffsetRequests,
        judge: Judge,
        settings: ClientSettings,
        backoff: Backoffs,
        isolation: Isolation,
        offset_reset: OffsetReset | None,
    ) -> None:
        self._cluster, self._offset_requests, self._judge = cluster, offset_requests, judge
        self._settings, self._backoff = settings, backoff
        self._isolation, self._offset_reset = isolation, offset_reset
        self._tracks: dict[TopicPartition, Track] = {}

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read exactly these partitions from here on.

        Partitions that stay keep their position and buffer whatever offset is given. Offsets are absolute, or
        ``EARLIEST_OFFSET`` / ``LATEST_OFFSET``.
        """
        self._tracks = {
            topic_partition: self._tracks.get(topic_partition) or Track(offset, self._backoff())
            for topic_partition, offset in offsets.items()
        }

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        return tuple(self._tracks)

    def poll_batches(self) -> list[ColumnBatch]:
        """What arrived since the last call, in offset order per partition; never blocks, never empty batches.

        Raises:
            CorruptRecords: a batch's checksum is wrong; names topic, partition and offset. All before it was returned.
            OffsetOutOfRange: the position is not in the log and no reset policy is set.
            ClientError: the broker refuses to serve the partition.
        """
        batches: list[ColumnBatch] = []
        for track in self._tracks.values():
            if track.buffered:
                batches += track.buffered
                track.buffered = []
                track.position = track.fetch_offset
        if not batches:
            for track in self._tracks.values():
                if track.error is not None:
                    raise track.error
        return batches

    def position(self, topic_partition: TopicPartition) -> int:
        """Offset after everything that ``poll_batches`` returned, and after control and aborted records that follow.

        An unresolved ``EARLIEST_OFFSET`` or ``LATEST_OFFSET`` is returned as it is (negative).
        """
        return self._tracks[topic_partition].position

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        """Go on from ``offset``; what is buffered or under way for the partition is dropped."""
        self._tracks[topic_partition].move(offset)

    def pause(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Fetch no more; what is buffered or under way is still returned."""
        for topic_partition in topic_partitions:
            self._tracks[topic_partition].is_paused = True

    def resume(self, topic_partitions: Iterable[TopicPartition]) -> None:
        for topic_partition in topic_partitions:
            self._tracks[topic_partition].is_paused = False

    def end_offset(self, topic_partition: TopicPartition) -> int | None:
        """The end as of the last answer: last stable offset or high watermark; None before the first answer."""
        return self._tracks[topic_partition].end_offset

    def start_offset(self, topic_partition: TopicPartition) -> int | None:
        """The log's start as of the last answer."""
        return self._tracks[topic_partition].start_offset

    def is_caught_up(self, topic_partition: TopicPartition) -> bool:
        """Whether the last answer to a fetch from the current position said that there was no more (KIP-695)."""
        track = self._tracks[topic_partition]
        return track.is_at_end and not track.buffered

    def calls(self, now_ms: int) -> list[Call]:
        """For the pump."""
        by_node: dict[int, list[tuple[TopicPartition, Track]]] = {}
        for topic_partition, track in self._tracks.items():
            if track.due_ms <= now_ms:
                track.due_ms = 0  # a leader may still be looked for, which has a deadline of its own
            if track.fetch_offset < 0:
                self._resolve(topic_partition, track)
            if not track.wants_data(now_ms):
                continue
            try:
                node_id = self._cluster.leader(topic_partition)
            except ClientError as error:
                track.error = error
                continue
            if node_id is not None:
                by_node.setdefault(node_id, []).append((topic_partition, track))
        return [self._fetch(node_id, picked) for node_id, picked in by_node.items()]

    def next_deadline(self) -> int | None:
        """For the pump."""
        return min(
            (track.due_ms for track in self._tracks.values() if track.due_ms and not track.is_paused), default=None
        )

    def _resolve(self, topic_partition: TopicPartition, track: Track) -> None:
        """Ask where "earliest" or "latest" is."""
        if track.is_resolving or track.error is not None:
            return
        track.is_resolving = True
        version = track.version

        def found(offsets: dict[TopicPartition, int | None]) -> None:
            if track.version == version:
                track.move(offsets[topic_partition] or 0)

        def fail(error: ClientError) -> None:
            if track.version == version:
                track.error = error

        self._offset_requests.list_offsets({topic_partition: track.fetch_offset}, self._isolation, found, fail)

    def _fetch(self, node_id: int, picked: list[tuple[TopicPartition, Track]]) -> Call:
        topics: dict[str, list[FetchPartition]] = {}
        versions: list[int] = []
        for (topic, partition), track in picked:
            track.in_air = True
            versions.append(track.version)
            wanted = FetchPartition(
                partition=partition,
                fetch_offset=track.fetch_offset,
                partition_max_bytes=self._settings.fetch_partition_max_bytes,
            )
            topics.setdefault(topic, []).append(wanted)
        # Where the end is not known yet, an answer that only says "nothing" is worth having at once.
        may_wait = all(track.is_at_end for _, track in picked)
        body = FetchRequest(
            max_wait_ms=self._settings.fetch_max_wait_ms if may_wait else 0,
            min_bytes=self._settings.fetch_min_bytes,
            max_bytes=self._settings.fetch_max_bytes,
            isolation_level=self._isolation,
            topics=tuple(FetchTopic(topic=name, partitions=tuple(wanted)) for name, wanted in topics.items()),
        )

        def answered(answer: FetchResponse, now_ms: int) -> None:
            parts = {
                (topic.topic, part.partition_index): part for topic in answer.responses for part in topic.partitions
            }
            for (topic_partition, track), version in zip(picked, versions, strict=True):
                if track.version == version:
                    track.in_air = False
                    self._take(topic_partition, track, parts.get(topic_partition), answer.error_code, now_ms)

        def lost(error: ClientError, now_ms: int) -> None:
            for (topic_partition, track), version in zip(picked, versions, strict=True):
                if track.version == version:
                    track.in_air = False
                    self._refused(topic_partition, track, error.code, now_ms, str(error))

        return Call(node_id, body, FETCH_MAX_VERSION, answered, lost)

    def _take(
        self, topic_partition: TopicPartition, track: Track, part: PartitionData | None, code: int, now_ms: int
    ) -> None:
        if part is None or code or part.error_code:
            code = code or (part.error_code if part is not None else ErrorCode.NETWORK_EXCEPTION)
            self._refused(topic_partition, track, code, now_ms)
            return
        committed = self._isolation is Isolation.READ_COMMITTED
        track.end_offset = part.last_stable_offset if committed else part.high_watermark
        if part.log_start_offset != NO_OFFSET:
            track.start_offset = part.log_start_offset
        track.backoff.reset()
        if part.records:
            fetched = decode_fetched(
                topic_partition, part.records, track.fetch_offset, self._isolation, part.aborted_transactions
            )
            track.buffered, track.fetch_offset, track.error = fetched.batches, fetched.next_offset, fetched.error
            if not fetched.batches:
                track.position = fetched.next_offset
            else:
                self._last(topic_partition)
        track.is_at_end = track.fetch_offset >= track.end_offset

    def _refused(
        self, topic_partition: TopicPartition, track: Track, code: int, now_ms: int, detail: str | None = None
    ) -> None:
        track.is_at_end = False
        if code == ErrorCode.OFFSET_OUT_OF_RANGE:
            if self._offset_reset is not None:
                track.move(EARLIEST_OFFSET if self._offset_reset == "earliest" else LATEST_OFFSET)
            else:
                track.error = OffsetOutOfRange(
                    code,
                    f"topic {topic_partition.topic}, partition {topic_partition.partition}: offset "
                    f"{track.fetch_offset} is not in the log (deleted by retention, or the topic was made anew); "
                    "seek, or set an offset reset",
                )
        elif self._judge.retriable(code):
            if code in STALE_LEADER:
                self._cluster.forget_leader(topic_partition)
            track.due_ms = now_ms + track.backoff.next_ms()
        else:
            track.error = error_for(code, f"reading {topic_partition} at offset {track.fetch_offset}", detail)

    def _last(self, topic_partition: TopicPartition) -> None:
        """Who got data is asked for last: brokers fill an answer in the order of the request (KIP-74)."""
        track = self._tracks.get(topic_partition)
        if track is not None:
            del self._tracks[topic_partition]
            self._tracks[topic_partition] = track
