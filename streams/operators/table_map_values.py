"""map_values on a table: another value for each row. The mapper never sees null; a deletion stays a deletion.

Old values come from the node's own store if it has one, else from the mapper once more, which must therefore depend on
its arguments only (as with Kafka Streams).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streams.operators import rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, OLD, VALUE, Flow, Operator, Part, PartName, Row
from streams.topology.nodes import AnySerde, TableMapValues


def emit(emitter: Emitter, node: TableMapValues, flow: Flow) -> None:
    old = None
    with attempt(emitter, node):
        mapped = replace(flow, value=_mapped(emitter, node, flow, VALUE), old=None)
        if node.store is not None:
            mapped = rows.encoded(emitter, node, mapped)
            old = rows.stored(emitter, node, mapped).value if emitter.sends_old(node) else None
        elif emitter.sends_old(node):
            old = _mapped(emitter, node, flow, OLD)
    with succeeded(emitter, node):
        if node.store is not None:
            rows.put(emitter, node, mapped)
        emitter.forward(node, replace(mapped, old=old))


def lookup(emitter: Emitter, node: TableMapValues, flow: Flow) -> Row:
    if node.store is not None:
        return rows.stored(emitter, node, flow)
    (table,) = emitter.tables(node)
    row = rows.found(emitter, table, flow)
    given = replace(flow, value=row.value, old=None, timestamp=row.timestamp)
    return Row(value=_mapped(emitter, node, given, VALUE), timestamp=row.timestamp)


def _mapped(emitter: Emitter, node: TableMapValues, flow: Flow, name: PartName) -> Part:
    part = flow.part(name)
    value = emitter.local("mapped")
    emitter.line(f"{value} = None")
    with emitter.block(f"if {part.variable} is not None:"):
        given = replace(flow, value=replace(part, present=True), old=None)
        call, origin = emitter.call(node, node.mapper, given)
        emitter.line(f"{value} = {call}", origin)
    return Part(value=value)


def _encodes(node: TableMapValues) -> Mapping[PartName, AnySerde | None]:
    return {} if node.store is None else {KEY: node.key_serde}


OPERATOR = Operator(
    emit=emit,
    keeps=(KEY,),
    functions=lambda node: (node.mapper,),
    encodes=_encodes,
    wants_old=lambda node, sends_old: sends_old and node.store is None,
    open_store=rows.open_store,
    lookup=lookup,
)
