"""map_values: a new value under the same key."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, Flow, Operator, Part
from streams.topology.nodes import MapValues


def emit(emitter: Emitter, node: MapValues, flow: Flow) -> None:
    call, origin = emitter.call(node, node.mapper, flow)
    value = emitter.local("value")
    with attempt(emitter, node):
        emitter.line(f"{value} = {call}", origin)
    with succeeded(emitter, node):
        emitter.forward(node, replace(flow, value=Part(value=value)))


OPERATOR = Operator(emit=emit, keeps=(KEY,), functions=lambda node: (node.mapper,))
