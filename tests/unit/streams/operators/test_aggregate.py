"""count, reduce and aggregate, with the record cache and without: Kafka Streams' rules G2, G3 and G5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.errors import ProcessingError
from streams.operators import registry
from streams.operators.drops import NULL_KEY, NULL_VALUE
from streams.operators.emitter import Emitter
from streams.operators.flow import Flow, Operator
from streams.serde.base import Serde
from streams.serde.resolve import resolve
from streams.topology.nodes import Aggregate, Filter, ToStream, UserFunction
from tests.unit.streams.chains import NUMBER, Runner, aggregate, chain, function, sink, source


def runner_of(node: Aggregate, *, cache: bool, filtered: bool = False, **rest: Any) -> Runner:
    """``filtered``: with a node before the aggregation, so that whole-column kernels do not apply."""
    before = (Filter(name="all", predicate=function(lambda value: True)),) if filtered else ()
    return Runner(chain(source(), *before, node, ToStream(name="changes"), sink()), cache=cache, **rest)


COUNT = aggregate("counts", "count")
SUM = aggregate("sums", "reduce", adder=function(lambda old, value: old + value, "aggregate", "value"))
TOTAL = aggregate(
    "totals",
    "aggregate",
    initializer=UserFunction(call=lambda: 100, arguments=()),
    adder=function(lambda key, old, value: old + value, "key", "aggregate", "value"),
)
NUMBER_AS_TEXT = Serde(encode=lambda value: b"<%d>" % value, decode=lambda data: int(data[1:-1]), id="angled")

ROWS = ((b"a", b"5", 10), (b"b", b"7", 20), (b"a", b"6", 5), (b"a", b"1", 30))
EVERY_CHANGE = {
    "count": [(b"a", b"1", 10), (b"b", b"1", 20), (b"a", b"2", 10), (b"a", b"3", 30)],
    "reduce": [(b"a", b"5", 10), (b"b", b"7", 20), (b"a", b"11", 10), (b"a", b"12", 30)],
    "aggregate": [(b"a", b"105", 10), (b"b", b"107", 20), (b"a", b"111", 10), (b"a", b"112", 30)],
}


@pytest.mark.parametrize("node", [COUNT, SUM, TOTAL], ids=lambda node: node.kind)
def test_without_the_cache_every_change_is_sent_on_at_once(node: Aggregate) -> None:
    runner = runner_of(node, cache=False).send(*ROWS)
    assert runner.rows() == EVERY_CHANGE[node.kind]
    assert runner.flush().rows() == []


@pytest.mark.parametrize("node", [COUNT, SUM, TOTAL], ids=lambda node: node.kind)
@pytest.mark.parametrize("filtered", [False, True])
def test_with_the_cache_the_last_change_per_key_comes_at_the_flush(node: Aggregate, filtered: bool) -> None:
    runner = runner_of(node, cache=True, filtered=filtered).send(*ROWS)
    assert runner.rows() == []
    changes = EVERY_CHANGE[node.kind]
    assert runner.flush().rows() == [changes[3], changes[1]]
    assert runner.flush().rows() == []


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("node", [COUNT, SUM, TOTAL], ids=lambda node: node.kind)
def test_null_keys_and_null_values_are_skipped_and_counted(node: Aggregate, cache: bool, filtered: bool) -> None:
    runner = runner_of(node, cache=cache, filtered=filtered)
    runner.send((None, b"1", 1), (b"a", None, 2), (b"a", b"1", 3), (None, None, 4)).flush()
    assert runner.rows() == [(b"a", {"count": b"1", "reduce": b"1", "aggregate": b"101"}[node.kind], 3)]
    assert runner.dropped == {(node.name, NULL_KEY): 2, (node.name, NULL_VALUE): 1}


@pytest.mark.parametrize("cache", [False, True])
def test_a_null_result_deletes_the_row_and_the_next_record_starts_anew(cache: bool) -> None:
    """The new row's timestamp is the record's own, not the largest of the deleted row's (G3)."""
    adder = function(lambda old, value: None if value == 0 else old + value, "aggregate", "value")
    runner = runner_of(aggregate("sums", "reduce", adder=adder), cache=cache)
    runner.send((b"a", b"1", 10), (b"a", b"0", 20)).flush()
    assert runner.stored("sums-store") == {}
    runner.send((b"a", b"5", 3)).flush()
    assert runner.stored("sums-store") == {b"a": b"5"}
    assert runner.rows()[-1] == (b"a", b"5", 3)


def test_with_the_cache_a_row_that_came_and_went_between_flushes_is_silent() -> None:
    adder = function(lambda old, value: None, "aggregate", "value")
    runner = runner_of(aggregate("sums", "reduce", adder=adder), cache=True)
    assert runner.send((b"a", b"1", 10), (b"a", b"2", 20)).flush().rows() == []


@pytest.mark.parametrize("cache", [False, True])
def test_rows_are_found_again_and_go_to_the_changelog(cache: bool) -> None:
    runner = runner_of(COUNT, cache=cache)
    runner.send((b"a", b"1", 10)).flush()
    runner.stores.apply({}, 0)
    runner.send((b"a", b"1", 5)).flush()
    assert runner.rows() == [(b"a", b"1", 10), (b"a", b"2", 10)]
    changelog = runner.stores.changelogs()["counts-store"].drain()
    assert (changelog.keys, changelog.values, changelog.timestamps) == ([b"a", b"a"], [b"1", b"2"], [10, 10])


def test_a_mutated_and_returned_aggregate_is_legal() -> None:
    def add(old: list[int], value: int) -> list[int]:
        old.append(value)
        return old

    for cache in (False, True):
        node = aggregate(
            "lists",
            "aggregate",
            value=resolve(list[int]),
            initializer=UserFunction(call=list, arguments=()),
            adder=function(add, "aggregate", "value"),
        )
        runner = Runner(chain(source(), node), cache=cache)
        runner.send((b"a", b"1", 1), (b"b", b"2", 1), (b"a", b"3", 1)).flush()
        assert runner.stored("lists-store") == {b"a": b"[1,3]", b"b": b"[2]"}


@pytest.mark.parametrize("cache", [False, True])
def test_a_key_of_another_format_is_written_in_the_stores(cache: bool) -> None:
    runner = Runner(chain(source(key=NUMBER), aggregate("counts", "count", key=NUMBER_AS_TEXT)), cache=cache)
    runner.send((b"1", b"1", 1), (b" 1", b"1", 1)).flush()
    assert runner.stored("counts-store") == {b"<1>": b"2"}


@pytest.mark.parametrize("cache", [False, True])
def test_stored_bytes_of_another_format_are_reported(cache: bool) -> None:
    runner = runner_of(COUNT, cache=cache)
    runner.stores.store("counts-store").put(b"a", b"not a number", 1)
    with pytest.raises(ProcessingError, match="written with another type") as caught:
        runner.send((b"a", b"1", 1))
    assert caught.value.operator == "counts"


def test_a_full_cache_forwards_what_it_lets_go() -> None:
    """Nothing is lost, and the last value per key is what counts."""
    runner = runner_of(COUNT, cache=True, cache_max_bytes=1000)
    for index in range(200):
        runner.send((b"%d" % (index % 20), b"1", index))
    early = runner.rows()
    late = runner.flush().rows()
    assert early
    assert {key: value for key, value, _ in early + late} == {b"%d" % key: b"10" for key in range(20)}


def test_a_store_that_must_not_be_cached_is_not() -> None:
    node = aggregate("counts", "count", cached=False)
    assert len(runner_of(node, cache=True).send(*ROWS).rows()) == len(ROWS)


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("node", [COUNT, SUM], ids=lambda node: node.kind)
def test_the_value_that_was_sent_last_goes_along_where_it_is_asked_for(
    node: Aggregate, cache: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cache that is the value of the last flush, whatever came and went in between."""

    def emit(emitter: Emitter, node: ToStream, flow: Flow) -> None:
        assert flow.old is not None
        emitter.forward(node, replace(flow, value=flow.old, old=None))

    instead = Operator(emit=emit, wants_old=lambda node, sends_old: True)
    monkeypatch.setattr(registry, "OPERATORS", {**registry.OPERATORS, ToStream: instead})
    runner = runner_of(node, cache=cache)
    first, _, second, third = (value for _, value, _ in EVERY_CHANGE[node.kind])
    every = [(b"a", None), (b"b", None), (b"a", first), (b"a", second)]
    olds = [(key, old) for key, old, _ in runner.send(*ROWS).flush().rows()]
    assert olds == (every[:2] if cache else every)
    assert runner.send((b"a", b"1", 50)).flush().rows() == [(b"a", third, 50)]


def test_an_uncached_aggregate_passes_headers_on() -> None:
    runner = runner_of(COUNT, cache=False)
    runner.send((b"a", b"1", 1), headers=[(("h", b"1"),)])
    assert runner.columns().headers == [(("h", b"1"),)]
