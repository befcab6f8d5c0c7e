"""flat_map_values: any number of values for one, all under its key."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, Flow, Operator, Part
from streams.operators.needs import is_handled
from streams.topology.nodes import FlatMapValues


def emit(emitter: Emitter, node: FlatMapValues, flow: Flow) -> None:
    call, origin = emitter.call(node, node.mapper, flow, many=True)
    value = emitter.local("value")
    if is_handled(node):
        results = emitter.local("results")
        with attempt(emitter, node):  # all of them or none: a second attempt must not repeat the first ones
            emitter.line(f"{results} = list({call})", origin)
        call = results
    with succeeded(emitter, node), emitter.block(f"for {value} in {call}:", origin):
        emitter.forward(node, replace(flow, value=Part(value=value)))


OPERATOR = Operator(emit=emit, keeps=(KEY,), functions=lambda node: (node.mapper,), nests=1)
