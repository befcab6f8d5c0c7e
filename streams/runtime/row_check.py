"""Whether the rows that a store has can be read: a model may have evolved since they were written, under its old name.

Looks before anything is processed, at some rows of each store: a model that lost or gained a field, or changed one's
type, shows in any of them. It decides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Final

from streams.errors import ConfigError
from streams.runtime.tasks import RunningTask
from streams.serde import explain
from streams.topology.compile import PlacedStore
from streams.topology.graph import at
from streams.topology.nodes import Node, TableSource

CHECKED_ROWS: Final = 200
"""Of each store of each task: half of them its first ones, half its last; about 0.2 ms."""


def check_rows(tasks: Iterable[RunningTask], stores: Mapping[str, PlacedStore]) -> None:
    """Refuse to run over rows that no operator could read.

    A table's topic may hold single values that nobody could ever read, which is its records' policy's business; there,
    only where none of the rows can be read it is refused.

    Raises:
        ConfigError: names the store, the row's key and what does not fit.
    """
    for running in tasks:
        nodes: dict[str, Node] = {node.name: node for node in running.plan.subtopology.nodes}
        for spec in running.plan.subtopology.stores:
            placed = stores[spec.name]
            if "json:" in placed.value_serde.id:
                _check_store(running, placed, nodes[placed.node])


def _check_store(running: RunningTask, placed: PlacedStore, node: Node) -> None:
    found = running.stores.read_only(placed.spec.name)
    half = CHECKED_ROWS // 2
    failure: tuple[bytes, bytes, Exception] | None = None
    for key, value in chain(islice(found.range(), half), islice(found.range(reverse=True), half)):
        try:
            placed.value_serde.decode(value)
        except Exception as error:
            failure = failure or (key, value, error)
        else:
            if isinstance(node, TableSource):
                return
    if failure is not None:
        row_key, row, cause = failure
        problem = explain.decoding_problem(placed.value_serde, row, cause, "value")
        raise ConfigError(
            f"{at(node.location)}store {placed.spec.name!r} of task {running.plan.id} has rows that {node.name!r} "
            f"cannot read any more, such as that of key {row_key!r:.80}: {problem}. Give new fields of the model a "
            "default and keep the types of the old ones, or give the store another name: store='...'. Nothing was "
            "processed"
        ) from cause
