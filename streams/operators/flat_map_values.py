"""flat_map_values: any number of values for one, all under its key."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, Flow, Operator, Part
from streams.topology.nodes import FlatMapValues


def emit(emitter: Emitter, node: FlatMapValues, flow: Flow) -> None:
    call, origin = emitter.call(node, node.mapper, flow)
    value = emitter.local("value")
    with emitter.block(f"for {value} in {call}:", origin):
        emitter.forward(node, replace(flow, value=Part(value=value)))


OPERATOR = Operator(emit=emit, keeps=(KEY,), functions=lambda node: (node.mapper,), nests=1)
