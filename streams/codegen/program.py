"""A compiled sub-topology: its generated source (``Program``), and that source bound to one task's stores.

Owns the life of generated code: compile once per sub-topology, bind once per task, run per batch. Emits no source
(``codegen.generator``, ``operators``) and knows no queues, offsets to commit or producers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from streams.codegen.counters import DropCounters
from streams.model import ColumnBatch, OutputColumns

if TYPE_CHECKING:
    from streams.topology.compile import SubTopology

Process: TypeAlias = Callable[[ColumnBatch, int, int], None]
"""Runs records ``start`` to ``stop`` (exclusive) of a batch through the sub-topology."""
PartitionCount: TypeAlias = Callable[[str], int]
"""How many partitions a topic has; asked only by sinks with a partitioner of the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The generated code of one sub-topology; shared by all its tasks.

    Arguments:
        source: the text that runs (``streams describe --source`` prints it).
        filename: the name under which tracebacks show it.
    """

    source: str
    filename: str

    def bind(
        self,
        stores: object,
        counters: DropCounters | None = None,
        partition_count: PartitionCount | None = None,
    ) -> BoundProgram:
        """The program over one task's stores (``TaskStores``; None for a sub-topology without any).

        Arguments:
            counters: where dropped records are counted; a new one by default.
            partition_count: needed only where a sink has a partitioner.
        """
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class BoundProgram:
    """What a task runs. ``process`` has one function per source topic.

    ``process[topic](batch, start, stop)`` raises ``ProcessingError`` for the first record that fails; the records
    before it have had all their effects, and those after it none.
    """

    process: Mapping[str, Process]
    outputs: list[OutputColumns]
    counters: DropCounters
    stream_times: dict[str, int] = field(default_factory=dict)

    def prepare(self, batch: ColumnBatch) -> ColumnBatch:
        """The batch with the timestamps that its source's extractor gives; to be called before it is queued."""
        raise NotImplementedError

    def flush_caches(self) -> None:
        """Write dirty cache entries to their stores and send their changes on, until nothing is dirty."""
        raise NotImplementedError

    def drain_outputs(self) -> list[OutputColumns]:
        """The records for each topic since the last call, where there are any; the program starts new columns.

        ``partitions`` is None, or has -1 for a record whose key's hash decides.
        """
        raise NotImplementedError


def compile_subtopology(sub: SubTopology, *, cache: bool) -> Program:
    """Generate and compile the code of a sub-topology.

    Arguments:
        cache: whether aggregates go through the record cache (for stores that allow it); without it every change is
            written and sent on at once.
    """
    raise NotImplementedError
