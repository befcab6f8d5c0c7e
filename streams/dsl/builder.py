"""What all handles of one application share: the graph, the names given so far, and types on their way through it.

Adds nodes; decides neither how they run nor how sub-topologies are cut.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from state.model import StoreSpec
from streams.dsl import returns
from streams.dsl.flow import Flow
from streams.errors import SerdeError, TopologyError
from streams.serde import resolve
from streams.topology.graph import TopologyGraph, at, kind_of
from streams.topology.names import auto_name, changelog_topic, check_name
from streams.topology.nodes import AnySerde, Node, Repartition, Source, Stateful, TableSource

_PACKAGE = f"{Path(__file__).parent.parent}{os.sep}"


class Builder:
    """The topology of one application while it is being declared."""

    def __init__(self, application_id: str) -> None:
        self.application_id = application_id
        self.graph = TopologyGraph()
        self.stores: dict[str, str] = {}
        """Store name to the location of its declaration."""
        self._serdes: dict[Any, AnySerde] = {}

    def add(self, node: Node, parents: Sequence[str]) -> str:
        """Add a node; returns its name, for its children."""
        self.graph.add(node, parents)
        return node.name

    def name(self, given: str | None, base: str, kind: str, location: str) -> str:
        """The given name, checked, or one made of where the node stands. The latter has no state to lose."""
        if given is not None:
            return check_name(given, f"{at(location)}name")
        return auto_name(f"{base}-{kind.replace('_', '-')}", self.graph)

    def serde(self, kind: Any, call: str, location: str) -> AnySerde:
        """Resolve what the user wrote as a type.

        Raises:
            TopologyError: it is none.
        """
        try:
            return self._resolved(kind)
        except SerdeError as error:
            raise TopologyError(f"{at(location)}{call}: {error}") from error

    def flow(self, kind: Any, found: Any, lost: Flow, location: str) -> Flow:
        """What flows out of an operator that changed the key or the value.

        Arguments:
            kind: what the user gave as ``key=`` or ``value=``, or None.
            found: the annotated type of the function's result, or ``returns.UNKNOWN``.
            lost: what to remember if neither tells.
        """
        if kind is not None:
            return Flow(serde=self.serde(kind, f"{lost.lost_by.split('(')[0]}(..., {lost.argument}...)", location))
        if found is not returns.UNKNOWN:
            try:
                return Flow(serde=self._resolved(found))
            except SerdeError as error:
                return replace(lost, suggestion="", lost_by=f"{lost.lost_by} (its annotation does not help: {error})")
        return lost

    def source(self, node: Source) -> str:
        """Add a source, or find the one that reads the same topics in the same way.

        Raises:
            TopologyError: one of the topics is read differently already.
        """
        for other in self.graph.nodes():
            if not isinstance(other, Source) or not set(other.topics) & set(node.topics):
                continue
            if _reads_alike(other, node):
                return other.name
            shared = next(topic for topic in node.topics if topic in other.topics)
            raise TopologyError(
                f"{at(node.location)}topic {shared!r} is read {at(other.location, 'at ')}already, with other topics, "
                "types, timestamps or on_error; read it once, keep the stream in a variable and use it twice"
            )
        return self.add(node, ())

    def claim_store(self, name: str, location: str, *, given: bool) -> str:
        """Reserve a store's name.

        Raises:
            TopologyError: taken, or not fit for a topic's name.
        """
        check_name(name, f"{at(location)}store")
        if name in self.stores:
            how = "" if given else " by default, since both follow the same sources"
            raise TopologyError(
                f"{at(location)}two stores are called {name!r}{how}; the other is declared at {self.stores[name]}. "
                "Add another store='...' to this call (its state and changelog topic carry that name)"
            )
        if name in self.graph:
            other = self.graph.node(name)
            raise TopologyError(
                f"{at(location)}store {name!r} has the name of a {kind_of(other)} declared "
                f"{at(other.location, 'at ')}earlier; give one of them another name"
            )
        self.stores[name] = location
        return name

    def materialise(self, name: str) -> None:
        """Let the tables keep their rows that those of this one are computed from, where they do not yet."""
        node = self.graph.node(name)
        if not isinstance(node, Stateful) or node.store is not None:
            return
        if isinstance(node, TableSource):
            spec = StoreSpec(name=name, changelog_topic=changelog_topic(self.application_id, name), cached=False)
            self.graph.replace(replace(node, store=spec))
            self.stores[name] = node.location
            return
        for parent in self.graph.reads(name) or self.graph.parents(name):
            self.materialise(parent)

    def add_repartition(self, node: Repartition, parent: str, *, given: bool) -> str:
        """Add a repartition; its topic carries records across restarts, so a tie is an error and never a number.

        Raises:
            TopologyError: another repartition has this name.
        """
        if node.name in self.graph:
            other = self.graph.node(node.name)
            how = "" if given else " by default, since both follow the same sources"
            raise TopologyError(
                f"{at(node.location)}two repartition topics are called {node.topic!r}{how}; the other is declared "
                f"{at(other.location, 'at ')}earlier. Add another name='...' to this call"
            )
        return self.add(node, (parent,))

    def repartition_of(self, parent: str, name: str) -> bool:
        """Whether this repartition is there already, right below this parent."""
        return name in self.graph and name in self.graph.children(parent)

    def _resolved(self, kind: Any) -> AnySerde:
        try:
            if kind not in self._serdes:
                self._serdes[kind] = resolve(kind)
            return self._serdes[kind]
        except TypeError:  # not hashable
            return resolve(kind)


def _reads_alike(one: Source, other: Source) -> bool:
    return (
        one.topics == other.topics
        and one.key_serde.id == other.key_serde.id
        and one.value_serde.id == other.value_serde.id
        and one.timestamp == other.timestamp
        and one.on_error == other.on_error
    )


def caller() -> str:
    """``file:line`` of the nearest frame outside the framework: the user's call."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}"
