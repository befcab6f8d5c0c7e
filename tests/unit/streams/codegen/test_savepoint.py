"""Savepoints: everything a record did is taken back, and nothing of the record before it."""

from __future__ import annotations

import pytest

from streams.codegen.savepoint import Savepoint, truncate
from streams.model import OutputColumns
from streams.operators.sink import Outputs, attach_headers
from tests.unit.streams.chains import aggregate, chain, function, sink, source, stores_of

SUB = chain(source(), aggregate("counts", "count"))


def put(columns: OutputColumns, value: bytes, headers: bool = False) -> None:
    columns.keys.append(value)
    columns.values.append(value)
    columns.timestamps.append(1)
    if columns.partitions is not None:
        columns.partitions.append(-1)
    if headers:
        attach_headers(columns, (("h", value),))


def test_outputs_go_back_to_the_length_they_had() -> None:
    plain, routed = sink("out"), sink("routed", topic=function(str))
    parted = sink("parted", partitioner=function(lambda *_: 0, "topic", "key", "value", "partitions"))
    outputs = Outputs((plain, routed, parted))
    savepoint = Savepoint(outputs, None, {})
    put(outputs.fixed["out"], b"kept")
    put(outputs.fixed["parted"], b"kept")
    put(outputs.routes["routed"]("t1"), b"kept", headers=True)
    savepoint.take()
    put(outputs.fixed["out"], b"gone", headers=True)
    put(outputs.fixed["parted"], b"gone")
    put(outputs.routes["routed"]("t1"), b"gone", headers=True)
    put(outputs.routes["routed"]("t2"), b"gone")
    put(outputs.dead_letters("dlq"), b"gone")
    savepoint.undo()
    assert {columns.topic: columns.keys for columns in outputs.drain()} == {
        "out": [b"kept"], "parted": [b"kept"], "t1": [b"kept"],
    }  # fmt: skip


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_column_of_headers_may_be_shorter(length: int) -> None:
    columns = OutputColumns("out")
    put(columns, b"0")
    put(columns, b"1", headers=True)
    put(columns, b"2")
    truncate(columns, length)
    assert columns.headers == [(), (("h", b"1"),)][:length]
    assert len(columns.keys) == len(columns.values) == len(columns.timestamps) == length


def test_staged_writes_changelogs_and_times_go_back() -> None:
    stores = stores_of(SUB)
    store, times = stores.store("counts-store"), {"old": 5}
    savepoint = Savepoint(Outputs(()), stores, times)
    store.put(b"a", b"1", 1)
    savepoint.take()
    store.put(b"a", b"2", 2)
    store.put(b"a", None, 3)
    store.put_many([b"b", b"a", b"b"], [b"1", b"3", b"2"], [1, 2, 3])
    times.update(old=6, new=1)
    savepoint.undo()
    assert dict(store.range()) == {b"a": b"1"}
    assert store.get_with_timestamp(b"a") == (b"1", 1)
    assert store.changelog is not None and store.changelog.keys == [b"a"]
    assert times == {"old": 5}


def test_what_was_applied_stays() -> None:
    stores = stores_of(SUB)
    store = stores.store("counts-store")
    savepoint = Savepoint(Outputs(()), stores, {})
    store.put(b"a", b"1", 1)
    stores.apply({}, 0)
    savepoint.take()
    store.put(b"a", b"2", 2)
    store.put(b"b", b"1", 2)
    savepoint.undo()
    assert dict(store.range()) == {b"a": b"1"}
    assert stores.transaction.staged_records == 0
