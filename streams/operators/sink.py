"""Sinks: the record's bytes go to the end of its topic's columns.

Encoding happens only for what has changed since it was read in the same format. Before an internal (repartition)
topic a record with a null key is dropped, since it belongs to no partition, unless a join below has a use for it
(Kafka Streams S6).
Producing is not done here: columns wait until the runtime drains them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streams.errors import StreamsError
from streams.model import Headers, OutputColumns
from streams.operators import combine
from streams.operators.attempts import attempt, succeeded
from streams.operators.combine import CombinedColumns
from streams.operators.drops import NULL_KEY
from streams.operators.emitter import Action, Emitter, LineOrigin, has_bytes
from streams.operators.flow import KEY, OLD, VALUE, Flow, Operator, PartName
from streams.operators.needs import is_handled
from streams.serde.changes import pack_change
from streams.serde.windowed import window_bytes
from streams.topology.names import is_topic_name
from streams.topology.nodes import AnySerde, Sink, UserFunction


def prologue(emitter: Emitter, node: Sink) -> None:
    """Names for the columns' ends, once per batch; ``drain_outputs`` replaces the columns between batches."""
    name = emitter.named("to", node.name)
    if not isinstance(node.topic, str):
        emitter.line(f"{emitter.named('route', node.name)} = routes[{node.name!r}]")
        return
    if is_combining(emitter, node):
        combine.prologue(emitter, node)
        return
    emitter.line(f"{name} = outputs[{node.name!r}]")
    for column in ("keys", "values", "timestamps", *(("partitions",) if node.partitioner else ())):
        emitter.line(f"{emitter.named(f'{column}_to', node.name)} = {name}.{column}.append")


def emit(emitter: Emitter, node: Sink, flow: Flow) -> None:
    if node.internal and not node.keeps_null_keys:
        with emitter.block(f"if {flow.key.variable} is None:"):
            emitter.drop(node, NULL_KEY)
        with emitter.block("else:"):
            if node.combines_for is not None and is_combining(emitter, node):
                combine.emit(emitter, node, node.combines_for, flow.not_null(KEY))
            else:
                _emit_append(emitter, node, flow.not_null(KEY))
    else:
        _emit_append(emitter, node, flow)


def is_combining(emitter: Emitter, node: Sink) -> bool:
    """Whether records are pre-aggregated here: as in a record cache, only the last value per key is then fixed.

    Not where an error policy of the aggregation asks which record it was that its function failed on.
    """
    aggregate = node.combines_for
    return emitter.cache and aggregate is not None and not (aggregate.adder is not None and is_handled(aggregate))


def _emit_append(emitter: Emitter, node: Sink, flow: Flow) -> None:
    if is_handled(node) and not _cannot_fail(node, flow):
        flow = _decoded(emitter, node, flow)
        with attempt(emitter, node):
            ends, key, value, partition = _emit_row(emitter, node, flow)
        with succeeded(emitter, node):
            _emit_ends(emitter, node, flow, ends, key, value, partition)
        return
    _emit_ends(emitter, node, flow, *_emit_row(emitter, node, flow))


def _emit_row(emitter: Emitter, node: Sink, flow: Flow) -> tuple[dict[str, str], str, str, str | None]:
    """Everything that may fail comes first, so that columns never differ in length."""
    key = emitter.encode(flow, KEY, node.key_serde, node.name)
    value = emitter.encode(flow, VALUE, node.value_serde, node.name)
    if node.changes:
        old = emitter.encode(flow, OLD, node.value_serde, node.name)
        new, value = value, emitter.local("raw_change")
        emitter.line(f"{value} = {emitter.constant('pack_change', pack_change)}({new}, {old})")
    name = emitter.named("to", node.name)
    ends = {
        column: emitter.named(f"{column}_to", node.name) for column in ("keys", "values", "timestamps", "partitions")
    }
    topic = repr(node.topic)
    if isinstance(node.topic, UserFunction):
        topic = emitter.local("topic")
        call, origin = emitter.call(node, node.topic, flow)
        emitter.line(f"{topic} = {call}", origin)
        emitter.line(f"{name} = {emitter.named('route', node.name)}({topic})", origin)
        ends = {column: f"{name}.{column}.append" for column in ends}
    partition = None if node.partitioner is None else _emit_partition(emitter, node, node.partitioner, flow, topic)
    return ends, key, value, partition


def _emit_ends(
    emitter: Emitter, node: Sink, flow: Flow, ends: Mapping[str, str], key: str, value: str, partition: str | None
) -> None:
    """The row goes to the ends of the columns."""
    name = emitter.named("to", node.name)
    emitter.line(f"{ends['keys']}({key})")
    emitter.line(f"{ends['values']}({value})")
    emitter.line(f"{ends['timestamps']}({flow.timestamp})")
    if partition is not None:
        emitter.line(f"{ends['partitions']}({partition})")
    if flow.headers is not None:
        with emitter.block(f"if {flow.headers}:"):
            attach = emitter.constant("attach_headers", attach_headers)
            headers = flow.headers
            if node.internal:
                headers = f"{emitter.constant('plain_headers', combine.plain_headers)}({headers})"
            emitter.line(f"{attach}({name}, {headers})")


def _cannot_fail(node: Sink, flow: Flow) -> bool:
    """Whether bytes are passed on as they are."""
    formats = has_bytes(flow.key, node.key_serde) and has_bytes(flow.value, node.value_serde)
    return formats and isinstance(node.topic, str) and node.partitioner is None


def _decoded(emitter: Emitter, node: Sink, flow: Flow) -> Flow:
    """The flow with all that the sink looks at as objects: bytes that cannot be read are not the sink's error."""
    looked_at = {argument for function in _functions(node) for argument in function.arguments}
    formats: dict[PartName, AnySerde | None] = {KEY: node.key_serde, VALUE: node.value_serde}
    for name, serde in formats.items():
        if name in looked_at or not has_bytes(flow.part(name), serde):
            flow = emitter.decode(flow, name)
    return flow


def _emit_partition(emitter: Emitter, node: Sink, partitioner: UserFunction, flow: Flow, topic: str) -> str:
    count, partition = emitter.local("partitions"), emitter.local("partition")
    emitter.line(f"{count} = partition_count({topic})", LineOrigin(node.name, Action.STATE, "", ""))
    call, origin = emitter.call(node, partitioner, flow, {"topic": topic, "partitions": count})
    checked = emitter.constant("checked_partition", checked_partition)
    emitter.line(f"{partition} = {checked}({call}, {count})", origin)
    return partition


def attach_headers(columns: OutputColumns, headers: Headers) -> None:
    """Give the last record of ``columns`` its headers; records without any get none, here or in ``drained``."""
    if columns.headers is None:
        columns.headers = []
    columns.headers.extend([()] * (len(columns.keys) - 1 - len(columns.headers)))
    columns.headers.append(headers)


def checked_partition(partition: object, count: int) -> int:
    """A partitioner's answer as a number; -1 for None (the key's hash decides). ``ValueError`` for anything else."""
    if partition is None:
        return -1
    if isinstance(partition, int) and 0 <= partition < count:
        return partition
    raise ValueError(f"the partitioner returned {partition!r}; the topic has partitions 0 to {count - 1}")


class Outputs:
    """The columns of all sinks of one task.

    Sinks of one topic share columns, so that records reach it in the order in which they were made, however many are
    drained at once. ``fixed`` maps a sink's name to its columns, ``routes`` a sink with a topic function to a function
    from topic to columns. Generated code uses both.
    """

    def __init__(self, sinks: tuple[Sink, ...]) -> None:
        self._sinks = sinks
        self.fixed: dict[str, OutputColumns] = {}
        self._columns: dict[object, OutputColumns] = {}
        self._dead_letters: dict[str, OutputColumns] = {}
        self._routed: dict[str, dict[str, OutputColumns]] = {
            sink.name: {} for sink in sinks if not isinstance(sink.topic, str)
        }
        self.routes: Mapping[str, Callable[[object], OutputColumns]] = {
            sink.name: self._route(sink) for sink in sinks if not isinstance(sink.topic, str)
        }
        self._open()

    def columns(self) -> list[OutputColumns]:
        """All columns that have been written to or may be: the sinks', then those of dead letters."""
        return [*self._columns.values(), *self._dead_letters.values()]

    def open_columns(self) -> Iterable[OutputColumns]:
        """The same; made for being asked once per record."""
        return self.columns() if self._dead_letters else self._columns.values()

    def dead_letters(self, topic: str) -> OutputColumns:
        """The columns of a topic of dead letters."""
        return self._dead_letters.setdefault(topic, OutputColumns(topic))

    def drain(self) -> list[OutputColumns]:
        """Hand over what has been written, and start anew."""
        for gathered in self._columns.values():
            if isinstance(gathered, CombinedColumns):
                gathered.settle()
        written = [columns for columns in self.columns() if columns.keys]
        for columns in written:
            if columns.headers is not None:
                columns.headers.extend([()] * (len(columns.keys) - len(columns.headers)))
        if written:
            self._open()
            for topics in self._routed.values():
                topics.clear()
            self._dead_letters.clear()
        return written

    def _open(self) -> None:
        self._columns.clear()
        for sink in self._sinks:
            if isinstance(sink.topic, str):
                self.fixed[sink.name] = self._columns_of(sink, sink.topic)

    def _columns_of(self, sink: Sink, topic: str) -> OutputColumns:
        made = _columns(sink, topic)
        alone = isinstance(made, CombinedColumns)
        kind = sink.name if alone else (topic, made.partitions is None, made.unhashed_bytes)
        return self._columns.setdefault(kind, made)

    def _route(self, sink: Sink) -> Callable[[object], OutputColumns]:
        topics = self._routed[sink.name]

        def route(topic: Any) -> OutputColumns:
            columns = topics.get(topic)
            if columns is None:
                if not is_topic_name(topic):
                    raise StreamsError(f"the topic function returned {topic!r}; it must return the name of a topic")
                columns = topics[topic] = self._columns_of(sink, topic)
            return columns

        return route


def _columns(sink: Sink, topic: str) -> OutputColumns:
    if sink.combines_for is not None:
        return CombinedColumns(topic, sink.combines_for)
    columns = OutputColumns(topic)
    if sink.partitioner is not None:
        columns.partitions = []
    elif not sink.internal:  # as Kafka's WindowedStreamPartitioner: all windows of a key share its partition
        columns.unhashed_bytes = window_bytes(sink.key_serde)
    return columns


def _functions(node: Sink) -> tuple[UserFunction, ...]:
    topic = (node.topic,) if isinstance(node.topic, UserFunction) else ()
    adder = () if node.combines_for is None or node.combines_for.adder is None else (node.combines_for.adder,)
    return (*topic, *adder) if node.partitioner is None else (*topic, *adder, node.partitioner)


def _encodes(node: Sink) -> Mapping[PartName, AnySerde | None]:
    return {"key": node.key_serde, "value": node.value_serde}


OPERATOR = Operator(
    emit=emit, functions=_functions, encodes=_encodes, wants_old=lambda node, sends_old: bool(node.changes)
)
