"""Node specifications: what the DSL adds to the graph and what code generation reads.

Frozen values, no behaviour. Edges live in the graph (``topology.graph``), never in a node; a node's ``name``
is unique in its topology and is what error messages print. ``location`` is ``file:line`` of the user's call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from state.model import StoreSpec
from streams.on_error import ErrorPolicy
from streams.serde.base import Serde

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Base of all nodes."""

    name: str
    location: str = ""
    on_error: ErrorPolicy | UserFunction | None = None
    """What becomes of a record that the node's functions or serdes fail on; None: the application's policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Node):
    """Reads topics. ``timestamp`` takes the decoded value (or None to use the record's own)."""

    topics: tuple[str, ...]
    key_serde: AnySerde
    value_serde: AnySerde
    timestamp: UserFunction | None = None
    internal: bool = False
    """True for the reading side of a repartition topic."""


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

    ``topic`` carries the application id already. ``partitions`` None: as many as the largest of the sources.
    """

    topic: str
    key_serde: AnySerde
    value_serde: AnySerde
    partitions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Node):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStream(Node):
    """Changes of a table become records: key, new value, timestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink(Node):
    """Writes to a topic, or to the topic that ``topic`` (a function of key and value) names for each record.

    Serde None: every value is encoded by its own type. ``partitioner(topic, key, value, partitions)`` returns a
    partition or None for the default (murmur2 of the key's bytes).
    """

    topic: str | UserFunction
    key_serde: AnySerde | None
    value_serde: AnySerde | None
    partitioner: UserFunction | None = None
    internal: bool = False
