"""``KTable``: the latest value of each key, kept in a store. Operators that change tables come with their issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from streams.dsl.builder import Builder, caller
from streams.dsl.flow import Flow
from streams.topology import nodes
from streams.topology.nodes import AnySerde

if TYPE_CHECKING:
    from streams.dsl.stream import KStream

K = TypeVar("K")
V = TypeVar("V")


class KTable(Generic[K, V]):
    """Made by aggregations. ``App.query(table)`` reads its rows as of the last commit."""

    def __init__(self, builder: Builder, node: str, *, store: str, key: Flow, value: Flow) -> None:
        self._builder = builder
        self._node = node
        self._store = store
        self._key = key
        self._value = value

    def __repr__(self) -> str:
        return f"<KTable {self._store!r} of application {self._builder.application_id!r}>"

    @property
    def store_name(self) -> str:
        """The store that keeps the rows."""
        return self._store

    @property
    def key_serde(self) -> AnySerde:
        assert self._key.serde is not None, "a table's rows are in a store, so their types are known"
        return self._key.serde

    @property
    def value_serde(self) -> AnySerde:
        assert self._value.serde is not None, "a table's rows are in a store, so their types are known"
        return self._value.serde

    def to_stream(self, *, name: str | None = None) -> KStream[K, V]:
        """The table's changes as a stream of records: key, new value (None for a deleted row), timestamp."""
        from streams.dsl.stream import KStream

        location = caller()
        node = nodes.ToStream(name=self._builder.name(name, self._store, "to_stream", location), location=location)
        self._builder.add(node, (self._node,))
        return KStream(self._builder, node.name, base=self._store, key=self._key, value=self._value)
