"""select_key: a new key for the same value."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import VALUE, Flow, Operator, Part
from streams.topology.nodes import SelectKey


def emit(emitter: Emitter, node: SelectKey, flow: Flow) -> None:
    call, origin = emitter.call(node, node.mapper, flow)
    key = emitter.local("key")
    with attempt(emitter, node):
        emitter.line(f"{key} = {call}", origin)
    with succeeded(emitter, node):
        emitter.forward(node, replace(flow, key=Part(value=key)))


OPERATOR = Operator(emit=emit, keeps=(VALUE,), functions=lambda node: (node.mapper,))
