"""ListOffsets for whoever needs it: the admin's call, and the consumer that looks for "earliest" and "latest"."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from broker_core.model import NO_OFFSET
from broker_core.protocol.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from streams.client.calls import Again, Exchange, Exchanges, Judge, Leader
from streams.client.errors import ConnectionLost
from streams.errors import ClientError
from streams.model import Isolation, TopicPartition

CONSUMER_REPLICA_ID = -1


class OffsetRequests:
    """Asks each partition's leader for an offset; one request per partition, for leaders move one by one."""

    def __init__(self, exchanges: Exchanges, judge: Judge) -> None:
        self._exchanges, self._judge = exchanges, judge

    def list_offsets(
        self,
        timestamps: Mapping[TopicPartition, int],
        isolation: Isolation,
        found: Callable[[dict[TopicPartition, int | None]], None],
        fail: Callable[[ClientError], None],
    ) -> None:
        """Calls ``found`` once all are known, or ``fail`` once with the first refusal."""
        offsets: dict[TopicPartition, int | None] = dict.fromkeys(timestamps)
        if not offsets:
            found({})
            return
        gathered = Gather(len(offsets), lambda: found(offsets), fail)
        for topic_partition, timestamp in timestamps.items():
            self._ask(topic_partition, timestamp, isolation, offsets, gathered)

    def _ask(
        self,
        topic_partition: TopicPartition,
        timestamp: int,
        isolation: Isolation,
        offsets: dict[TopicPartition, int | None],
        gathered: Gather,
    ) -> None:
        wanted = ListOffsetsPartition(partition_index=topic_partition.partition, timestamp=timestamp)
        body = ListOffsetsRequest(
            replica_id=CONSUMER_REPLICA_ID,
            isolation_level=isolation,
            topics=(ListOffsetsTopic(name=topic_partition.topic, partitions=(wanted,)),),
        )
        doing = f"looking for an offset of {topic_partition}"

        def settle(answer: ListOffsetsResponse) -> None:
            for topic in answer.topics:
                for partition in topic.partitions:
                    self._judge.check(partition.error_code, doing)
                    offsets[topic_partition] = None if partition.offset == NO_OFFSET else partition.offset
                    gathered.done()
                    return
            raise Again(ConnectionLost().code)

        self._exchanges.start(Exchange(body, Leader(topic_partition), doing, settle, gathered.fail))


class Gather:
    """Waits for several answers: ``done`` after the last, or the first error and nothing more."""

    def __init__(self, count: int, done: Callable[[], None], fail: Callable[[ClientError], None]) -> None:
        self._left, self._done, self._fail = count, done, fail
        self._failed = False

    def done(self) -> None:
        self._left -= 1
        if self._left == 0 and not self._failed:
            self._done()

    def fail(self, error: ClientError) -> None:
        if not self._failed:
            self._failed = True
            self._fail(error)
