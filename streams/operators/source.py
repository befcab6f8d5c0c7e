"""Sources: columns become records, with the timestamps that the source's extractor gives them.

Emits the loop over a batch. The extractor runs before a batch is queued, because the order between a task's inputs
depends on it (``task.queue``); what it had to decode is kept for the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, Final, TypeAlias, TypeVar

from streams.model import ColumnBatch, Headers, Offset, TimestampMs
from streams.operators import combine
from streams.operators.attempts import attempt
from streams.operators.drops import NEGATIVE_TIMESTAMP
from streams.operators.emitter import Action, Emitter, LineOrigin
from streams.operators.flow import Flow, Part, PartName
from streams.operators.needs import is_handled
from streams.serde.changes import unpack_change
from streams.topology.nodes import Source

T = TypeVar("T")
RecordFailure: TypeAlias = Callable[[Exception, ColumnBatch, int, LineOrigin], Exception]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@contextmanager
def loop(
    emitter: Emitter,
    node: Source,
    *,
    failed: str,
    context: bool,
    counts: bool,
    recovers: bool = False,
    decode: Sequence[PartName] = (),
) -> Iterator[Flow]:
    """The loop over records ``start`` to ``stop`` of ``batch``; its body goes inside, for the flow that is yielded.

    ``cursor`` is the iterator from which a failure learns the record's index.

    Arguments:
        failed: name of the function that makes the error of one record.
        context: whether some function looks at the record's context.
        counts: whether a record may be a count of others.
        recovers: whether some operator has an error policy.
        decode: parts to decode before anything else is done with the record.
    """
    column = emitter.constant("column_of", column_of)
    timestamp, raw_key, raw_value = (emitter.local(name) for name in ("timestamp", "raw_key", "raw_value"))
    headers = emitter.local("headers")
    columns = {
        timestamp: "cursor",
        raw_key: f"{column}(batch.keys, start, stop)",
        raw_value: f"{column}(batch.values, start, stop)",
        headers: f"{emitter.constant('headers_of', headers_of)}(batch, start, stop)",
    }
    count = emitter.local("count") if counts else None
    if count is not None:
        split = emitter.constant("counts_and_headers", combine.counts_and_headers)
        emitter.line(f"counts, plain_headers = {split}(batch, start, stop)")
        columns |= {headers: "plain_headers", count: "counts"}
    elif node.internal:
        with emitter.block("if batch.headers is not None:"):
            emitter.line(f"{emitter.constant('refuse_combined', combine.refuse_combined)}(batch)")
    value = None if node.timestamp is None else emitter.local("value")
    if value is not None:
        columns[value] = f"{column}(batch.decoded, start, stop)"
    offset = emitter.local("offset")
    if context:
        columns[offset] = f"{emitter.constant('offsets_of', offsets_of)}(batch, start, stop)"
        emitter.line("context.topic, context.partition = batch.topic_partition")
    emitter.line(f"cursor = iter({column}(batch.timestamps, start, stop))")
    emitter.call_over_lines("columns = zip", columns.values())
    if recovers:
        emitter.line("enter_batch(batch, stop, cursor)")
    with emitter.block("try:"), emitter.block(f"for {', '.join(columns)} in columns:"):
        with emitter.block(f"if {timestamp} < 0:"):
            emitter.drop(node, NEGATIVE_TIMESTAMP)
            emitter.line("continue")
        if context:
            emitter.line(f"context.offset, context.timestamp, context.headers = {offset}, {timestamp}, {headers}")
        if emitter.needs:
            emitter.line("begin()")
        flow = Flow(
            key=Part(raw=raw_key, serde=node.key_serde, origin=node.name),
            value=Part(raw=raw_value, value=value, serde=node.value_serde, origin=node.name),
            timestamp=timestamp,
            headers=headers,
            count=count,
        )
        yield _decoded(emitter, node, _unpacked(emitter, node, flow) if node.changes else flow, decode)
    with emitter.block("except Exception as error:"):
        emitter.line(f"raise {failed}(error, batch, stop - cursor.__length_hint__() - 1) from error")


def _unpacked(emitter: Emitter, node: Source, flow: Flow) -> Flow:
    """The flow of a record that is a change of a table: its new and its old value."""
    new, old = emitter.local("raw_new"), emitter.local("raw_old")
    unpack = emitter.constant("unpack_change", unpack_change)
    emitter.line(f"{new}, {old} = {unpack}({flow.value.raw})", LineOrigin(node.name, Action.DECODE, "value", "change"))
    return replace(flow, value=replace(flow.value, raw=new), old=replace(flow.value, raw=old))


def _decoded(emitter: Emitter, node: Source, flow: Flow, parts: Sequence[PartName]) -> Flow:
    """A source with an error policy decodes what anybody looks at before the record has had any effect."""
    if any(flow.part(name).value is None for name in parts):
        with attempt(emitter, node, after="continue"):
            for name in parts:
                flow = emitter.decode(flow, name)
    return flow


def column_of(column: list[T], start: int, stop: int) -> list[T]:
    """The part of a column; the column itself where that is all of it."""
    return column if stop - start == len(column) else column[start:stop]


def headers_of(batch: ColumnBatch, start: int, stop: int) -> Iterator[Headers] | list[Headers]:
    """The column of headers; empty ones without end where no record has any."""
    return repeat(()) if batch.headers is None else column_of(batch.headers, start, stop)


def offsets_of(batch: ColumnBatch, start: int, stop: int) -> Sequence[Offset]:
    """The offsets of records ``start`` to ``stop``."""
    if batch.offsets is None:
        return range(batch.base_offset + start, batch.base_offset + stop)
    return column_of(batch.offsets, start, stop)


class PreparedBatch(ColumnBatch):
    """A batch with the timestamps that its source's extractor gave.

    ``decoded`` are the values that it looked at, ``own_timestamps`` the records' own. ``failures`` are what records
    must raise once their turn has come, by index: a bad record far ahead does not stop those before it. Without an
    error policy the first of them is the batch's last record.
    """

    decoded: list[Any]
    own_timestamps: list[TimestampMs]
    failures: dict[int, Exception]


def extractor(node: Source) -> Callable[[Any], TimestampMs]:
    """What gives the timestamp of a decoded value."""
    assert node.timestamp is not None
    extract = node.timestamp.call

    def timestamp_of(value: Any) -> TimestampMs:
        extracted = extract(value)
        return extracted if type(extracted) is int else milliseconds(extracted)

    return timestamp_of


def preparer(node: Source, failed: RecordFailure) -> Callable[[ColumnBatch], PreparedBatch]:
    """A function that runs the source's extractor over a batch. Null values keep their record's own timestamp.

    Arguments:
        failed: makes the error of one record.
    """
    assert node.timestamp is not None
    decode, extract, goes_on = node.value_serde.decode, node.timestamp.call, is_handled(node)
    decoding = LineOrigin(node.name, Action.DECODE, "value", node.value_serde.id, node.value_serde)
    extracting = LineOrigin(node.name, Action.CALL, "", node.timestamp.name)

    def prepare(batch: ColumnBatch) -> PreparedBatch:
        decoded: list[Any] = []
        timestamps: list[TimestampMs] = []
        failures: dict[int, Exception] = {}
        rows = zip(batch.values, batch.timestamps, strict=True)
        length = len(batch.values)
        while len(timestamps) < length:
            try:
                for raw_value, timestamp in rows:
                    if raw_value is None:
                        decoded.append(None)
                        timestamps.append(timestamp)
                        continue
                    value = decode(raw_value)
                    decoded.append(value)
                    extracted = extract(value)
                    timestamps.append(extracted if type(extracted) is int else milliseconds(extracted))
            except Exception as error:
                index = len(timestamps)
                failure = failed(error, batch, index, extracting if len(decoded) > index else decoding)
                failure.__cause__ = error
                failures[index] = failure
                # Its turn comes right after its predecessor's, wherever other inputs are by then.
                timestamps.append(timestamps[-1] if timestamps else batch.timestamps[0])
                del decoded[index:]
                decoded.append(None)
                length = length if goes_on else index + 1
        return _prepared(batch, decoded, timestamps, failures)

    return prepare


def _prepared(
    batch: ColumnBatch, decoded: list[Any], timestamps: list[TimestampMs], failures: dict[int, Exception]
) -> PreparedBatch:
    """The first records of a batch, as many as there are timestamps."""
    length = len(timestamps)
    prepared = PreparedBatch(
        batch.topic_partition,
        batch.base_offset,
        batch.next_offset,
        column_of(batch.keys, 0, length),
        column_of(batch.values, 0, length),
        timestamps,
        None if batch.headers is None else column_of(batch.headers, 0, length),
        None if batch.offsets is None else column_of(batch.offsets, 0, length),
    )
    prepared.decoded = decoded
    prepared.own_timestamps = batch.timestamps
    prepared.failures = failures
    return prepared


def guarded(
    process: Callable[[ColumnBatch, int, int], None],
    prepare: Callable[[ColumnBatch], PreparedBatch],
    refuse: Callable[[PreparedBatch, int], bool] | None = None,
) -> Callable[[ColumnBatch, int, int], None]:
    """``process`` for batches of a source with an extractor, prepared or not; raises a record's failure in its turn.

    Arguments:
        refuse: called instead where the source has an error policy; returns whether the record is good now.
    """

    def process_prepared(batch: ColumnBatch, start: int, stop: int) -> None:
        prepared = batch if isinstance(batch, PreparedBatch) else prepare(batch)
        for index in [index for index in prepared.failures if start <= index < stop]:
            if start < index:
                process(prepared, start, index)
            if refuse is None:
                raise prepared.failures[index]
            start = index if refuse(prepared, index) else index + 1
        if start < stop:
            process(prepared, start, stop)

    return process_prepared


def milliseconds(timestamp: object) -> TimestampMs:
    """A point in time that an extractor returned: epoch milliseconds, or an aware datetime."""
    if isinstance(timestamp, int) and not isinstance(timestamp, bool):
        return int(timestamp)
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            raise ValueError(f"{timestamp!r} has no time zone; give it one: timestamp.replace(tzinfo=timezone.utc)")
        return (timestamp - _EPOCH) // _MILLISECOND
    raise TypeError(f"a timestamp is an int of milliseconds or an aware datetime, not {timestamp!r}")
