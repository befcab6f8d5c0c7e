"""filter and filter_not: the record goes on as it is, or ends here."""

from __future__ import annotations

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.operators.needs import is_handled
from streams.topology.nodes import Filter


def emit(emitter: Emitter, node: Filter, flow: Flow) -> None:
    """The rest of the chain goes inside an ``if``. Null keys and values are the predicate's to judge."""
    call, origin = emitter.call(node, node.predicate, flow)
    if is_handled(node):
        passes = emitter.local("passes")
        with attempt(emitter, node):
            emitter.line(f"{passes} = {'not ' if node.negate else 'bool'}({call})", origin)
        with succeeded(emitter, node), emitter.block(f"if {passes}:"):
            emitter.forward(node, flow)
        return
    with emitter.block(f"if {'not ' if node.negate else ''}{call}:", origin):
        emitter.forward(node, flow)


OPERATOR = Operator(emit=emit, functions=lambda node: (node.predicate,), nests=1)
