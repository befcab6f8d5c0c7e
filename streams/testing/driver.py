"""``TopologyTestDriver``: an application under test, one record at a time, without broker, threads, files or clock.

The face only: what a test sends, reads and asserts, and the words in which it is told what is wrong. What runs is
``engine``, over ``memory_log``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar, overload

from streams.config import Guarantee
from streams.dsl.stream import KStream, TypeOf
from streams.dsl.table import KTable
from streams.errors import StreamsError
from streams.model import Record, Windowed
from streams.query.local import ReadOnlyStore
from streams.query.windows import ReadOnlyWindowStore, open_store
from streams.runtime.plan import partition_counts
from streams.testing.application import Application, encoded, source_topic
from streams.testing.clock import ManualClock, Point
from streams.testing.engine import ALL, MAX_ROUNDS, DriverEngine
from streams.testing.memory_log import LoggedRecord, MemoryLog
from streams.testing.outputs import UnreadOutputs

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")
HeadersLike = Iterable[tuple[str, bytes | None]]


class TopologyTestDriver:
    """Runs an application's topology, compiled as in production, on records that a test sends.

    ``send`` returns when the record has had all its effects, also through internal topics, and they are committed.
    Everything is deterministic. Use it as a context manager, or call nothing at the end: there is nothing to close.

    Arguments:
        app: the application; it is neither changed nor run.
        start: first reading of the wall clock, and what timedeltas count from: epoch milliseconds or an aware datetime.
        partitions: of every topic that ``topics`` does not name; default: the application's ``partitions`` setting (4),
            as the embedded log would create them.
        topics: topic to number of partitions.
        cache: whether record caches are used, as they are in production. Off, every change of a table is an output.
        commit_every: commit after so many sends; None: only at ``commit()``. What has not been committed cannot be
            read, goes no further than the next internal topic, and is lost in a crash (exactly-once; an application
            with ``at_least_once`` shows outputs at once, and repeats them after a crash).

    Raises:
        TopologyError: the topology does not build.
        ConfigError: partition counts that do not go together.
    """

    def __init__(
        self, app: Application, *, start: int | datetime = 0, partitions: int | None = None,
        topics: Mapping[str, int] | None = None, cache: bool = False, commit_every: int | None = 1,
    ) -> None:  # fmt: skip
        if commit_every is not None and commit_every < 1:
            raise ValueError(f"commit_every={commit_every!r}: a number of sends from 1 on, or None for commit() only")
        config = app.config()
        default = config.partitions if partitions is None else partitions
        for topic, count in {"partitions": default, **(topics or {})}.items():
            if count < 1:
                raise ValueError(f"{topic!r} cannot have {count} partitions")
        self._app = app
        self._topology = app.topology()
        self.clock = ManualClock(start)
        """The wall clock; move it with ``advance_wall_clock``."""
        given = dict(topics or {})
        external = {topic: given.get(topic, default) for topic in self._topology.external_topics}
        counts = partition_counts(self._topology, {**given, **external})
        transactional = config.guarantee is Guarantee.EXACTLY_ONCE
        self._log = MemoryLog(lambda topic: counts.get(topic, default), transactional=transactional)
        self._engine = DriverEngine(
            self._topology, counts, self._log, transactional=transactional, cache=cache,
            cache_max_bytes=config.cache_max_bytes, clock=self.clock,
        )  # fmt: skip
        self._commit_every = commit_every
        self._since_commit = 0
        self._outputs = UnreadOutputs(app, self._topology, self._log)
        self._failure: BaseException | None = None

    def __enter__(self) -> TopologyTestDriver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    # -- in

    @overload
    def send(
        self, target: KStream[K, V] | KTable[K, V], key: K | None, value: V | None, *,
        timestamp: Point | None = None, partition: int | None = None, headers: HeadersLike = (),
    ) -> None: ...  # fmt: skip
    @overload
    def send(
        self, target: str, key: Any, value: Any, *,
        timestamp: Point | None = None, partition: int | None = None, headers: HeadersLike = (),
    ) -> None: ...  # fmt: skip
    def send(
        self, target: KStream[Any, Any] | KTable[Any, Any] | str, key: Any, value: Any, *,
        timestamp: Point | None = None, partition: int | None = None, headers: HeadersLike = (),
    ) -> None:  # fmt: skip
        """Send one record and process it, with everything that was enqueued before.

        Arguments:
            target: a topic's name, or the stream or table that reads it.
            key, value: of the topic's types; None is null.
            timestamp: epoch milliseconds, an aware datetime, or a timedelta since ``start``; default: the wall clock.
            partition: default: murmur2 of the key, as Kafka's clients do; partition 0 for a null key.
            headers: pairs of name and bytes.

        Raises:
            SerdeError: key or value does not fit the topic.
            ProcessingError: the topology failed on it; the driver must be restarted by ``crash()``.
        """
        self.enqueue(target, key, value, timestamp=timestamp, partition=partition, headers=headers)
        self._run(ALL, sends=1)

    @overload
    def enqueue(
        self, target: KStream[K, V] | KTable[K, V], key: K | None, value: V | None, *,
        timestamp: Point | None = None, partition: int | None = None, headers: HeadersLike = (),
    ) -> None: ...  # fmt: skip
    @overload
    def enqueue(
        self, target: str, key: Any, value: Any, *,
        timestamp: Point | None = None, partition: int | None = None, headers: HeadersLike = (),
    ) -> None: ...  # fmt: skip
    def enqueue(
        self, target: KStream[Any, Any] | KTable[Any, Any] | str, key: Any, value: Any, *,
        timestamp: Point | None = None, partition: int | None = None, headers: HeadersLike = (),
    ) -> None:  # fmt: skip
        """Let a record arrive without processing it: ``process`` does. The arguments are those of ``send``.

        For questions of order: with records in several inputs, the next one is always taken from the input whose
        first record has the smallest timestamp.
        """
        self._check_running()
        topic = source_topic(self._topology, target)
        count = len(self._log.topic(topic))
        if partition is not None and not 0 <= partition < count:
            raise ValueError(f"partition={partition!r}: topic {topic!r} has partitions 0 to {count - 1}")
        key_serde, value_serde = self._app.topic_serdes(topic)
        record = LoggedRecord(
            encoded(key, key_serde, f"key of topic {topic!r}"),
            encoded(value, value_serde, f"value of topic {topic!r}"),
            self.clock.now_ms if timestamp is None else self.clock.at(timestamp),
            tuple(headers),
        )
        self._log.send(topic, record, partition)

    def process(self, max_records: int | None = None) -> int:
        """Process records that wait: enqueued ones, or those that a crash has sent back.

        Arguments:
            max_records: at most so many (each with all that it causes through internal topics); default: all.

        Returns:
            how many records were processed; those of internal topics do not count.
        """
        self._check_running()
        return self._run(ALL if max_records is None else max_records, sends=1)

    def advance_wall_clock(self, duration: timedelta | str) -> None:
        """Move the wall clock on: ``timedelta(seconds=5)``, ``"5s"``. Stream time moves with records only.

        Records that wait for a retry, and those behind them, go on when it is due.
        """
        self._check_running()
        self.clock.advance(duration)
        if self._guarded(self._engine.resume) and self._commit_every is not None:
            self.commit()

    # -- out

    @overload
    def read(self, topic: str) -> list[Record[Any, Any]]: ...
    @overload
    def read(self, topic: str, *, key: TypeOf[K], value: TypeOf[V]) -> list[Record[K, V]]: ...
    @overload
    def read(self, topic: str, *, key: Any = None, value: Any = None) -> list[Record[Any, Any]]: ...
    def read(self, topic: str, *, key: Any = None, value: Any = None) -> list[Record[Any, Any]]:
        """The records that the application has written to a topic since they were last read, in the order written.

        Arguments:
            topic: any topic that the application writes, its internal ones included.
            key, value: types; default: those that the topology uses for the topic, else bytes.
        """
        return self._outputs.take(topic, key=key, value=value)

    @overload
    def read_values(self, topic: str) -> list[Any]: ...
    @overload
    def read_values(self, topic: str, *, value: TypeOf[V]) -> list[V]: ...
    def read_values(self, topic: str, *, value: Any = None) -> list[Any]:
        """As ``read``, the values only."""
        return [record.value for record in self.read(topic, value=value)]

    @overload
    def read_record(self, topic: str) -> Record[Any, Any]: ...
    @overload
    def read_record(self, topic: str, *, key: TypeOf[K], value: TypeOf[V]) -> Record[K, V]: ...
    def read_record(self, topic: str, *, key: Any = None, value: Any = None) -> Record[Any, Any]:
        """As ``read``, one record.

        Raises:
            AssertionError: there is none.
        """
        found = self._outputs.take(topic, limit=1, key=key, value=value)
        if not found:
            others = ", ".join(self._outputs.counts()) or "none"
            raise AssertionError(f"no unread record in topic {topic!r}; topics with unread records: {others}")
        return found[0]

    def assert_drained(self) -> None:
        """Check that every record that the application wrote has been read; internal topics do not count.

        Raises:
            AssertionError: lists the records that nobody has read.
        """
        left = self._outputs.description()
        if left:
            raise AssertionError(f"output that nobody has read:\n{left}")

    # -- state

    @overload
    def store(self, table: KTable[Windowed[K], V]) -> ReadOnlyWindowStore[K, V]: ...
    @overload
    def store(self, table: KTable[K, V]) -> ReadOnlyStore[K, V]: ...
    @overload
    def store(self, table: str) -> Any: ...
    def store(self, table: KTable[Any, Any] | str) -> Any:
        """A table's rows, over all partitions, as ``App.query`` gives them: those of the last commit.

        Arguments:
            table: the table, or its store's name.

        Raises:
            TopologyError: there is no such store.
        """
        name = self._app.store_name(table)
        return open_store(self._topology.stores[name], lambda: self._engine.rows(name))

    @property
    def dropped(self) -> dict[str, int]:
        """Records that an operator dropped, for whatever reason (null key, late, ...), by operator name."""
        totals: Counter[str] = Counter()
        for (operator, _), count in self._engine.counters.counts.items():
            totals[operator] += count
        return dict(totals)

    @property
    def drop_reasons(self) -> dict[tuple[str, str], int]:
        """Dropped records by operator name and reason."""
        return dict(self._engine.counters.counts)

    # -- trouble

    def commit(self) -> None:
        """Commit everything processed so far, with what that causes through internal topics."""
        self._check_running()
        self._guarded(self._engine.finish)
        self._since_commit = 0

    def crash(self) -> None:
        """Kill the application and start it again: everything uncommitted is lost.

        State falls back and is rebuilt from its changelogs, as after ``kill -9``. Records whose processing was not
        committed wait again: ``process()``, or the next ``send``, goes on with them.
        """
        self._failure = None
        self._since_commit = 0
        self._engine.crash()

    def rebalance(self) -> None:
        """Commit, then move every task to a worker without local state, which rebuilds it from the changelogs."""
        self.commit()
        self._guarded(self._engine.rebalance)

    def _run(self, max_records: int, *, sends: int) -> int:
        self._engine.deliver()
        processed = self._guarded(lambda: self._engine.process(max_records))
        self._since_commit += sends
        due = self._commit_every is not None and self._since_commit >= self._commit_every
        if due:
            self.commit()
        if max_records < ALL:
            return processed
        for _ in range(MAX_ROUNDS):
            if not self._guarded(self._engine.process):
                return processed
            if due:
                self.commit()
        raise StreamsError(f"{MAX_ROUNDS} rounds did not end: does the topology write to a topic that it reads?")

    def _guarded(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except BaseException as error:
            self._failure = error
            self._engine.stop()
            raise

    def _check_running(self) -> None:
        if self._failure is not None:
            raise StreamsError(
                "the application has failed; what was not committed is lost. crash() starts it again"
            ) from self._failure
