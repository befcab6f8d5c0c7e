"""The handles that a topology is declared with."""

from streams.dsl.grouped import KGroupedStream
from streams.dsl.grouped_table import KGroupedTable
from streams.dsl.split import SplitStream
from streams.dsl.stream import KStream
from streams.dsl.table import KTable

__all__ = ["KGroupedStream", "KGroupedTable", "KStream", "KTable", "SplitStream"]
