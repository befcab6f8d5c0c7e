"""merge: what any parent sends goes on as it is; no order between parents (Kafka Streams S4)."""

from __future__ import annotations

from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.topology.nodes import Merge


def emit(emitter: Emitter, node: Merge, flow: Flow) -> None:
    emitter.forward(node, flow)


OPERATOR = Operator(emit=emit)
