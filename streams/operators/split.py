"""split: a record goes to the first branch whose predicate is true for it, or to the default, or nowhere.

The branches are siblings, written one after the other; a local says whether one of them has taken the record already.
"""

from __future__ import annotations

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.operators.needs import is_handled
from streams.topology.nodes import Branch, Split, UserFunction


def emit(emitter: Emitter, node: Split, flow: Flow) -> None:
    emitter.line(f"{emitter.named('taken', node.name)} = False")
    emitter.forward(node, flow)


def emit_branch(emitter: Emitter, node: Branch, flow: Flow) -> None:
    taken = emitter.named("taken", node.split)
    with emitter.block(f"if not {taken}:"):
        if node.predicate is None:
            emitter.forward(node, flow)
            return
        call, origin = emitter.call(node, node.predicate, flow)
        if is_handled(node):
            with attempt(emitter, node, f"{taken} = True"):  # the record ends here: no other branch may have it
                emitter.line(f"{taken} = bool({call})", origin)
            with succeeded(emitter, node), emitter.block(f"if {taken}:"):
                emitter.forward(node, flow)
            return
        with emitter.block(f"if {call}:", origin):
            emitter.line(f"{taken} = True")
            emitter.forward(node, flow)


def _functions(node: Branch) -> tuple[UserFunction, ...]:
    return () if node.predicate is None else (node.predicate,)


OPERATOR = Operator(emit=emit)
BRANCH = Operator(emit=emit_branch, functions=_functions, nests=2)
