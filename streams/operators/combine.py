"""Combiners: what many records of a key would do to an aggregation, as one record of the repartition topic.

Owns the form of such records (docs/formats/combined_records.md) and both of its ends: the code of a sink that
pre-aggregates (``Sink.combines_for``), and the reading of counts. Where a sink may do so is ``topology.passes``'.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import repeat
from typing import Any, Final

from streams.errors import ProcessingError, StreamsError
from streams.model import ColumnBatch, Headers, OutputColumns
from streams.operators.drops import NULL_VALUE
from streams.operators.emitter import Emitter
from streams.operators.flow import KEY, VALUE, Flow
from streams.topology.nodes import Aggregate, Sink

FORM_HEADER: Final = "streams.form"
"""Reserved: on a record of a repartition topic it says what the value is."""
COUNT_FORM: Final = b"count/1"
COUNTED: Final[Headers] = ((FORM_HEADER, COUNT_FORM),)
"""The headers of a record whose value is the number of records that it stands for."""
_COUNT: Final = struct.Struct(">q")


def prologue(emitter: Emitter, node: Sink) -> None:
    """Names for the partial aggregates, once per batch."""
    partials = emitter.named("partials_to", node.name)
    emitter.line(f"{partials} = outputs[{node.name!r}].partials")


def emit(emitter: Emitter, node: Sink, aggregate: Aggregate, flow: Flow) -> None:
    """Code that adds the record, whose key is not null, to what is gathered for its key."""
    with emitter.block(f"if {flow.value.variable} is None:"):
        emitter.drop(aggregate, NULL_VALUE)
    with emitter.block("else:"):
        flow = flow.not_null(VALUE)
        if aggregate.kind != "count":
            flow = emitter.decode(flow, VALUE)
        key = emitter.encode(flow, KEY, node.key_serde, node.name)
        partials, partial = emitter.named("partials_to", node.name), emitter.local("partial")
        emitter.line(f"{partial} = {partials}.get({key})")
        with emitter.block(f"if {partial} is None:"):
            first = "1" if aggregate.kind == "count" else flow.value.value
            emitter.line(f"{partials}[{key}] = [{first}, {flow.timestamp}]")
        with emitter.block("else:"):
            if aggregate.kind == "count":
                emitter.line(f"{partial}[0] += 1")
            else:
                assert aggregate.adder is not None
                call, origin = emitter.call(aggregate, aggregate.adder, flow, {"aggregate": f"{partial}[0]"})
                emitter.line(f"{partial}[0] = {emitter.constant('present', present)}({call})", origin)
            with emitter.block(f"if {flow.timestamp} > {partial}[1]:"):
                emitter.line(f"{partial}[1] = {flow.timestamp}")


def present(aggregate: Any) -> Any:
    """The partial result, which must be one."""
    if aggregate is None:
        raise TypeError("it returned None, which deletes a row; an associative reducer cannot do that")
    return aggregate


class CombinedColumns(OutputColumns):
    """The columns of a combining sink. ``partials``: key to aggregate and latest timestamp; ``settle`` writes them."""

    __slots__ = ("_aggregate", "partials")

    def __init__(self, topic: str, aggregate: Aggregate) -> None:
        super().__init__(topic)
        self.partials: dict[bytes, list[Any]] = {}
        self._aggregate = aggregate

    def settle(self) -> None:
        """One record for each key, in the order of their first records.

        Raises:
            ProcessingError: a partial aggregate that cannot be written.
        """
        if not self.partials:
            return
        partials, self.partials = self.partials, {}
        self.keys.extend(partials)
        self.timestamps.extend([timestamp for _, timestamp in partials.values()])
        if self._aggregate.kind == "count":
            pack = _COUNT.pack
            self.values.extend([pack(count) for count, _ in partials.values()])
            self.headers = [COUNTED] * len(self.keys)
            return
        encode = self._aggregate.value_serde.encode
        for key, (aggregate, _) in partials.items():
            try:
                self.values.append(encode(aggregate))
            except (TypeError, ValueError) as error:
                raise self._unwritable(key, error) from error

    def _unwritable(self, raw_key: bytes, error: Exception) -> ProcessingError:
        node = self._aggregate
        try:
            key: object = node.key_serde.decode(raw_key)
        except ValueError:
            key = raw_key
        return ProcessingError(
            f"{node.name} failed on the way to topic {self.topic}, key {key!r}: the value is no {node.value_serde.id}; "
            f"return that type: {type(error).__name__}: {error}. Nothing of it is committed.",
            operator=node.name, topic_partition=None, offset=-1, key=key,
        )  # fmt: skip


def plain_headers(headers: Headers) -> Headers:
    """A record's own headers before they go to a repartition topic: without the reserved one."""
    return tuple(header for header in headers if header[0] != FORM_HEADER)


def counts_of(batch: ColumnBatch, start: int, stop: int) -> list[int] | None:
    """For how many records each one stands, from ``start`` to ``stop``; None where each is only itself."""
    if batch.headers is None:
        return None
    return [
        1 if not headers or headers[0][0] != FORM_HEADER else _count(headers, value)
        for headers, value in zip(batch.headers[start:stop], batch.values[start:stop], strict=True)
    ]


def counts_and_headers(batch: ColumnBatch, start: int, stop: int) -> tuple[Iterable[int], Iterable[Headers]]:
    """As columns: for how many records each one stands, and the headers that go on downstream."""
    counts = counts_of(batch, start, stop)
    if counts is None or batch.headers is None:
        return repeat(1), repeat(())
    return counts, [plain_headers(headers) for headers in batch.headers[start:stop]]


def refuse_combined(batch: ColumnBatch) -> None:
    """For readers that combined counts are not meant for: the topology must have changed since they were written."""
    for headers in batch.headers or ():
        if headers and headers[0][0] == FORM_HEADER:
            raise StreamsError(
                f"topic {batch.topic_partition.topic} still has combined counts (written with combiners=True), but it "
                "is not read by a single count any more: process them with the application as it was (--until-end)"
            )


def _count(headers: Headers, value: bytes | None) -> int:
    if headers[0][1] != COUNT_FORM or value is None or len(value) != _COUNT.size:
        raise StreamsError(f"a combined record of a form that this version does not read: {headers[0][1]!r}")
    count: int = _COUNT.unpack(value)[0]
    return count
