"""for_each: a call for its side effect; the record ends here."""

from __future__ import annotations

from streams.operators.attempts import attempt
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.topology.nodes import ForEach


def emit(emitter: Emitter, node: ForEach, flow: Flow) -> None:
    call, origin = emitter.call(node, node.action, flow)
    with attempt(emitter, node):
        emitter.line(call, origin)


OPERATOR = Operator(emit=emit, functions=lambda node: (node.action,))
