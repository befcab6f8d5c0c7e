"""Lines that may fail on a record, under the node's error policy: a ``try``, and what follows in its ``else``.

Nothing is written for nodes whose policy is to fail: there an exception leaves the loop, and the line table says whose
it was. Who decides what happens to the record is ``codegen.recovery``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from streams.operators.emitter import Emitter
from streams.operators.needs import is_handled, needs_of
from streams.topology.nodes import Node


@contextmanager
def attempt(emitter: Emitter, node: Node, *failed: str, after: str = "") -> Iterator[None]:
    """Lines that may fail on a record go inside; what follows from their success, into ``succeeded`` after it.

    Where the node's policy is another one than to fail, a failure runs the lines ``failed``, and then ``recover``
    decides; where it returns, the record ends here, and ``after`` is run.
    """
    if not is_handled(node):
        yield
        return
    emitter.found_needs |= needs_of(node)
    with emitter.block("try:"):
        yield
    with emitter.block("except Exception as error:"):
        for line in failed:
            emitter.line(line)
        emitter.line(f"recover(error, {node.name!r})")
        if after:
            emitter.line(after)


@contextmanager
def succeeded(emitter: Emitter, node: Node) -> Iterator[None]:
    """What happens when ``attempt`` did not fail."""
    with emitter.block("else:") if is_handled(node) else nullcontext():
        yield
