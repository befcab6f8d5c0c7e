"""count, reduce and aggregate over a grouped table: take the old value away, add the new one, then send one change.

The rules are Kafka Streams' (G4): nothing is taken away from a group without a result; a count that falls to 0 stays
as 0; the result's timestamp is the largest that the group has seen. Stores, caches and flushes are ``aggregate``'s.
"""

from __future__ import annotations

from dataclasses import replace

from streams.operators import aggregate, attempted_aggregate, rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.drops import NULL_KEY
from streams.operators.emitter import Action, Emitter, LineOrigin
from streams.operators.flow import KEY, OLD, VALUE, Flow, Part
from streams.topology.nodes import TableAggregate, UserFunction


def emit(emitter: Emitter, node: TableAggregate, flow: Flow) -> None:
    with emitter.block(f"if {flow.key.variable} is None:"):
        emitter.drop(node, NULL_KEY)
    with emitter.block("else:"):
        keyed = rows.keyed(emitter, node, flow.not_null(KEY))
        if aggregate.is_cached(emitter, node):
            _emit_cached(emitter, node, keyed)
        else:
            _emit_uncached(emitter, node, keyed)


def _emit_cached(emitter: Emitter, node: TableAggregate, flow: Flow) -> None:
    entry, value = aggregate.emit_entry(emitter, node, flow)
    timestamp = emitter.local("timestamp")
    is_later = f"{value} is not None and {entry}.timestamp > {flow.timestamp}"
    emitter.line(f"{timestamp} = {entry}.timestamp if {is_later} else {flow.timestamp}")
    with attempted_aggregate.kept_entry(emitter, node, entry, value):
        _emit_change(emitter, node, flow, value)
    with succeeded(emitter, node):
        emitter.line(f"{entry}.value, {entry}.timestamp = {value}, {timestamp}")
        aggregate.emit_dirty(emitter, node, entry)


def _emit_uncached(emitter: Emitter, node: TableAggregate, flow: Flow) -> None:
    row = rows.stored(emitter, node, flow)
    value, timestamp = emitter.local("aggregate"), emitter.local("timestamp")
    decode = emitter.constant(f"decode_{node.store.name}", node.value_serde.decode)
    origin = LineOrigin(node.name, Action.DECODE, "aggregate", node.value_serde.id)
    emitter.line(f"{value} = None if {row.value.raw} is None else {decode}({row.value.raw})", origin)
    is_later = f"{value} is not None and {row.timestamp} > {flow.timestamp}"
    emitter.line(f"{timestamp} = {row.timestamp} if {is_later} else {flow.timestamp}")
    raw = emitter.local("raw_value")
    with attempt(emitter, node):
        _emit_change(emitter, node, flow, value)
        origin = LineOrigin(node.name, Action.ENCODE, "aggregate", node.value_serde.id, node.value_serde, value)
        emitter.line(f"{raw} = {emitter.encoding(value, node.value_serde, node.store.name)}", origin)
    changed = replace(
        flow,
        value=Part(raw=raw, value=value, serde=node.value_serde, origin=node.name),
        old=row.value if emitter.sends_old(node) else None,
        timestamp=timestamp,
    )
    exists = f"if {raw} is not None or {row.value.raw} is not None:"
    with succeeded(emitter, node), emitter.block(exists):
        rows.put(emitter, node, changed)
        emitter.forward(node, changed)


def _emit_change(emitter: Emitter, node: TableAggregate, flow: Flow, value: str) -> None:
    """The aggregate in variable ``value`` without the old value and with the new one."""
    with emitter.block(f"if {flow.part(OLD).variable} is not None and {value} is not None:"):
        if node.kind == "count":
            emitter.line(f"{value} -= 1")
        else:
            _emit_call(emitter, node, node.subtractor, replace(flow, value=flow.part(OLD), old=None), value)
    with emitter.block(f"if {flow.value.variable} is not None:"):
        given = replace(flow, old=None)
        if node.kind == "count":
            emitter.line(f"{value} = 1 if {value} is None else {value} + 1")
        elif node.kind == "reduce":
            added = emitter.decode(given.not_null(VALUE), VALUE)
            with emitter.block(f"if {value} is None:"):
                emitter.line(f"{value} = {added.value.value}")
            with emitter.block("else:"):
                _emit_call(emitter, node, node.adder, added, value)
        else:
            assert node.initializer is not None
            with emitter.block(f"if {value} is None:"):
                call, origin = emitter.call(node, node.initializer, given)
                emitter.line(f"{value} = {call}", origin)
            _emit_call(emitter, node, node.adder, given, value)


def _emit_call(emitter: Emitter, node: TableAggregate, function: UserFunction | None, flow: Flow, value: str) -> None:
    assert function is not None
    call, origin = emitter.call(node, function, flow.not_null(VALUE), {"aggregate": value})
    emitter.line(f"{value} = {call}", origin)


def _functions(node: TableAggregate) -> tuple[UserFunction, ...]:
    found = (node.initializer, node.adder, node.subtractor)
    return tuple(function for function in found if function is not None)


OPERATOR = replace(aggregate.OPERATOR, emit=emit, functions=_functions, wants_old=lambda node, sends_old: True, nests=2)
