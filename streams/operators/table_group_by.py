"""group_by on a table: a changed row leaves its group and joins another (Kafka Streams' G1, G4 and KIP-904).

Where the group stays the same, one record carries both values, so that nobody sees the group without the row. Otherwise
the old group hears of it first. No group, a null group key or a null value: that half is left out. The mapper is called
for the old value too and must depend on its arguments only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Action, Emitter, LineOrigin
from streams.operators.flow import OLD, VALUE, Flow, Operator, Part, PartName
from streams.topology.nodes import TableGroupBy


def emit(emitter: Emitter, node: TableGroupBy, flow: Flow) -> None:
    with attempt(emitter, node):
        new_key, new_value = _grouped(emitter, node, flow, VALUE)
        old_key, old_value = _grouped(emitter, node, flow, OLD)
    key, value, old = (emitter.local(name) for name in ("raw_group", "value", "old"))
    changes = emitter.constant("group_changes", group_changes)
    loop = f"for {key}, {value}, {old} in {changes}({new_key}, {new_value}, {old_key}, {old_value}):"
    with succeeded(emitter, node), emitter.block(loop):
        changed = replace(
            flow,
            key=Part(raw=key, serde=node.key_serde, origin=node.name, present=True),
            value=Part(value=value),
            old=Part(value=old),
        )
        emitter.forward(node, changed)


def _grouped(emitter: Emitter, node: TableGroupBy, flow: Flow, name: PartName) -> tuple[str, str]:
    """The variables of the group's key bytes and of the value in it; None where there is no group."""
    part = flow.part(name)
    pair, group, raw, value = (emitter.local(hint) for hint in ("pair", "group", "raw_group", "grouped"))
    emitter.line(f"{raw} = {value} = None")
    with emitter.block(f"if {part.variable} is not None:"):
        given = replace(flow, value=replace(part, present=True), old=None)
        call, origin = emitter.call(node, node.mapper, given)
        emitter.line(f"{pair} = {call}", origin)
        with emitter.block(f"if {pair} is not None:"):
            emitter.line(f"{group}, {value} = {pair}", origin)
            encoding = LineOrigin(node.name, Action.ENCODE, "key", node.key_serde.id, node.key_serde, group)
            emitter.line(f"{raw} = {emitter.encoding(group, node.key_serde, f'{node.name}_key')}", encoding)
    return raw, value


def group_changes(
    new_key: bytes | None, new: Any, old_key: bytes | None, old: Any
) -> tuple[tuple[bytes, Any, Any], ...]:
    """What the groups must hear: key, value to add and value to take away."""
    leaves = () if old_key is None or old is None else ((old_key, None, old),)
    joins = () if new_key is None or new is None else ((new_key, new, None),)
    if leaves and joins and old_key == new_key:
        return ((leaves[0][0], new, old),)
    return leaves + joins


OPERATOR = Operator(
    emit=emit,
    keeps=(),
    functions=lambda node: (node.mapper,),
    nests=1,
    wants_old=lambda node, sends_old: True,
)
