"""Which operator runs which node type; the one table that knows them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.errors import TopologyError
from streams.operators import (
    aggregate,
    flat_map,
    flat_map_values,
    for_each,
    map_values,
    merge,
    peek,
    select_key,
    sink,
    split,
    stream_table_join,
    table_aggregate,
    table_filter,
    table_group_by,
    table_join,
    table_map_values,
    table_source,
    to_stream,
    windowed,
)
from streams.operators import filter as filter_records
from streams.operators import map as map_records
from streams.operators.flow import Operator
from streams.topology import nodes

OPERATORS: Final[Mapping[type[nodes.Node], Operator]] = {
    nodes.Aggregate: aggregate.OPERATOR,
    nodes.Branch: split.BRANCH,
    nodes.Filter: filter_records.OPERATOR,
    nodes.FlatMap: flat_map.OPERATOR,
    nodes.FlatMapValues: flat_map_values.OPERATOR,
    nodes.ForEach: for_each.OPERATOR,
    nodes.Map: map_records.OPERATOR,
    nodes.MapValues: map_values.OPERATOR,
    nodes.Merge: merge.OPERATOR,
    nodes.Peek: peek.OPERATOR,
    nodes.SelectKey: select_key.OPERATOR,
    nodes.Sink: sink.OPERATOR,
    nodes.Split: split.OPERATOR,
    nodes.StreamTableJoin: stream_table_join.OPERATOR,
    nodes.TableAggregate: table_aggregate.OPERATOR,
    nodes.TableFilter: table_filter.OPERATOR,
    nodes.TableGroupBy: table_group_by.OPERATOR,
    nodes.TableJoin: table_join.OPERATOR,
    nodes.TableJoinSide: table_join.SIDE,
    nodes.TableMapValues: table_map_values.OPERATOR,
    nodes.TableSource: table_source.OPERATOR,
    nodes.ToStream: to_stream.OPERATOR,
    nodes.WindowedAggregate: windowed.OPERATOR,
}


def operator_of(node: nodes.Node) -> Operator:
    """The operator of a node; ``TopologyError`` for a node that no code can be generated for."""
    try:
        return OPERATORS[type(node)]
    except KeyError:
        raise TopologyError(f"{node.name}: a {type(node).__name__} cannot run inside a sub-topology") from None
