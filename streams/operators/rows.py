"""Rows of a key-value store: what generated code calls its store, and how it finds, keeps and leaves a row.

What tables have in common. When a row changes, and to what, is each operator's own business.
"""

from __future__ import annotations

from typing import Any, Final

from streams.operators.emitter import Action, Emitter, LineOrigin
from streams.operators.flow import KEY, VALUE, Flow, Part, Row
from streams.topology.nodes import Node, Stateful

ABSENT: Final = (None, None)
"""Value and timestamp of a row that is not there."""


def open_store(emitter: Emitter, node: Stateful) -> None:
    """Names for the node's store and its two doors, once per task."""
    assert node.store is not None
    name = node.store.name
    store = emitter.named("store", name)
    emitter.line(f"{store} = stores.store({name!r})")
    emitter.line(f"{emitter.named('get', name)} = {store}.get_with_timestamp")
    emitter.line(f"{emitter.named('put', name)} = {store}.put")


def stored(emitter: Emitter, node: Any, flow: Flow) -> Row:
    """The row of the flow's key as the node last sent it; below a record cache that is the value of the last flush."""
    assert node.store is not None and flow.key.raw is not None
    name = node.store.name
    raw, timestamp = emitter.local("raw_row"), emitter.local("row_timestamp")
    absent = emitter.constant("ABSENT", ABSENT)
    origin = LineOrigin(node.name, Action.STATE, "", name)
    emitter.line(f"{raw}, {timestamp} = {emitter.named('get', name)}({flow.key.raw}) or {absent}", origin)
    return Row(value=Part(raw=raw, serde=node.value_serde, origin=node.name), timestamp=timestamp)


def keyed(emitter: Emitter, node: Any, flow: Flow) -> Flow:
    """The flow with its key as bytes of the node's key serde."""
    raw = emitter.encode(flow, KEY, node.key_serde, node.name)
    part = Part(raw=raw, value=flow.key.value, serde=node.key_serde, origin=node.name, present=flow.key.present)
    return flow.with_part(KEY, part)


def encoded(emitter: Emitter, node: Any, flow: Flow) -> Flow:
    """The flow with key and value as bytes of the node's serdes, ready for ``put``."""
    flow = keyed(emitter, node, flow)
    raw = emitter.encode(flow, VALUE, node.value_serde, node.name)
    return flow.with_part(VALUE, Part(raw=raw, value=flow.value.value, serde=node.value_serde, origin=node.name))


def put(emitter: Emitter, node: Stateful, flow: Flow) -> None:
    """Keep an encoded flow's row, or delete it where the value is null."""
    assert node.store is not None
    origin = LineOrigin(node.name, Action.STATE, "", node.store.name)
    emitter.line(f"{emitter.named('put', node.store.name)}({flow.key.raw}, {flow.value.raw}, {flow.timestamp})", origin)


def found(emitter: Emitter, table: Node, flow: Flow) -> Row:
    """The row of the flow's key in another table."""
    assert emitter.lookup is not None
    return emitter.lookup(table, flow)
