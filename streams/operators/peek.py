"""peek: a call for its side effect, then the record goes on as it is."""

from __future__ import annotations

from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.topology.nodes import Peek


def emit(emitter: Emitter, node: Peek, flow: Flow) -> None:
    call, origin = emitter.call(node, node.action, flow)
    emitter.line(call, origin)
    emitter.forward(node, flow)


OPERATOR = Operator(emit=emit, functions=lambda node: (node.action,))
