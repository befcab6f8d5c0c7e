"""Stream-table joins: each record meets the row that its key has at that moment; the table wakes nobody (J5).

A plain table is looked up by arrival: what came last counts, whatever its timestamp. The result has the record's own
timestamp. A null value is dropped; a null key too, but for a left join, which sends it on without a partner.
"""

from __future__ import annotations

from dataclasses import replace

from streams.operators import rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.drops import NULL_KEY, NULL_VALUE
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, VALUE, Flow, Operator, Part
from streams.topology.nodes import INNER, StreamTableJoin


def emit(emitter: Emitter, node: StreamTableJoin, flow: Flow) -> None:
    if node.how == INNER:
        with emitter.block(f"if {flow.key.variable} is None:"):
            emitter.drop(node, NULL_KEY)
        header = "elif"
    else:
        header = "if"
    with emitter.block(f"{header} {flow.value.variable} is None:"):
        emitter.drop(node, NULL_VALUE)
    with emitter.block("else:"):
        flow = flow.not_null(VALUE)
        if node.how == INNER:
            _emit_inner(emitter, node, flow.not_null(KEY))
        else:
            _emit_left(emitter, node, flow)


def _emit_inner(emitter: Emitter, node: StreamTableJoin, flow: Flow) -> None:
    (table,) = emitter.tables(node)
    row = rows.found(emitter, table, rows.keyed(emitter, node, flow))
    with emitter.block(f"if {row.value.variable} is not None:"):
        right = emitter.decode(replace(flow, value=replace(row.value, present=True)), VALUE).value
        _send(emitter, node, flow, str(right.value))


def _emit_left(emitter: Emitter, node: StreamTableJoin, flow: Flow) -> None:
    (table,) = emitter.tables(node)
    right = emitter.local("right")
    emitter.line(f"{right} = None")
    with emitter.block(f"if {flow.key.variable} is not None:"):
        row = rows.found(emitter, table, rows.keyed(emitter, node, flow.not_null(KEY)))
        emitter.line(f"{right} = {emitter.decode(replace(flow, value=row.value), VALUE).value.value}")
    _send(emitter, node, flow, right)


def _send(emitter: Emitter, node: StreamTableJoin, flow: Flow, right: str) -> None:
    if "left" in node.joiner.arguments:
        flow = emitter.decode(flow, VALUE)
    call, origin = emitter.call(node, node.joiner, flow, {"left": str(flow.value.value), "right": right})
    joined = emitter.local("joined")
    with attempt(emitter, node):
        emitter.line(f"{joined} = {call}", origin)
    with succeeded(emitter, node):
        emitter.forward(node, replace(flow, value=Part(value=joined)))


OPERATOR = Operator(
    emit=emit,
    keeps=(KEY,),
    functions=lambda node: (node.joiner,),
    encodes=lambda node: {KEY: node.key_serde},
    nests=2,
)
