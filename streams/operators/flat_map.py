"""flat_map: any number of records for one; all inherit its timestamp and headers (Kafka Streams S5)."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator, Part
from streams.topology.nodes import FlatMap


def emit(emitter: Emitter, node: FlatMap, flow: Flow) -> None:
    """The rest of the chain goes inside a ``for``: each result has all its effects before the next is asked for."""
    call, origin = emitter.call(node, node.mapper, flow)
    key, value = emitter.local("key"), emitter.local("value")
    with emitter.block(f"for {key}, {value} in {call}:", origin):
        emitter.forward(node, replace(flow, key=Part(value=key), value=Part(value=value)))


OPERATOR = Operator(emit=emit, keeps=(), functions=lambda node: (node.mapper,), nests=1)
