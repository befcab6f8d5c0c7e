"""filter and filter_not: the record goes on as it is, or ends here."""

from __future__ import annotations

from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.topology.nodes import Filter


def emit(emitter: Emitter, node: Filter, flow: Flow) -> None:
    """The rest of the chain goes inside an ``if``. Null keys and values are the predicate's to judge."""
    call, origin = emitter.call(node, node.predicate, flow)
    with emitter.block(f"if {'not ' if node.negate else ''}{call}:", origin):
        emitter.forward(node, flow)


OPERATOR = Operator(emit=emit, functions=lambda node: (node.predicate,), nests=1)
