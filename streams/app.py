"""``App``: what a user touches first. Declares sources and feeds; everything that runs is ``runtime``'s.

No I/O and no decision about running may live here; the methods that run something hand over at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from streams.config import Guarantee, StreamsConfig, load_config
from streams.dsl import tables
from streams.dsl.builder import Builder, caller
from streams.dsl.flow import Flow
from streams.dsl.functions import error_policy, timestamp_function
from streams.dsl.stream import KStream, TypeOf
from streams.dsl.table import KTable
from streams.errors import ConfigError, TopologyError
from streams.model import Headers, Record, Windowed
from streams.on_error import OnError
from streams.serde.changes import change_serde
from streams.serde.own import own_type
from streams.topology.compile import CompiledTopology, compile_topology
from streams.topology.feed import Feed, Once
from streams.topology.graph import at
from streams.topology.names import check_name, source_base
from streams.topology.nodes import AnySerde, Repartition, Sink, Source, Stateful, TableSource
from streams.topology.passes import Passes

if TYPE_CHECKING:
    from streams.query.local import ReadOnlyStore
    from streams.query.windows import ReadOnlyWindowStore
    from streams.runtime.metrics import WorkerMetrics
    from streams.runtime.supervisor import Supervisor

K = TypeVar("K")
V = TypeVar("V")

imported_by: ContextVar[str | None] = ContextVar("imported_by", default=None)
"""The command that imports an application's file at the moment, which then must not run the application itself."""


class App:
    """One application: a topology under declaration, and its settings.

    Arguments:
        id: prefix of the names of internal topics and of the consumer group; the application's identity over restarts.
        broker: ``host:port`` of a cluster; default: the embedded log in ``data_dir``.
        data_dir: where the embedded log and the local state are; default ``.streams/<id>``.
        guarantee: ``exactly_once`` (default) or ``at_least_once``.
        on_error: what becomes of a record on which an operator without a policy of its own fails: ``fail`` (default),
            ``skip``, ``retry(...)``, ``dead_letter("topic")``, or a function of the exception that returns one of them.
        settings: any other field of ``StreamsConfig``. Each setting also by environment
            (``STREAMS_COMMIT_INTERVAL_MS``), which wins over the code; the command line wins over both.

    Raises:
        TopologyError: an id that cannot be part of a topic's name.
        ConfigError: an unknown setting, or a value that makes no sense.
    """

    def __init__(
        self, id: str, *, broker: str | None = None, data_dir: str | Path | None = None,  # noqa: A002
        guarantee: str | Guarantee | None = None, on_error: OnError | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        self.id = check_name(id, "application id")
        given: dict[str, Any] = {"broker": broker, "data_dir": data_dir, "guarantee": guarantee, **settings}
        self._settings = {name: value for name, value in given.items() if value is not None}
        self._builder = Builder(self.id)
        self._on_error = error_policy(on_error, caller())
        self._feeds: list[Feed] = []
        self.running: Supervisor | None = None
        """What runs this application in this process; set and cleared by the runtime."""
        self.last_metrics: WorkerMetrics | None = None
        """The last numbers of a run that has ended; set by the runtime."""
        self.config({})  # so that a mistake is reported where it was made

    def __repr__(self) -> str:
        return f"<App {self.id!r}>"

    def config(self, overrides: Mapping[str, Any] | None = None) -> StreamsConfig:
        """The settings in force: the defaults, the code's, the environment's, the command line's (``overrides``)."""
        return load_config(self.id, self._settings, os.environ, overrides or {})

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The declared feeds, in order."""
        return tuple(self._feeds)

    def stream(
        self, topics: str | Sequence[str], *, key: TypeOf[K], value: TypeOf[V],
        timestamp: str | Callable[[V], Any] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V]:  # fmt: skip
        """Read topics as a stream of records.

        Arguments:
            topics: one name, or several, which are then read as one source.
            key, value: the types of the records; types are serdes (``str``, a pydantic model, ``serde.int64``).
            timestamp: name of the value's field, or a function of the value, that gives the event time: milliseconds
                since the epoch or an aware datetime. Default: the record's own timestamp.
            name: of the node; default ``<topic>-source``.
            on_error: what becomes of a record that cannot be decoded, or whose timestamp cannot be taken.

        Raises:
            TopologyError: no topic, an illegal name, a type without a format, or a topic read differently already.
        """
        location = caller()
        found = self._topic_names(topics, location)
        base = source_base(found)
        key_serde = self._builder.serde(key, "stream(key=...)", location)
        value_serde = self._builder.serde(value, "stream(value=...)", location)
        chosen = None if timestamp is None else timestamp_function(timestamp, value, location)
        node = Source(
            name=check_name(name, f"{at(location)}name") if name is not None else f"{base}-source",
            location=location,
            on_error=error_policy(on_error, location),
            topics=found,
            key_serde=key_serde,
            value_serde=value_serde,
            timestamp=chosen,
        )
        added = self._builder.source(node)
        return KStream(self._builder, added, base=base, key=Flow(serde=key_serde), value=Flow(serde=value_serde))

    def table(
        self, topic: str, *, key: TypeOf[K], value: TypeOf[V], timestamp: str | Callable[[V], Any] | None = None,
        store: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, V]:  # fmt: skip
        """Read a topic as a table: the last value of each key counts, null deletes the row, null keys are dropped.

        Arguments:
            topic: a compacted one; with the ``delete`` policy it would lose rows by age, which is refused at start. The
                embedded log makes it compacted if it does not exist.
            key, value, timestamp: as for ``stream``.
            store: keep the rows under this name; default: they are kept where an operator needs them.
            on_error: what becomes of a record that cannot be decoded, or whose timestamp cannot be taken.

        Raises:
            TopologyError: as for ``stream``, or the topic is a table already, under another name.
        """
        location = caller()
        return tables.of_topic(self._builder, topic, key, value, timestamp, store, on_error, location)

    def feed(
        self, topic: str, source: Iterable[Any] | Callable[[Any], Iterable[Any]], *, key: Any = None, value: Any = None,
        keyed: bool = False, resume: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        """Let an iterable be the input: its items become records of a topic while the application runs.

        Where to go on is committed with the records, so a restart neither loses nor repeats an item.

        Arguments:
            topic: where the items go.
            source: an iterable that gives the same items in the same order in every run (a restart skips those that
                are committed), or a function that is called with the committed position (None at first) and returns
                the rest. An item is a value, a ``(key, value)`` pair where ``keyed``, a ``Record``, or None for
                "nothing now, ask again later" (a source that follows something that grows).
            key, value: types; default: those of this application's stream of the topic, else each object's own type.
            keyed: whether items are pairs.
            resume: called with an item, returns the position after it, anything that JSON can hold; default: the
                number of items so far.

        Raises:
            TopologyError: not iterable, or a second feed of the topic.
        """
        location = caller()
        check_name(topic, f"{at(location)}topic")
        if isinstance(source, str | bytes) or not (callable(source) or hasattr(source, "__iter__")):
            raise TopologyError(
                f"{at(location)}feed({topic!r}, ...) takes an iterable of records, or a function that returns one, "
                f"not {source!r:.60}"
            )
        if resume is not None and not callable(resume):
            raise TopologyError(f"{at(location)}feed(resume=...) takes a function of an item, not {resume!r:.60}")
        if any(feed.topic == topic for feed in self._feeds):
            raise TopologyError(f"{at(location)}topic {topic!r} has a feed already; chain the two iterables into one")
        key_serde, value_serde = self.topic_serdes(topic, key=key, value=value)
        self._feeds.append(
            Feed(
                topic=topic,
                source=Once(source) if isinstance(source, Iterator) else source,
                key_serde=key_serde,
                value_serde=value_serde,
                position_of=resume,
                keyed=keyed,
                location=location,
            )
        )

    def topology(self, overrides: Mapping[str, Any] | None = None) -> CompiledTopology:
        """What was declared, compiled: sub-topologies, internal topics, stores.

        Arguments:
            overrides: settings as for ``config``; some switch compile passes.

        Raises:
            TopologyError: nothing was declared, or it cannot run.
        """
        config = self.config(overrides)
        passes = Passes(
            merge_repartitions=config.merge_repartitions,
            combiners=config.combiners,
            reuse_source_topics=config.reuse_source_topics,
        )
        return compile_topology(self.id, self._builder.graph, on_error=self._on_error, passes=passes)

    def is_table(self, topic: str) -> bool:
        """Whether a table is read from this topic."""
        return any(isinstance(node, TableSource) and node.topic == topic for node in self._builder.graph.nodes())

    def topic_serdes(self, topic: str, *, key: Any = None, value: Any = None) -> tuple[AnySerde, AnySerde]:
        """Serdes of a topic's keys and values.

        Arguments:
            key, value: types; default: those that the topology reads or writes the topic with, else ``own_type``, which
                writes each object in its own type's format and reads bytes.

        Raises:
            TopologyError: a type without a format.
        """
        location = caller()
        found = self._declared_serdes(topic)
        return (
            found[0] or own_type if key is None else self._builder.serde(key, "key=", location),
            found[1] or own_type if value is None else self._builder.serde(value, "value=", location),
        )

    def run(
        self, *, until_end: bool = False, accept: bool = False, cache: bool = True, quiet: bool = False, **settings: Any
    ) -> None:  # fmt: skip
        """Run until Ctrl-C or SIGTERM, or until all input is processed.

        Arguments:
            until_end: stop once the feeds, all inputs and all internal topics are at their ends, committed.
            accept: let go of state that the topology no longer has.
            cache: whether record caches are used; without them every single change goes downstream.
            quiet: no live line.
            settings: for this run, over those of the code and the environment.

        Raises:
            StreamsError: what went wrong; everything has been closed, and what was committed stays.
        """
        if imported_by.get() is not None:
            raise ConfigError(
                f"{at(caller())}app.run() was called while {imported_by.get()} imports the file; put it below "
                "'if __name__ == \"__main__\":'"
            )
        from streams.runtime.run import run_app

        run_app(self, until_end=until_end, accept=accept, cache=cache, quiet=quiet, overrides=settings)

    def send(self, topic: str, key: Any, value: Any, *, timestamp: int | None = None, headers: Headers = ()) -> None:
        """Write one record and wait until it is on disk.

        Arguments:
            key, value: encoded as the application's stream of the topic says, else by their own types.
            timestamp: milliseconds since the epoch; default: now.
        """
        from streams.runtime.access import send

        send(self, topic, key, value, timestamp=timestamp, headers=headers)

    @overload
    def read(self, topic: str, *, key: TypeOf[K], value: TypeOf[V]) -> Iterator[Record[K, V]]: ...
    @overload
    def read(self, topic: str, *, key: Any = None, value: Any = None) -> Iterator[Record[Any, Any]]: ...
    def read(self, topic: str, *, key: Any = None, value: Any = None) -> Iterator[Record[Any, Any]]:
        """The records that are in a topic now, committed ones only, oldest first within each partition.

        Arguments:
            key, value: types; default: those that the topology uses for the topic, else bytes.
        """
        from streams.runtime.access import read

        return read(self, topic, key=key, value=value)

    @overload
    def query(self, table: KTable[Windowed[K], V]) -> ReadOnlyWindowStore[K, V]: ...
    @overload
    def query(self, table: KTable[K, V]) -> ReadOnlyStore[K, V]: ...
    @overload
    def query(self, table: str) -> Any: ...
    def query(self, table: KTable[Any, Any] | str) -> Any:
        """A read-only view of a table's rows as of the last commit, from any thread.

        Arguments:
            table: the table, or its store's name.

        Raises:
            TopologyError: there is no such store.
        """
        from streams.runtime.access import query

        return query(self, self.store_name(table))

    @property
    def metrics(self) -> WorkerMetrics:
        """A snapshot of the running application, from any thread; after a run, its last numbers.

        ``dropped``, ``late``, ``skipped`` and ``dead_lettered`` count records by operator.

        Raises:
            StreamsError: it has not run in this process yet.
        """
        from streams.runtime.access import metrics

        return metrics(self)

    def store_name(self, table: KTable[Any, Any] | str) -> str:
        """The name of a table's store, checked.

        Raises:
            TopologyError: this application has no such store; lists those that it has.
        """
        name = table if isinstance(table, str) else getattr(table, "store_name", None)
        if name in self._builder.stores:
            return str(name)
        known = ", ".join(self._builder.stores) or "none; aggregations and table(store='...') make one"
        raise TopologyError(f"application {self.id!r} has no store {name if name else table!r}; its stores: {known}")

    def _topic_names(self, topics: str | Sequence[str], location: str) -> tuple[str, ...]:
        found = (topics,) if isinstance(topics, str) else tuple(topics)
        if not found:
            raise TopologyError(f"{at(location)}stream(...) needs a topic")
        for topic in found:
            check_name(topic, f"{at(location)}topic")
        return tuple(dict.fromkeys(found))

    def _declared_serdes(self, topic: str) -> tuple[AnySerde | None, AnySerde | None]:
        """How the topology reads the topic, or else writes it."""
        written: tuple[AnySerde | None, AnySerde | None] = (None, None)
        for node in self._builder.graph.nodes():
            if isinstance(node, Source) and topic in node.topics:
                return node.key_serde, node.value_serde
            if isinstance(node, Sink | Repartition) and node.topic == topic:
                written = (node.key_serde, node.value_serde)
                if isinstance(node, Repartition) and node.changes:
                    written = (node.key_serde, change_serde(node.value_serde))
            if isinstance(node, Stateful) and node.store is not None and node.store.changelog_topic == topic:
                written = (node.key_serde, node.value_serde)
        return written
