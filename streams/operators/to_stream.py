"""to_stream: the changes of a table as records of key, new value (null for a deletion) and timestamp."""

from __future__ import annotations

from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.topology.nodes import ToStream


def emit(emitter: Emitter, node: ToStream, flow: Flow) -> None:
    emitter.forward(node, flow)


OPERATOR = Operator(emit=emit)
