"""The handles that a topology is declared with."""

from streams.dsl.grouped import KGroupedStream
from streams.dsl.split import SplitStream
from streams.dsl.stream import KStream
from streams.dsl.table import KTable

__all__ = ["KGroupedStream", "KStream", "KTable", "SplitStream"]
