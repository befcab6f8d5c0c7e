"""Every node type has an operator, or is none that runs."""

from __future__ import annotations

import pytest

from streams.errors import TopologyError
from streams.operators.registry import OPERATORS, operator_of
from streams.topology import nodes
from tests.unit.streams.chains import TEXT


def test_every_node_type_has_an_operator() -> None:
    """Sources start functions, repartitions are split before, and bases are no nodes: all others must be here."""
    kinds = {kind for kind in vars(nodes).values() if isinstance(kind, type) and issubclass(kind, nodes.Node)}
    assert kinds - set(OPERATORS) == {nodes.Node, nodes.Stateful, nodes.Source, nodes.Repartition}


def test_a_repartition_cannot_run() -> None:
    node = nodes.Repartition(name="again", topic="t", key_serde=TEXT, value_serde=TEXT)
    with pytest.raises(TopologyError, match="again"):
        operator_of(node)
