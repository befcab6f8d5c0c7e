"""Every operator against the same bad input: nulls, out of order, late, crashes, errors, with the cache off and on.

What an operator answers is said by ``tests/conformance`` and drawn in docs/operators. Here are the properties that all
of them have: crashes and rebalances at any record change nothing, the record cache fixes the last value of each key, a
record that is skipped for its error leaves nothing behind, and a failure says where it was and has committed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from streams import App, KStream, KTable, ProcessingError, hopping, skip, tumbling, unlimited
from streams.testing import TopologyTestDriver

BAD = "bad"


class Row(tuple[str, "str | None", "str | None", int]):
    """Topic, key, value and timestamp."""


def rows() -> list[Row]:
    """Several inputs; some are out of order, and some of those late for windows of 20 ms with 10 of grace."""
    found = []
    for index in range(60):
        time = 100 + index * 5 - (70 if index % 13 == 5 else 12 if index % 7 == 3 else 0)
        key = None if index % 11 == 4 else "abc"[index * 7 % 3]
        value = None if index % 9 == 7 else f"v{index % 5}"
        topic = ("in", "in", "other", "rows")[index % 4]
        found.append(Row((topic, key, value, time)))
    return found


def with_bad(given: Iterable[Row]) -> list[Row]:
    """The same, with records in between that make every function fail."""
    found = []
    for index, row in enumerate(given):
        if index % 10 == 8:
            found.append(Row(("in", "b", BAD, row[3])))
        found.append(row)
    return found


def good(text: str | None) -> str:
    """What every function of the cases calls first."""
    if text is not None and BAD in text:
        raise ValueError("this one is bad")
    return text or ""


@dataclass(frozen=True)
class Case:
    """An operator over ``in``, perhaps with ``other`` (a stream) or ``rows`` (a table).

    ``exact``: whether a skipped record leaves no trace. Where the bad value is a row of a table, the row is there.
    ``fails``: whether it calls a function of ours at all.
    """

    build: Callable[[App], KStream[Any, Any] | KTable[Any, Any] | None]
    exact: bool = True
    fails: bool = True


def source(app: App) -> KStream[str, str]:
    return app.stream("in", key=str, value=str)


def table(app: App, topic: str = "in") -> KTable[str, str]:
    return app.table(topic, key=str, value=str)


def _split(app: App) -> None:
    ways = source(app).split()
    ways.branch(lambda value: good(value) == "v1", "one").to("out")
    ways.default().to("out")


def _to(app: App) -> None:
    source(app).to(lambda value: f"out{good(value)[:1] and ''}")


def _partitioned(app: App) -> None:
    source(app).to("out", partitioner=lambda topic, key, value, partitions: len(good(value)) % partitions)


def _for_each(app: App) -> None:
    source(app).for_each(good)


def _timestamp(app: App) -> KStream[str, str]:
    def time_of(value: str) -> int:
        return 100 + int(good(value)[1:]) * 10

    return app.stream("in", key=str, value=str, timestamp=time_of)


def add(text: str, value: str) -> str:
    return (text + good(value))[-12:]


def one_more(count: int, value: str) -> int:
    return count + (1 if good(value) else 0)


def one_less(count: int, value: str) -> int:
    return count - (1 if good(value) else 0)


def both(left: str | None, right: str | None) -> str:
    return f"{good(left)}+{good(right)}"


def by_value(key: str, value: str) -> tuple[str, str]:
    return good(value), key


CASES = {
    "filter": Case(lambda app: source(app).filter(lambda value: good(value) != "v1")),
    "filter_not": Case(lambda app: source(app).filter_not(lambda value: good(value) == "v1")),
    "map": Case(lambda app: source(app).map(lambda key, value: (good(value), key or ""), key=str, value=str)),
    "map_values": Case(lambda app: source(app).map_values(lambda value: good(value) + "!", value=str)),
    "flat_map": Case(lambda app: source(app).flat_map(lambda value: [(c, c) for c in good(value)], key=str, value=str)),
    "flat_map_values": Case(lambda app: source(app).flat_map_values(lambda value: list(good(value)), value=str)),
    "select_key": Case(lambda app: source(app).select_key(good, key=str)),
    "peek": Case(lambda app: source(app).peek(good)),
    "for_each": Case(_for_each),
    "merge": Case(lambda app: source(app).merge(app.stream("other", key=str, value=str)).map_values(good)),
    "several topics": Case(lambda app: app.stream(["in", "other"], key=str, value=str).map_values(good)),
    "timestamp": Case(_timestamp),
    "split": Case(_split),
    "repartition": Case(lambda app: source(app).map_values(good).repartition(name="again")),
    "to a chosen topic": Case(_to),
    "to a chosen partition": Case(_partitioned),
    "to_table": Case(lambda app: source(app).map_values(lambda value: value and good(value), value=str).to_table()),
    "to_table, new key": Case(lambda app: source(app).select_key(good, key=str).to_table(store="t")),
    "count": Case(lambda app: source(app).filter(good).group_by_key().count()),
    "count, new key": Case(lambda app: source(app).group_by(good, key=str).count()),
    "reduce": Case(lambda app: source(app).group_by_key().reduce(add), exact=False),
    "aggregate": Case(lambda app: source(app).group_by_key().aggregate(str, add, value=str)),
    "tumbling": Case(lambda app: source(app).group_by_key().windowed_by(tumbling("20ms", grace="10ms"))
                     .aggregate(str, add, value=str), exact=False),
    "hopping": Case(lambda app: source(app).group_by_key().windowed_by(hopping("20ms", "10ms", grace="10ms"))
                    .aggregate(str, add, value=str), exact=False),
    "hopping, new key": Case(lambda app: source(app).group_by(good, key=str)
                             .windowed_by(hopping("20ms", "10ms", grace="10ms")).count()),
    "unlimited": Case(lambda app: source(app).group_by_key().windowed_by(unlimited(50)).aggregate(str, add, value=str)),
    "table": Case(lambda app: app.table("in", key=str, value=str, store="t"), fails=False),
    "table filter": Case(lambda app: table(app).filter(good), exact=False),
    "table filter, stored": Case(lambda app: table(app).filter_not(lambda value: good(value) == "v1", store="f"),
                                 exact=False),
    "table map_values": Case(lambda app: table(app).map_values(good, store="m"), exact=False),
    "table group_by count": Case(lambda app: table(app).group_by(by_value, key=str, value=str).count(), exact=False),
    "table group_by reduce": Case(lambda app: table(app).group_by(lambda key, value: ("all", good(value)), key=str,
                                  value=str).reduce(max, lambda old, _: old), exact=False),
    "table group_by aggregate": Case(lambda app: table(app).group_by(lambda key, value: ("all", value), key=str,
                                     value=str).aggregate(int, one_more, one_less, value=int), exact=False),
    "stream-table inner join": Case(lambda app: source(app).join(table(app, "rows"), both)),
    "stream-table left join": Case(lambda app: source(app).left_join(table(app, "rows"), both)),
    "table-table inner join": Case(lambda app: table(app).join(table(app, "rows"), both), exact=False),
    "table-table left join": Case(lambda app: table(app).left_join(table(app, "rows"), both, store="j"), exact=False),
    "table-table outer join": Case(lambda app: table(app).outer_join(table(app, "rows"), both), exact=False),
}  # fmt: skip
HOW = {"cache off": False, "cache on": True}


def declared(case: Case, **settings: Any) -> App:
    app = App("matrix", **settings)
    result = case.build(app)
    if isinstance(result, KTable):
        result = result.to_stream()
    if result is not None:
        result.to("out")
    return app


@dataclass
class Seen:
    """Outputs, stores and counted drops of a run."""

    outputs: list[tuple[Any, ...]]
    stores: dict[str, dict[Any, Any]]
    dropped: dict[tuple[str, str], int]

    def last(self) -> dict[Any, Any]:
        return {key: value for key, value, *_ in self.outputs}


def run(
    case: Case, given: Iterable[Row], *, cache: bool = False, commit_every: int | None = 1,
    between: Callable[[TopologyTestDriver], object] = lambda driver: None, **settings: Any,
) -> Seen:  # fmt: skip
    """One run over the rows whose topics the application reads.

    Arguments:
        between: called before every third record.
    """
    app = declared(case, **settings)
    wanted = app.topology().external_topics
    with TopologyTestDriver(app, partitions=1, cache=cache, commit_every=commit_every) as driver:
        for index, (topic, key, value, time) in enumerate(given):
            if topic not in wanted:
                continue
            if index % 3 == 0:
                between(driver)
            headers = [("n", str(index).encode())] if index % 2 else []
            driver.send(topic, key, value, timestamp=time, headers=headers)
        driver.commit()
        read = driver.read("out") if "for_each" not in str(case) else []
        outputs = [(record.key, record.value, record.timestamp, record.headers) for record in read]
        stores = {name: dict(driver.store(name).all()) for name in app.topology().stores}
        return Seen(outputs, stores, dict(driver.drop_reasons))


@pytest.mark.parametrize("name", CASES)
def test_nulls_and_late_records_are_counted_and_nothing_else_is(name: str) -> None:
    seen = run(CASES[name], rows())
    assert {reason for _, reason in seen.dropped} <= {"null key", "null value", "late"}
    assert name == "for_each" or seen.outputs, "nothing came out"
    if "tumbling" in name or "hopping" in name:
        assert "late" in {reason for _, reason in seen.dropped}


@pytest.mark.parametrize("cache", HOW.values(), ids=HOW)
@pytest.mark.parametrize("name", CASES)
def test_crashes_and_rebalances_change_nothing(name: str, cache: bool) -> None:
    """State, stream times and positions come back as they were; what was not committed is done again."""
    calm = run(CASES[name], rows(), cache=cache)
    for between in (TopologyTestDriver.crash, TopologyTestDriver.rebalance):
        stopped = run(CASES[name], rows(), cache=cache, between=between)
        assert (stopped.outputs, stopped.stores) == (calm.outputs, calm.stores), between.__name__

    def die_and_do_again(driver: TopologyTestDriver) -> None:
        driver.crash()
        driver.process()
        driver.commit()

    uncommitted = run(CASES[name], rows(), cache=cache, commit_every=None, between=die_and_do_again)
    assert (uncommitted.last(), uncommitted.stores) == (calm.last(), calm.stores)


@pytest.mark.parametrize("name", CASES)
def test_the_cache_keeps_the_last_value(name: str) -> None:
    without = run(CASES[name], rows())
    for commit_every in (1, 4, None):
        cached = run(CASES[name], rows(), cache=True, commit_every=commit_every)
        assert cached.last() == without.last()
        assert cached.stores == without.stores
        assert cached.dropped == without.dropped
        assert len(cached.outputs) <= len(without.outputs)


@pytest.mark.parametrize("cache", HOW.values(), ids=HOW)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.fails])
def test_a_skipped_record_leaves_nothing_and_is_counted(name: str, cache: bool) -> None:
    case = CASES[name]
    seen = run(case, with_bad(rows()), cache=cache, on_error=skip)
    skipped = sum(count for (_, reason), count in seen.dropped.items() if reason == "skipped")
    assert skipped > (2 if "inner" in name else 4)
    if case.exact:
        alone = run(case, rows(), cache=cache)
        assert [row[:3] for row in seen.outputs] == [row[:3] for row in alone.outputs]
        assert seen.stores == alone.stores
    stopped = run(case, with_bad(rows()), cache=cache, on_error=skip, between=TopologyTestDriver.crash)
    assert (stopped.outputs, stopped.stores) == (seen.outputs, seen.stores)


def rows_of_stores(app: App, driver: TopologyTestDriver) -> dict[str, dict[Any, Any]]:
    """Of the sub-topology that fails, the last one: what went through a repartition topic was committed above it."""
    topology = app.topology()
    last = max((placed.subtopology for placed in topology.stores.values()), default=0)
    names = [name for name, placed in topology.stores.items() if placed.subtopology == last]
    return {name: dict(driver.store(name).all()) for name in names}


@pytest.mark.parametrize("cache", HOW.values(), ids=HOW)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.fails])
def test_a_failure_says_where_and_commits_nothing(name: str, cache: bool) -> None:
    app = declared(CASES[name])
    with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
        if "rows" in app.topology().external_topics:
            driver.send("rows", "b", "v1", timestamp=100)
        driver.send("in", "b", "v2", timestamp=100)
        read = () if name == "for_each" else driver.read("out")
        before = rows_of_stores(app, driver)
        for _ in range(2):
            with pytest.raises(ProcessingError, match=r"(?s)partition 0, offset \d, key .*this one is bad"):
                driver.send("in", "b", BAD, timestamp=101) if _ == 0 else driver.process()
            driver.crash()
        assert rows_of_stores(app, driver) == before
        assert name == "for_each" or (read and not driver.read("out"))
