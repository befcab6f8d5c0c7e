"""filter and filter_not on a table: a row that does not pass is no row downstream (Kafka Streams' T1).

Deletions stay deletions; the predicate never sees null. Where nobody asks for old values nothing is known of what was
sent before, so that every row that does not pass is sent as a deletion; where somebody does, from nothing to nothing
is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streams.operators import rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, OLD, PARTS, VALUE, Flow, Operator, Part, PartName, Row
from streams.topology.nodes import AnySerde, TableFilter


def emit(emitter: Emitter, node: TableFilter, flow: Flow) -> None:
    with attempt(emitter, node):
        passed = replace(flow, value=_judged(emitter, node, flow, VALUE), old=None)
        if node.store is not None:
            passed = rows.encoded(emitter, node, passed)
        if emitter.sends_old(node):
            old = _judged(emitter, node, flow, OLD) if node.store is None else rows.stored(emitter, node, passed).value
            passed = replace(passed, old=old)
    with succeeded(emitter, node):
        if passed.old is None:
            _send(emitter, node, passed)
            return
        with emitter.block(f"if {passed.value.variable} is not None or {passed.old.variable} is not None:"):
            _send(emitter, node, passed)


def _send(emitter: Emitter, node: TableFilter, flow: Flow) -> None:
    if node.store is not None:
        rows.put(emitter, node, flow)
    emitter.forward(node, flow)


def lookup(emitter: Emitter, node: TableFilter, flow: Flow) -> Row:
    if node.store is not None:
        return rows.stored(emitter, node, flow)
    (table,) = emitter.tables(node)
    row = rows.found(emitter, table, flow)
    given = replace(flow, value=row.value, old=None, timestamp=row.timestamp)
    return Row(value=_judged(emitter, node, given, VALUE), timestamp=row.timestamp)


def _judged(emitter: Emitter, node: TableFilter, flow: Flow, name: PartName) -> Part:
    """The part, or null where the predicate says no."""
    part = flow.part(name)
    given = replace(flow, value=replace(part, present=True), old=None)
    looks = part.value is not None or VALUE in node.predicate.arguments
    raw = None if part.raw is None else emitter.local("raw_passed")
    value = emitter.local("passed") if looks else None
    targets = [target for target in (raw, value) if target is not None]
    emitter.line(f"{' = '.join(targets)} = None")
    with emitter.block(f"if {part.variable} is not None:"):
        call, origin = emitter.call(node, node.predicate, given)
        if looks:
            given = emitter.decode(given, VALUE)
        with emitter.block(f"if {'not ' if node.negate else ''}{call}:", origin):
            if raw is not None:
                emitter.line(f"{raw} = {part.raw}")
            if value is not None:
                emitter.line(f"{value} = {given.value.value}")
    return replace(part, raw=raw, value=value, present=False)


def _encodes(node: TableFilter) -> Mapping[PartName, AnySerde | None]:
    return {} if node.store is None else {KEY: node.key_serde, VALUE: node.value_serde}


OPERATOR = Operator(
    emit=emit,
    keeps=(*PARTS, OLD),
    functions=lambda node: (node.predicate,),
    encodes=_encodes,
    nests=1,
    wants_old=lambda node, sends_old: sends_old and node.store is None,
    open_store=rows.open_store,
    lookup=lookup,
)
