"""peek: a call for its side effect, then the record goes on as it is."""

from __future__ import annotations

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.topology.nodes import Peek


def emit(emitter: Emitter, node: Peek, flow: Flow) -> None:
    call, origin = emitter.call(node, node.action, flow)
    with attempt(emitter, node):
        emitter.line(call, origin)
    with succeeded(emitter, node):
        emitter.forward(node, flow)


OPERATOR = Operator(emit=emit, functions=lambda node: (node.action,))
