"""Table-table joins: a change of either side changes the result (Kafka Streams' J8).

Each side looks up the other side's row and calls the joiner for the new value, and for the old one where somebody
downstream asks for it. The result has the larger timestamp of the two rows. A deletion is sent only where there was a
result. The node below the two sides keeps the result, if it has a store; otherwise rows are computed when asked for.

Where one table reaches the join by both sides, a change comes twice, and the other side has changed already when the
first comes: what there was before is then known from the store only. (Kafka Streams loses deletions there.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streams.operators import rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, OLD, PARTS, VALUE, Flow, Operator, Part, PartName, Row
from streams.topology.nodes import INNER, LEFT, OUTER, AnySerde, TableJoin, TableJoinSide, UserFunction


def emit_side(emitter: Emitter, node: TableJoinSide, flow: Flow) -> None:
    (table,) = emitter.tables(node)
    old = None
    with attempt(emitter, node):
        flow = rows.keyed(emitter, node, flow.not_null(KEY))  # no table has a row without key
        other = rows.found(emitter, table, flow)
        new = _joined(emitter, node, flow, flow.value, other.value)
        if emitter.sends_old(node) and not node.twice:
            old = _joined(emitter, node, flow, flow.part(OLD), other.value)
        timestamp = _later(emitter, flow.timestamp, other)
    if node.twice:
        with succeeded(emitter, node):
            emitter.forward(node, replace(flow, value=new, old=None, timestamp=timestamp))
        return
    had = f"{old.variable} is not None" if old is not None else _exists(node, flow.part(OLD), other.value)
    with succeeded(emitter, node), emitter.block(f"if {new.variable} is not None or {had}:"):
        emitter.forward(node, replace(flow, value=new, old=old, timestamp=timestamp))


def _joined(emitter: Emitter, node: TableJoinSide, flow: Flow, own: Part, other: Part) -> Part:
    result = emitter.local("joined")
    emitter.line(f"{result} = None")
    with emitter.block(f"if {_exists(node, own, other)}:"):
        left, right = (own, other) if node.is_left else (other, own)
        _call(emitter, node, node.how, flow, left, right, result)
    return Part(value=result)


def _exists(node: TableJoinSide, own: Part, other: Part) -> str:
    """The condition under which these two values have a result."""
    left, right = (own, other) if node.is_left else (other, own)
    return _condition(node.how, left, right)


def _condition(how: str, left: Part, right: Part) -> str:
    conditions = {
        INNER: f"{left.variable} is not None and {right.variable} is not None",
        LEFT: f"{left.variable} is not None",
        OUTER: f"({left.variable} is not None or {right.variable} is not None)",
    }
    return conditions[how]


def _call(
    emitter: Emitter, node: TableJoinSide | TableJoin, how: str, flow: Flow, left: Part, right: Part, result: str
) -> None:
    """The joiner's call, within the block of its condition."""
    left, right = replace(left, present=how in (INNER, LEFT)), replace(right, present=how == INNER)
    arguments = {
        name: str(emitter.decode(replace(flow, value=part, old=None), VALUE).value.value)
        for name, part in (("left", left), ("right", right))
    }
    call, origin = emitter.call(node, node.joiner, flow, arguments)
    emitter.line(f"{result} = {call}", origin)


def _later(emitter: Emitter, timestamp: str, row: Row) -> str:
    """The larger of a timestamp and a row's, if there is a row."""
    later = emitter.local("timestamp")
    is_later = f"{row.value.variable} is not None and {row.timestamp} > {timestamp}"
    emitter.line(f"{later} = {row.timestamp} if {is_later} else {timestamp}")
    return later


def emit(emitter: Emitter, node: TableJoin, flow: Flow) -> None:
    if node.twice:
        flow = rows.encoded(emitter, node, flow)
        before = rows.stored(emitter, node, flow).value
        with emitter.block(f"if {flow.value.raw} is not None or {before.raw} is not None:"):
            rows.put(emitter, node, flow)
            emitter.forward(node, replace(flow, old=before if emitter.sends_old(node) else None))
        return
    if node.store is not None:
        flow = rows.encoded(emitter, node, replace(flow, old=None))
        old = rows.stored(emitter, node, flow).value if emitter.sends_old(node) else None
        rows.put(emitter, node, flow)
        flow = replace(flow, old=old)
    emitter.forward(node, flow)


def lookup(emitter: Emitter, node: TableJoin, flow: Flow) -> Row:
    if node.store is not None:
        return rows.stored(emitter, node, flow)
    left, right = (rows.found(emitter, table, flow) for table in emitter.tables(node))
    result = emitter.local("joined")
    emitter.line(f"{result} = None")
    with emitter.block(f"if {_condition(node.how, left.value, right.value)}:"):
        _call(emitter, node, node.how, flow, left.value, right.value, result)
    # Of a row that is there the timestamp cannot be below 0.
    timestamp = emitter.local("row_timestamp")
    emitter.line(f"{timestamp} = -1 if {left.value.variable} is None else {left.timestamp}")
    return Row(value=Part(value=result), timestamp=_later(emitter, timestamp, right))


def _encodes(node: TableJoin) -> Mapping[PartName, AnySerde | None]:
    return {KEY: node.key_serde} if node.store is None else {KEY: node.key_serde, VALUE: node.value_serde}


def _functions(node: TableJoinSide) -> tuple[UserFunction, ...]:
    return (node.joiner,)


SIDE = Operator(
    emit=emit_side,
    keeps=(KEY,),
    functions=_functions,
    encodes=lambda node: {KEY: node.key_serde},
    nests=1,
    wants_old=lambda node, sends_old: not node.twice,
)
OPERATOR = Operator(
    emit=emit,
    keeps=(*PARTS, OLD),
    encodes=_encodes,
    nests=1,
    wants_old=lambda node, sends_old: sends_old and node.store is None,
    open_store=rows.open_store,
    lookup=lookup,
)
