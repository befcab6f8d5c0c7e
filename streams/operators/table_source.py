"""A table's source: each record sets or deletes its key's row, and the change goes on (Kafka Streams' B2, T2).

The last record that arrives wins, whatever its timestamp. Where nobody needs the rows, changes only pass through.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.operators import rows
from streams.operators.drops import NULL_KEY
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, Flow, Operator, PartName
from streams.topology.nodes import AnySerde, TableSource


def emit(emitter: Emitter, node: TableSource, flow: Flow) -> None:
    with emitter.block(f"if {flow.key.variable} is None:"):
        emitter.drop(node, NULL_KEY)
    with emitter.block("else:"):
        flow = flow.not_null(KEY)
        if node.store is None:
            emitter.forward(node, flow)
            return
        flow = rows.encoded(emitter, node, flow)
        old = rows.stored(emitter, node, flow).value if emitter.sends_old(node) else None
        rows.put(emitter, node, flow)
        emitter.forward(
            node, Flow(key=flow.key, value=flow.value, old=old, timestamp=flow.timestamp, headers=flow.headers)
        )


def _encodes(node: TableSource) -> Mapping[PartName, AnySerde | None]:
    return {} if node.store is None else {"key": node.key_serde, "value": node.value_serde}


OPERATOR = Operator(emit=emit, encodes=_encodes, nests=1, open_store=rows.open_store, lookup=rows.stored)
