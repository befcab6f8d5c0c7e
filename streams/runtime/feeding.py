"""Feeding a topic from a Python iterable, so that where to go on is committed with the records.

A feed is a source of records that survives restarts: its position travels as offset metadata of the group
``<application>-feeds`` in the very transaction that carries its records. Reads no clock and opens nothing; what is
iterated over is the user's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from streams.client.producer import Producer
from streams.errors import StreamsError
from streams.model import OffsetAndMetadata, OutputColumns, Record, TopicPartition
from streams.serde.explain import encoding_problem, record_problem
from streams.serde.own import own_type
from streams.topology.feed import Feed, Once

MAX_POSITION_BYTES: Final = 4_000
"""Kafka's limit for offset metadata is 4096 bytes."""


def feeds_group(application_id: str) -> str:
    """The group under which an application's feeds keep their positions."""
    return f"{application_id}-feeds"


class Feeder:
    """One feed under way.

    Arguments:
        feed: what to feed.
        producer: the worker's; what is fed belongs to its open transaction.
        partitions: of the topic.
        committed: what the last run committed; None the first time.
    """

    def __init__(self, feed: Feed, producer: Producer, *, partitions: int, committed: OffsetAndMetadata | None) -> None:
        self._feed = feed
        self._producer = producer
        self._partitions = partitions
        self.slot = TopicPartition(feed.topic, 0)
        """Where the position is committed, in the feeds' group: one feed per topic, so its first partition."""
        self.count = committed.offset if committed else 0
        self._metadata = committed.metadata if committed else ""
        self.exhausted = False
        self.dirty = False
        self._items: Iterator[Any] | None = None

    def feed(self, max_items: int, now_ms: int) -> int:
        """Send up to ``max_items`` records; returns how many. Fewer where the source says "nothing now" or ends.

        Raises:
            StreamsError: the source raised, or gave something that does not fit the topic's types.
        """
        if self.exhausted:
            return 0
        columns = OutputColumns(self._feed.topic)
        fed = 0
        item: Any = None
        for item in self._take(max_items):
            self._append(columns, item, self.count + fed, now_ms)
            fed += 1
        if not fed:
            return 0
        self.count += fed
        if self._feed.position_of is not None:
            self._metadata = self._position_after(item)
        self._producer.append_output(columns, self._partitions)
        self.dirty = True
        return fed

    def offset(self) -> OffsetAndMetadata:
        """What to commit: items fed so far, and the position as JSON."""
        return OffsetAndMetadata(self.count, self._metadata)

    def _take(self, max_items: int) -> Iterator[Any]:
        """The next items, up to a None ("nothing now, ask again") or the end.

        The source's own failure is told with where it happened.
        """
        try:
            if self._items is None:
                self._items = self._open()
            for _ in range(max_items):
                item = next(self._items)
                if item is None:
                    return
                yield item
        except StopIteration:
            self.exhausted = True
        except StreamsError:
            raise
        except Exception as error:
            raise StreamsError(
                f"the source fed into topic {self._feed.topic!r} ({self._feed.location}) failed after {self.count} "
                f"items: {type(error).__name__}: {error}. What was committed stays; the next run goes on from there."
            ) from error

    def _open(self) -> Iterator[Any]:
        """From the committed position on: by the user's own function, or by skipping as many items."""
        source = self._feed.source
        position = json.loads(self._metadata) if self._metadata else None
        if callable(source):
            if self._feed.position_of is None:
                position = self.count or None
            given: Iterator[Any] = iter(source(position))
            return given
        items = iter(source)
        skipped = source.given if isinstance(source, Once) else 0
        if skipped > self.count:
            raise StreamsError(
                f"the source fed into topic {self._feed.topic!r} ({self._feed.location}) can be gone through only once "
                f"and has given {skipped} items, of which {self.count} are committed: the others cannot be had again "
                "in this process. Nothing is lost: run the program again, or feed a list or a function (see App.feed)."
            )
        while skipped < self.count:
            try:
                skipped += next(items) is not None
            except StopIteration:
                raise StreamsError(
                    f"{self.count} items were fed into topic {self._feed.topic!r} before, but its source now ends "
                    f"after {skipped}. A feed must give the same items in every run; give a function of the position "
                    "(see App.feed) where it cannot. Nothing was fed."
                ) from None
        return items

    def _append(self, columns: OutputColumns, item: Any, index: int, now_ms: int) -> None:
        key: Any = None
        value = item
        timestamp = now_ms
        headers: Any = ()
        if isinstance(item, Record):
            key, value, timestamp, headers = item.key, item.value, item.timestamp, item.headers
            problem = record_problem(timestamp, headers)
            if problem is not None:
                raise self._misfit(index, problem)
        elif self._feed.keyed:
            if not isinstance(item, tuple | list) or len(item) != 2:
                raise self._misfit(index, f"{item!r:.80} is no (key, value) pair, and keyed=True is declared")
            key, value = item
        if headers and columns.headers is None:
            columns.headers = [()] * len(columns.keys)
        columns.keys.append(self._encode(key, "key", index))
        columns.values.append(self._encode(value, "value", index))
        columns.timestamps.append(timestamp)
        if columns.headers is not None:
            columns.headers.append(headers)

    def _encode(self, value: Any, part: str, index: int) -> bytes | None:
        if value is None:
            return None
        serde = self._feed.key_serde if part == "key" else self._feed.value_serde
        try:
            return serde.encode(value)
        except Exception as error:
            what = str(error) if serde is own_type else encoding_problem(serde, value, error, part)
            raise self._misfit(index, what) from error

    def _misfit(self, index: int, what: str) -> StreamsError:
        return StreamsError(
            f"item {index} fed into topic {self._feed.topic!r} ({self._feed.location}) does not fit its types: {what}. "
            "Give key= and value= to app.feed, or change the source. Nothing after the last commit is in the topic."
        )

    def _position_after(self, item: Any) -> str:
        """What the user's function says of the item, as the JSON to commit."""
        assert self._feed.position_of is not None
        try:
            text = json.dumps(self._feed.position_of(item), separators=(",", ":"))
        except Exception as error:
            raise StreamsError(
                f"resume= of the feed into topic {self._feed.topic!r} ({self._feed.location}) gave no position for "
                f"{item!r:.80}: {type(error).__name__}: {error}. It must return what JSON can hold."
            ) from error
        if len(text.encode()) > MAX_POSITION_BYTES:
            raise StreamsError(
                f"the position of the feed into {self._feed.topic!r} is {len(text.encode())} bytes long; at most "
                f"{MAX_POSITION_BYTES} can be committed with an offset. Return something shorter from resume=."
            )
        return text
