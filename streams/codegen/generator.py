"""Walks a sub-topology and writes its code: one function per source, one per store behind a record cache.

A record goes depth first: all that one child causes is complete before the next child gets it, as in Kafka Streams.
Chains become straight code; a node that one function reaches by several ways becomes an inner function. What a node
does is written by its operator; this module knows graph, order and function heads only.

The generated ``bind`` makes the functions of one task::

    def bind(stores, outputs, routes, dropped, partition_count, context, stream_times):
        def process_<source>(batch, start, stop): ...     # one fused loop
        def forward_<store>(take): ...                    # take changes out of that store's cache and send them on
        def relieve(): ...                                # make room in caches that are over their limit
        def flush(): ...                                  # empty all caches, upstream ones first
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from streams.codegen import counting, window_kernels
from streams.codegen.analysis import Analysis, Formats, read_by_streams
from streams.codegen.failures import Failures
from streams.errors import TopologyError
from streams.on_error import ErrorPolicy
from streams.operators import aggregate, sink, source, windowed
from streams.operators.emitter import CONTEXT, Emitter
from streams.operators.flow import KEY, OLD, PARTS, VALUE, Flow, Part, PartName
from streams.operators.needs import Needs, is_handled, needs_of
from streams.operators.registry import operator_of
from streams.topology.nodes import Aggregate, Node, Sink, Source, Stateful, UserFunction, WindowedAggregate
from streams.topology.passes import may_read_counts
from streams.windows import TimeWindows

if TYPE_CHECKING:
    from streams.topology.compile import SubTopology


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The text, and what running it needs."""

    text: str
    constants: dict[str, object]
    failures: Failures
    policies: Mapping[str, ErrorPolicy | UserFunction]
    """Of the operators that do not simply fail."""
    needs: Needs


def generate(sub: SubTopology, *, cache: bool, needs: Needs = Needs.NOTHING) -> Generated:
    """The code of a sub-topology.

    Raises:
        TopologyError: a topic read twice, or a node or an argument of a function that no code exists for.
    """
    generator = Generator(sub, cache=cache and not needs, needs=needs)
    generated = generator.generate()
    # Whether an operator with a policy can fail at all shows only when its code is written.
    return generated if generated.needs in needs else generate(sub, cache=False, needs=generated.needs)


class Generator:
    """One walk over one sub-topology."""

    def __init__(self, sub: SubTopology, *, cache: bool, needs: Needs) -> None:
        self._sub = sub
        self._nodes = {node.name: node for node in sub.nodes}
        self._emitter = Emitter(
            cache=cache,
            forward=self._forward,
            sends_old=self._sends_old,
            tables=self._tables,
            lookup=lambda node, flow: operator_of(node).lookup(self._emitter, node, flow),
            uncached=read_by_streams(sub),
            needs=needs,
        )
        self._failures = Failures(self._emitter.origins, self._nodes)
        self._aggregates = [node for node in sub.nodes if isinstance(node, Aggregate)]
        self._cached = [node for node in self._aggregates if aggregate.is_cached(self._emitter, node)]
        self._context = any(
            CONTEXT in function.arguments
            for node in sub.nodes
            if not isinstance(node, Source)
            for function in operator_of(node).functions(node)
        )
        self._analysis = Analysis(sub, self._cached)
        self._inner: dict[str, Formats] = {}
        self._policies = {node.name: node.on_error for node in sub.nodes if node.on_error and is_handled(node)}

    def generate(self) -> Generated:
        emitter = self._emitter
        sources = [node for node in self._sub.nodes if isinstance(node, Source)]
        # A name in a comment must not end it.
        names = (name if name.isprintable() else ascii(name) for name in self._nodes)
        emitter.line(f"# Sub-topology {self._sub.id}: {', '.join(names)}")
        with emitter.block("def bind(stores, outputs, routes, dropped, partition_count, context, stream_times):"):
            for kept in self._sub.nodes:
                if isinstance(kept, Stateful) and kept.store is not None:
                    operator_of(kept).open_store(emitter, kept)
            for node in sources:
                emitter.line("")
                self._process(node)
            for cached in self._cached:
                emitter.line("")
                self._forward_changes(cached)
            self._maintenance()
            emitter.line("")
            topics = [(topic, emitter.named("process", node.name)) for node in sources for topic in node.topics]
            _refuse_duplicates(topic for topic, _ in topics)
            emitter.line(f"return {{{', '.join(f'{topic!r}: {name}' for topic, name in topics)}}}, flush")
        return Generated(
            text="\n".join(emitter.lines) + "\n",
            constants=emitter.constants,
            failures=self._failures,
            policies=self._policies,
            needs=emitter.found_needs,
        )

    # Functions.

    def _process(self, node: Source) -> None:
        emitter = self._emitter
        emitter.new_names()
        counted = self._analysis.counted_column(node)
        if node.timestamp is not None:
            emitter.found_needs |= needs_of(node)
        with emitter.function(f"def {emitter.named('process', node.name)}(batch, start, stop):"):
            if isinstance(counted, WindowedAggregate):
                counting.emit_windowed_count(emitter, self._failures, node, counted)
            elif counted is not None:
                counts = may_read_counts(self._sub, node)
                counting.emit_count(emitter, self._failures, node, counted, counts=counts)
            else:
                failed = emitter.constant(f"failed_{node.name}", partial(self._failures.in_record, node))
                self._open(node, headers=True)
                self._decide_lateness(node)
                looked_at = [name for name in PARTS if self._analysis.looked_at(node, name)] if is_handled(node) else []
                with source.loop(
                    emitter,
                    node,
                    failed=failed,
                    context=self._context,
                    counts=may_read_counts(self._sub, node),
                    recovers=bool(self._policies),
                    decode=looked_at,
                ) as flow:
                    emitter.batch_timestamp = flow.timestamp
                    self._forward(node, flow)
                    emitter.batch_timestamp = None
            if self._cached:
                emitter.line("relieve()")

    def _decide_lateness(self, entry: Source) -> None:
        """Once per batch: whether windows must look for late records at all."""
        reached = [node for node in self._analysis.reached(entry) if isinstance(node, WindowedAggregate)]
        if any(isinstance(node.windows, TimeWindows) for node in reached):
            time_bounds = self._emitter.constant("time_bounds", window_kernels.time_bounds)
            self._emitter.line(f"earliest, latest = {time_bounds}(batch.timestamps, start, stop)")
        for node in reached:
            windowed.emit_may_be_late(self._emitter, node)

    def _forward_changes(self, node: Aggregate) -> None:
        """Of a flush or an eviction, whichever ``take`` is; both write the store first."""
        emitter = self._emitter
        emitter.new_names()
        passed_on = self._analysis.passed_on(node)
        with emitter.function(f"def {emitter.named('forward', node.store.name)}(take):"):
            failed = emitter.constant(f"failed_row_{node.name}", partial(self._failures.in_row, node))
            with emitter.block("try:"):
                emitter.line("changes = take()")
            with emitter.block("except Exception as error:"):
                emitter.line(f"raise {failed}(error, {emitter.named('cache', node.store.name)}.held()) from error")
            if not self._sub.children[node.name]:
                return
            if passed_on is not None:
                columns = f"outputs[{passed_on.name!r}]"
                emitter.line(f"{columns}.keys.extend(changes.keys)")
                emitter.line(f"{columns}.values.extend(changes.new_bytes)")
                emitter.line(f"{columns}.timestamps.extend(changes.timestamps)")
                return
            self._open(node, headers=False)
            self._changes_loop(node)

    def _changes_loop(self, node: Aggregate) -> None:
        emitter = self._emitter
        failed = emitter.constant(
            f"failed_{node.name}",
            partial(self._failures.in_change, node),
        )
        if self._context:
            emitter.line("context.leave_input()")
        emitter.line("cursor = iter(changes.keys)")
        raw_key, raw_value, value, timestamp, raw_old = (
            emitter.local(name) for name in ("raw_key", "raw_value", "value", "timestamp", "raw_old")
        )
        columns = {
            raw_key: "cursor",
            raw_value: "changes.new_bytes",
            value: "changes.new_values",
            timestamp: "changes.timestamps",
        }
        if self._analysis.sends_old(node):
            columns[raw_old] = "changes.old_bytes"
        emitter.line(f"columns = zip({', '.join(columns.values())})")
        if self._policies:
            emitter.line("enter_changes(changes, cursor)")
        with emitter.block("try:"), emitter.block(f"for {', '.join(columns)} in columns:"):
            if self._context:
                emitter.line(f"context.timestamp = {timestamp}")
            flow = Flow(
                key=Part(raw=raw_key, serde=node.key_serde, origin=node.name),
                value=Part(raw=raw_value, value=value, serde=node.value_serde, origin=node.name),
                timestamp=timestamp,
                headers=None,
                old=Part(raw=raw_old, serde=node.value_serde, origin=node.name) if raw_old in columns else None,
            )
            self._forward(node, flow)
        with emitter.block("except Exception as error:"):
            index = "len(changes.keys) - cursor.__length_hint__() - 1"
            emitter.line(f"raise {failed}(error, changes, {index}) from error")

    def _maintenance(self) -> None:
        emitter = self._emitter
        if self._cached:
            emitter.line("")
            with emitter.function("def relieve():"):
                for node in self._cached:
                    cache, forward = emitter.named("cache", node.store.name), emitter.named("forward", node.store.name)
                    with emitter.block(f"if {cache}.over_limit:"):
                        emitter.line(f"{forward}({cache}.evict)")
        emitter.line("")
        with emitter.function("def flush():"):
            for node in self._cached:
                store = node.store.name
                with emitter.block(f"while {emitter.named('dirty', store)}:"):
                    emitter.line(f"{emitter.named('forward', store)}({emitter.named('cache', store)}.flush)")
            for node in self._aggregates:
                if isinstance(node, WindowedAggregate):
                    windowed.emit_expiry(emitter, node)

    def _open(self, entry: Node, *, headers: bool) -> None:
        """What the loop needs: the ends of the columns that it writes to, and inner functions."""
        reached = self._analysis.reached(entry)
        for node in reached:
            if isinstance(node, Sink):
                sink.prologue(self._emitter, node)
        self._inner = self._analysis.inner_functions(entry, reached)
        for node in reached:
            if node.name in self._inner:
                self._inner_function(node, headers=headers)

    def _inner_function(self, node: Node, *, headers: bool) -> None:
        emitter = self._emitter
        parts: dict[PartName, Part] = {}
        for name, known in self._inner[node.name].items():
            if known is None:
                parts[name] = Part(value=emitter.local(name))
            else:
                parts[name] = Part(raw=emitter.local(f"raw_{name}"), serde=known[0], origin=known[1])
        timestamp = emitter.local("timestamp")
        flow = Flow(
            key=parts[KEY],
            value=parts[VALUE],
            old=parts.get(OLD),
            timestamp=timestamp,
            headers=emitter.local("headers") if headers else None,
        )
        arguments = [*(part.variable for part in parts.values()), timestamp]
        if flow.headers is not None:
            arguments.append(flow.headers)
        with emitter.function(f"def {emitter.named('into', node.name)}({', '.join(arguments)}):"):
            operator_of(node).emit(emitter, node, flow)

    # The graph.

    def _sends_old(self, node: Node) -> bool:
        return self._analysis.sends_old(node)

    def _tables(self, node: Node) -> tuple[Node, ...]:
        return tuple(self._nodes[name] for name in self._sub.reads.get(node.name) or self._sub.parents[node.name])

    def _forward(self, node: Node, flow: Flow) -> None:
        """Everything that comes after ``node`` for one record that leaves it."""
        children = [self._nodes[name] for name in self._sub.children[node.name]]
        if len(children) > 1:
            for name in PARTS:
                part = flow.part(name)
                if part.value is None and sum(self._analysis.looks(child, name, part.serde) for child in children) > 1:
                    flow = self._emitter.decode(flow, name)
        for child in children:
            if child.name in self._inner:
                self._call_inner(child, flow)
            else:
                operator_of(child).emit(self._emitter, child, flow)

    def _call_inner(self, node: Node, flow: Flow) -> None:
        arguments: list[str] = []
        for name, known in self._inner[node.name].items():
            if known is None:
                flow = self._emitter.decode(flow, name)
            part = flow.part(name)
            arguments.append(str(part.value if known is None else part.raw))
        arguments.append(flow.timestamp)
        if flow.headers is not None:
            arguments.append(flow.headers)
        self._emitter.line(f"{self._emitter.named('into', node.name)}({', '.join(arguments)})")


def _refuse_duplicates(topics: Iterable[str]) -> None:
    seen: set[str] = set()
    for topic in topics:
        if topic in seen:
            raise TopologyError(f"topic {topic!r} has two sources; read it once and use that stream twice")
        seen.add(topic)
