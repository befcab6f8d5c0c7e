"""A compiled sub-topology: its generated source (``Program``), and that source bound to one task's stores.

Owns the life of generated code: compile once per sub-topology, bind once per task, run per batch. Emits no source
(``codegen.generator``, ``operators``) and knows no queues, offsets to commit or producers.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import crc32

from streams.codegen.counters import DropCounters
from streams.codegen.failures import Failures
from streams.codegen.generator import generate
from streams.codegen.recovery import OnHandled, Recovery
from streams.codegen.savepoint import Savepoint
from streams.model import ColumnBatch, OutputColumns
from streams.operators.context import RecordContext
from streams.operators.sink import Outputs
from streams.operators.source import PreparedBatch, extractor, guarded, preparer
from streams.topology.nodes import Policy, Sink, Source

if TYPE_CHECKING:
    from state.task_stores import TaskStores
    from streams.topology.compile import SubTopology

Process: TypeAlias = Callable[[ColumnBatch, int, int], None]
"""Runs records ``start`` to ``stop`` (exclusive) of a batch through the sub-topology."""
PartitionCount: TypeAlias = Callable[[str], int]
"""How many partitions a topic has; asked only by sinks with a partitioner of the user's."""


_CALLED_BY_GENERATED_CODE: Final = ("enter_batch", "enter_changes", "begin", "recall", "recall_all", "recover")
"""Of ``Recovery``, in programs with error policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The generated code of one sub-topology; shared by all its tasks.

    Arguments:
        source: the text that runs (``streams describe --source`` prints it).
        filename: the name under which tracebacks show it.
    """

    source: str
    filename: str
    sources: tuple[Source, ...]
    sinks: tuple[Sink, ...]
    code: CodeType = field(repr=False)
    constants: Mapping[str, object] = field(repr=False)
    failures: Failures = field(repr=False)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    undoes: bool = False
    """Whether some error policy may have to undo a record."""

    def bind(
        self,
        stores: TaskStores | None = None,
        counters: DropCounters | None = None,
        partition_count: PartitionCount | None = None,
        *,
        application_id: str = "",
        on_handled: OnHandled | None = None,
    ) -> BoundProgram:
        """The program over one task's stores; opens the record caches that it needs.

        Arguments:
            stores: None for a sub-topology without stores.
            counters: where dropped records are counted; a new one by default.
            partition_count: needed only where a sink has a partitioner.
            application_id: for dead letters.
            on_handled: hears of failures that an error policy has dealt with.
        """
        outputs = Outputs(self.sinks)
        counters = counters or DropCounters()
        stream_times: dict[str, int] = {}
        recovery = None
        namespace: dict[str, Any] = dict(self.constants)
        if self.policies:
            recovery = Recovery(
                self.policies,
                application_id=application_id,
                outputs=outputs,
                counters=counters,
                savepoint=Savepoint(outputs, stores, stream_times) if self.undoes else None,
                on_handled=on_handled,
            )
            namespace.update({name: getattr(recovery, name) for name in _CALLED_BY_GENERATED_CODE})
        exec(self.code, namespace)
        dropped = recovery.dropped if recovery is not None and self.undoes else counters.counts
        process, flush = namespace["bind"](
            stores, outputs.fixed, outputs.routes, dropped, partition_count, RecordContext(), stream_times
        )
        if recovery is not None and self.undoes:
            process = {topic: recovery.recovering(function) for topic, function in process.items()}
        prepare = {}
        for source in self.sources:
            if source.timestamp is None:
                continue
            preparing = preparer(source, partial(self.failures.in_record, source))
            refuse = (
                recovery.refuser(source.name, source.value_serde.decode, extractor(source))
                if recovery is not None and source.name in self.policies
                else None
            )
            for topic in source.topics:
                prepare[topic] = preparing
                process[topic] = guarded(process[topic], preparing, refuse)
        return BoundProgram(
            process=process,
            counters=counters,
            outputs=outputs,
            prepare=prepare,
            flush=flush,
            stream_times=stream_times,
            recovery=recovery,
        )


class BoundProgram:
    """What a task runs.

    ``process`` has one function per source topic. ``process[topic](batch, start, stop)`` raises ``ProcessingError`` for
    the first record that fails; the records before it have had all their effects, and those after it none. Records
    that an operator drops are counted in ``counters``. ``stream_times`` is the largest timestamp that each operator
    with a clock of its own has seen; it travels with the committed offsets.
    """

    def __init__(
        self,
        *,
        process: Mapping[str, Process],
        counters: DropCounters,
        outputs: Outputs,
        prepare: Mapping[str, Callable[[ColumnBatch], PreparedBatch]],
        flush: Callable[[], None],
        stream_times: dict[str, int],
        recovery: Recovery | None = None,
    ) -> None:
        self.process = process
        self.counters = counters
        self.stream_times = stream_times
        self._recovery = recovery
        self._outputs = outputs
        self._prepare = prepare
        self._flush = flush

    def set_time(self, now_ms: int) -> None:
        """The time of what is processed from here on; retries are due by it."""
        if self._recovery is not None:
            self._recovery.now_ms = now_ms

    @property
    def outputs(self) -> list[OutputColumns]:
        """The columns written so far: one per sink, and one per topic that a topic function chose."""
        return self._outputs.columns()

    def prepare(self, batch: ColumnBatch) -> ColumnBatch:
        """The batch with the timestamps that its source's extractor gives; to be called before it is queued."""
        prepare = self._prepare.get(batch.topic_partition.topic)
        return batch if prepare is None or isinstance(batch, PreparedBatch) else prepare(batch)

    def flush_caches(self) -> None:
        """Write dirty cache entries to their stores and send their changes on, upstream stores first.

        Raises ``ProcessingError`` for a change that fails downstream.
        """
        self._flush()

    def drain_outputs(self) -> list[OutputColumns]:
        """The records for each topic since the last call, where there are any; the program starts new columns.

        ``partitions`` is None, or has -1 for a record whose key's hash decides.
        """
        return self._outputs.drain()


def compile_subtopology(sub: SubTopology, *, cache: bool) -> Program:
    """Generate and compile the code of a sub-topology, and register it for tracebacks.

    Arguments:
        cache: whether aggregates go through the record cache (for stores that allow it); without it every change is
            written and sent on at once.

    Raises:
        TopologyError: a node, or an argument of a function, that no code can be generated for.
    """
    generated = generate(sub, cache=cache)
    text = generated.text
    # By content: tracebacks of two programs in one process must not show each other's lines.
    filename = generated.failures.filename = f"<sub-topology {sub.id} {crc32(text.encode()):08x}>"
    # No modification time: linecache never drops it.
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    return Program(
        source=text,
        filename=filename,
        sources=tuple(node for node in sub.nodes if isinstance(node, Source)),
        sinks=tuple(node for node in sub.nodes if isinstance(node, Sink)),
        code=compile(text, filename, "exec"),
        constants=generated.constants,
        failures=generated.failures,
        policies=generated.policies,
        undoes=bool(generated.needs),
    )
