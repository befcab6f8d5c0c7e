"""flat_map: any number of records for one; all inherit its timestamp and headers (Kafka Streams S5)."""

from __future__ import annotations

from dataclasses import replace

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator, Part
from streams.operators.needs import is_handled
from streams.topology.nodes import FlatMap


def emit(emitter: Emitter, node: FlatMap, flow: Flow) -> None:
    """The rest of the chain goes inside a ``for``: each result has all its effects before the next is asked for.

    With an error policy all results are asked for first.
    """
    call, origin = emitter.call(node, node.mapper, flow, many=True)
    key, value = emitter.local("key"), emitter.local("value")
    if is_handled(node):
        results = emitter.local("results")
        with attempt(emitter, node):  # all of them or none: a second attempt must not repeat the first ones
            emitter.line(f"{results} = [({key}, {value}) for {key}, {value} in {call}]", origin)
        call = results
    with succeeded(emitter, node), emitter.block(f"for {key}, {value} in {call}:", origin):
        emitter.forward(node, replace(flow, key=Part(value=key), value=Part(value=value)))


OPERATOR = Operator(emit=emit, keeps=(), functions=lambda node: (node.mapper,), nests=1)
