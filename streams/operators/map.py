"""map: a new key and a new value; timestamp and headers are inherited."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator, Part
from streams.topology.nodes import Map


def emit(emitter: Emitter, node: Map, flow: Flow) -> None:
    call, origin = emitter.call(node, node.mapper, flow)
    key, value = emitter.local("key"), emitter.local("value")
    with attempt(emitter, node):
        emitter.line(f"{key}, {value} = {call}", origin)
    with succeeded(emitter, node):
        emitter.forward(node, replace(flow, key=Part(value=key), value=Part(value=value)))


OPERATOR = Operator(emit=emit, keeps=(), functions=lambda node: (node.mapper,))
