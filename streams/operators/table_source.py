"""A table's source: each record sets or deletes its key's row, and the change goes on (Kafka Streams' B2, T2).

The last record that arrives wins, whatever its timestamp. Where nobody needs the rows, changes only pass through.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.operators import rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.drops import NULL_KEY
from streams.operators.emitter import Emitter, has_bytes
from streams.operators.flow import KEY, VALUE, Flow, Operator, PartName
from streams.operators.needs import is_handled
from streams.topology.nodes import AnySerde, TableSource


def emit(emitter: Emitter, node: TableSource, flow: Flow) -> None:
    with emitter.block(f"if {flow.key.variable} is None:"):
        emitter.drop(node, NULL_KEY)
    with emitter.block("else:"):
        flow = flow.not_null(KEY)
        if node.store is None:
            emitter.forward(node, flow)
            return
        made = [name for name, serde in _formats(node).items() if not has_bytes(flow.part(name), serde)]
        if not made or not is_handled(node):
            _keep(emitter, node, rows.encoded(emitter, node, flow))
            return
        for name in made:
            flow = emitter.decode(flow, name)  # bytes that cannot be read are not this operator's error
        with attempt(emitter, node):
            flow = rows.encoded(emitter, node, flow)
        with succeeded(emitter, node):
            _keep(emitter, node, flow)


def _keep(emitter: Emitter, node: TableSource, flow: Flow) -> None:
    old = rows.stored(emitter, node, flow).value if emitter.sends_old(node) else None
    rows.put(emitter, node, flow)
    emitter.forward(node, Flow(key=flow.key, value=flow.value, old=old, timestamp=flow.timestamp, headers=flow.headers))


def _formats(node: TableSource) -> dict[PartName, AnySerde | None]:
    return {KEY: node.key_serde, VALUE: node.value_serde}


def _encodes(node: TableSource) -> Mapping[PartName, AnySerde | None]:
    return {} if node.store is None else _formats(node)


OPERATOR = Operator(emit=emit, encodes=_encodes, nests=1, open_store=rows.open_store, lookup=rows.stored)
