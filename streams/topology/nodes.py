"""Node specifications: what the DSL adds to the graph and what code generation reads.

Frozen values, no behaviour. Edges live in the graph (``topology.graph``), never in a node; a node's ``name``
is unique in its topology and is what error messages print. ``location`` is ``file:line`` of the user's call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from state.model import StoreSpec
from streams.on_error import ErrorPolicy
from streams.serde.base import Serde
from streams.windows import Windows

AnySerde: TypeAlias = Serde[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFunction:
    """A user's callable with the shape that its signature chose at build time.

    ``arguments`` names what it is called with, in order, out of ``key``, ``value``, ``aggregate``, ``left``,
    ``right`` and ``context``: ``("value",)``, ``("key", "value")``, ``("aggregate", "value")``, ...
    """

    call: Callable[..., Any]
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        return getattr(self.call, "__qualname__", None) or repr(self.call)


Policy: TypeAlias = ErrorPolicy | UserFunction
"""What becomes of records that something failed on; a function of the error chooses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Base of all nodes."""

    name: str
    location: str = ""
    on_error: Policy | None = None
    """What becomes of a record that the node's functions or serdes fail on; None: the application's policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stateful(Node):
    """Base of nodes that keep rows. ``store`` None: this one keeps none, its rows are computed from its parent's.

    The serdes are those of the rows; unknown only where there is no store.
    """

    store: StoreSpec | None
    key_serde: AnySerde
    value_serde: AnySerde | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Node):
    """Reads topics. ``timestamp`` takes the decoded value (or None to use the record's own)."""

    topics: tuple[str, ...]
    key_serde: AnySerde
    value_serde: AnySerde
    timestamp: UserFunction | None = None
    internal: bool = False
    """True for the reading side of a repartition topic."""
    changes: bool = False
    """Whether its values are changes of a table (``serde.changes``): new and old value, both in ``value_serde``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Node):
    predicate: UserFunction
    negate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Node):
    """Returns ``(key, value)``. ``serde``s are None where unknown; so in the nodes below."""

    mapper: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class MapValues(Node):
    mapper: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMap(Node):
    """Returns an iterable of ``(key, value)``."""

    mapper: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMapValues(Node):
    mapper: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectKey(Node):
    mapper: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek(Node):
    action: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach(Node):
    """Terminal."""

    action: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Node):
    """Passes on what each parent sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Node):
    """Its children are ``Branch``es; the first that takes a record is the only one to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Node):
    """One way out of a ``Split``, tried in the order of declaration. ``predicate`` None takes whatever is left."""

    split: str
    """The name of its parent."""
    predicate: UserFunction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repartition(Node):
    """An internal topic between two sub-topologies; ``topology.compile`` splits it into ``Sink`` and ``Source``.

    ``topic`` carries the application id already. ``partitions`` None: as many as the largest of the sources, or as
    the topics that a join wants it to go with. ``changes``: as ``Source.changes``.
    """

    topic: str
    key_serde: AnySerde
    value_serde: AnySerde
    partitions: int | None = None
    changes: bool = False
    asked_for: bool = False
    """Whether the user wrote ``repartition()``; otherwise a grouping needed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Stateful):
    """count, reduce and aggregate over a grouped stream, kept in a store.

    ``kind``: ``count`` (no functions), ``reduce`` (``adder(aggregate, value)``, the first value starts), ``aggregate``
    (``initializer()`` and ``adder``). A record with a null key or null value is skipped and counted. A null result
    deletes the row. The result's timestamp is the largest of the row's and the record's. Sends changes
    (key, new value, old value, timestamp) downstream.
    """

    kind: str
    store: StoreSpec
    key_serde: AnySerde
    value_serde: AnySerde
    """Of the aggregate, as kept in the store."""
    initializer: UserFunction | None = None
    adder: UserFunction | None = None
    associative: bool = False
    """Whether any run of a key's records may be aggregated by itself first; of a count and of some reduces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowedAggregate(Aggregate):
    """The same per key and window; ``key_serde`` is that of the windowed keys, which leave the node.

    A record counts in each of its windows, by start, but in those that are closed, for which it is dropped as late.
    The node's stream time is the largest timestamp of the records with a key and a value that it has got.
    """

    windows: Windows
    group_serde: AnySerde
    """Of the keys that arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAggregate(Aggregate):
    """count, reduce and aggregate over a grouped table: a changed row leaves its group before it joins another.

    Reads changes. ``subtractor(aggregate, value)`` undoes ``adder`` for the old value, before the new one is added.
    """

    subtractor: UserFunction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource(Stateful):
    """A table read from a topic, or made of a stream: the last value per key, null deletes. Null keys are dropped.

    ``store`` None: nobody needs its rows, it only passes the changes on. ``topic``: where ``App.table`` reads it from.
    """

    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFilter(Stateful):
    """The rows for which the predicate is true; it never sees null. A row that does not pass is deleted downstream."""

    predicate: UserFunction
    negate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapValues(Stateful):
    """Another value for each row; the mapper never sees null, a deletion stays one."""

    mapper: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class TableGroupBy(Node):
    """Each row under its group's key: ``mapper`` returns ``(key, value)``, or None for no group. Sends changes on."""

    mapper: UserFunction
    key_serde: AnySerde


INNER: Final = "inner"
LEFT: Final = "left"
OUTER: Final = "outer"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableJoinSide(Node):
    """Changes of one side of a table-table join; reads the other side's rows.

    ``how``: ``INNER``, ``LEFT`` or ``OUTER``. ``is_left``: which side. ``joiner`` gets ``left`` and ``right``.
    ``twice``: one table reaches the join by both sides, so that the other side's row may have changed already.
    """

    how: str
    is_left: bool
    twice: bool = False
    joiner: UserFunction
    key_serde: AnySerde


@dataclass(frozen=True, slots=True, kw_only=True)
class TableJoin(Stateful):
    """The table that a table-table join makes, below its two sides; its rows are computed from both where it has no
    store (the graph's ``reads`` are the left and the right table). With ``twice`` it has one: only its own rows tell
    what it sent before."""

    how: str
    twice: bool = False
    joiner: UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTableJoin(Node):
    """Each record with the row of its key; reads the table and is not woken by it. ``how``: ``INNER`` or ``LEFT``."""

    how: str
    joiner: UserFunction
    key_serde: AnySerde


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStream(Node):
    """Changes of a table become records: key, new value, timestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink(Node):
    """Writes to a topic, or to the topic that ``topic`` (a function of key and value) names for each record.

    Serde None: every value is encoded by its own type. ``partitioner(topic, key, value, partitions)`` returns a
    partition or None for the default (murmur2 of the key's bytes). ``combines_for`` is the one aggregation that reads
    this internal topic; records are pre-aggregated for it here where the record cache is on.
    """

    topic: str | UserFunction
    key_serde: AnySerde | None
    value_serde: AnySerde | None
    partitioner: UserFunction | None = None
    internal: bool = False
    keeps_null_keys: bool = False
    """Of an internal one: whether a join further down has a use for records without key."""
    changes: bool = False
    """As ``Source.changes``."""
    combines_for: Aggregate | None = None
