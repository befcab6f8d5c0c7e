"""The handles that a topology is declared with."""

from streams.dsl.grouped import KGroupedStream
from streams.dsl.grouped_table import KGroupedTable
from streams.dsl.split import SplitStream
from streams.dsl.stream import KStream
from streams.dsl.table import KTable
from streams.dsl.windowed import TimeWindowedKStream
from streams.dsl.windows import hopping, tumbling, unlimited

__all__ = [
    "KGroupedStream",
    "KGroupedTable",
    "KStream",
    "KTable",
    "SplitStream",
    "TimeWindowedKStream",
    "hopping",
    "tumbling",
    "unlimited",
]
