"""Every function of tables, groupings, windows and joins, with a policy of its own, while the application's is fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, KTable, ProcessingError, dead_letter, fail, retry, skip, tumbling
from streams.on_error import OnError
from streams.testing import TopologyTestDriver
from tests.errors.kit import Flaky
from tests.errors.test_places import LOOSE

CACHE = pytest.mark.parametrize("cache", [False, True], ids=["uncached", "cached"])
AT_ONCE = pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "one batch"])
BAD = 3
POLICIES: dict[str, OnError] = {
    "fail": fail,
    "skip": skip,
    "dead letter": dead_letter("dlq"),
    "whole record": skip(whole_record=True),
    "retry": retry("1s"),
    "retry, then skip": retry("1s", attempts=2, then=skip),
    "function": lambda error: skip,
}
RETRIED = ("retry",)
Table = KTable[Any, Any]
Build = Callable[[App, Table, Any, OnError], None]


def to_out(table: Any) -> None:
    (table.to_stream() if isinstance(table, KTable) else table).to("out", value=int)


def other(app: App) -> Table:
    """A table with a row for every key."""
    return app.table("other", key=str, value=int)


PASSED_ON: dict[str, Build] = {
    "filter": lambda app, rows, f, e: to_out(rows.filter(f, name="x", on_error=e)),
    "filter_not": lambda app, rows, f, e: to_out(rows.filter_not(lambda v: not f(v), name="x", on_error=e)),
    "map_values": lambda app, rows, f, e: to_out(rows.map_values(f, value=int, name="x", on_error=e)),
    "map_values, kept": lambda app, rows, f, e: to_out(rows.map_values(f, value=int, store="x", on_error=e)),
    "join": lambda app, rows, f, e: to_out(rows.join(other(app), lambda v, o: f(v), value=int, name="x", on_error=e)),
    "left_join": lambda app, rows, f, e: to_out(
        rows.left_join(other(app), lambda v, o: f(v), value=int, name="x", on_error=e)
    ),
    "outer_join, from the right": lambda app, rows, f, e: to_out(
        other(app).outer_join(rows, lambda o, v: 0 if v is None else f(v), value=int, store="x", on_error=e)
    ),
    "stream join": lambda app, rows, f, e: to_out(
        rows.to_stream().join(other(app), lambda v, o: f(v), value=int, name="x", on_error=e)
    ),
    "stream left_join": lambda app, rows, f, e: to_out(
        rows.to_stream().left_join(other(app), lambda v, o: f(v), value=int, name="x", on_error=e)
    ),
}
"""Called with 1 to 5, each under a key of its own, and pass them on."""


def check_failure(build: Build, cache: bool) -> None:
    with pytest.raises(ProcessingError, match=r"'?x.*offset 2"):
        live(build, fail, Flaky({BAD: 1}), [("k" + str(value), value) for value in range(1, 6)], cache, at_once=True)


def live(
    build: Build, policy: OnError, flaky: Flaky, rows: list[tuple[str, int]], cache: bool, *, at_once: bool
) -> TopologyTestDriver:
    """A driver after all rows, and after the retries that there may be. The rows are counted before anything else."""
    app = App("app")
    table = app.table("rows", key=str, value=int, store="rows")
    table.to_stream().group_by_key().count(store="counts")
    build(app, table, flaky, policy)
    driver = TopologyTestDriver(app, partitions=1, cache=cache)
    if "other" in app.topology().external_topics:
        for key, _ in rows:
            driver.send("other", key, 0, timestamp=0)
        driver.read("out")
    for timestamp, (key, value) in enumerate(rows):
        (driver.enqueue if at_once else driver.send)("rows", key, value, timestamp=timestamp + 1)
    driver.process()
    driver.advance_wall_clock("1s")
    driver.advance_wall_clock("2s")
    return driver


@CACHE
@AT_ONCE
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("operator", PASSED_ON)
def test_what_passes_rows_on(operator: str, policy: str, cache: bool, at_once: bool) -> None:
    if policy == "fail":
        check_failure(PASSED_ON[operator], cache)
        return
    flaky = Flaky({BAD: 2 if "then" in policy else 1})
    rows = [("k" + str(value), value) for value in range(1, 6)]
    driver = live(PASSED_ON[operator], POLICIES[policy], flaky, rows, cache, at_once=at_once)
    good = [1, 2, 3, 4, 5] if policy in RETRIED else [1, 2, 4, 5]
    assert driver.read_values("out", value=int) == good
    undone = policy == "whole record"
    assert dict(driver.store("counts").all()) == {key: 1 for key, value in rows if value != BAD or not undone}
    assert ("k3" in driver.store("rows")) is not undone
    assert (sum(driver.drop_reasons.values()) == 0) is (policy in RETRIED)
    assert len(driver.read("dlq", key=str, value=int) if policy == "dead letter" else ["one"]) == 1


AGGREGATED: dict[str, Callable[[Table, Any, OnError], Any]] = {
    "grouped table reduce": lambda rows, f, e: into_one(rows).reduce(
        lambda total, v: total + f(v), lambda total, v: total - v, store="x", on_error=e
    ),
    "grouped table aggregate": lambda rows, f, e: into_one(rows).aggregate(
        lambda: 0, lambda total, v: total + f(v), lambda total, v: total - v, value=int, store="x", on_error=e
    ),
    "group_by": lambda rows, f, e: rows.group_by(lambda v: ("all", f(v)), key=str, value=int, on_error=e).reduce(
        lambda total, v: total + v, lambda total, v: total - v, store="x"
    ),
    "reduce": lambda rows, f, e: all_of(rows).reduce(lambda total, v: total + f(v), store="x", on_error=e),
    "aggregate": lambda rows, f, e: all_of(rows).aggregate(
        lambda: 0, lambda total, v: total + f(v), value=int, store="x", on_error=e
    ),
    "windowed reduce": lambda rows, f, e: (
        all_of(rows).windowed_by(tumbling("1h")).reduce(lambda total, v: total + f(v), store="x", on_error=e)
    ),
    "windowed aggregate": lambda rows, f, e: (
        all_of(rows)
        .windowed_by(tumbling("1h"))
        .aggregate(lambda: 0, lambda total, v: total + f(v), value=int, store="x", on_error=e)
    ),
}
"""Called with (1 to) 5, each under a key of its own, and add them up under one."""


def into_one(rows: Table) -> Any:
    return rows.group_by(lambda value: ("all", value), key=str, value=int)


def all_of(rows: Table) -> Any:
    return rows.to_stream().group_by(lambda value: "all", key=str)


def total(driver: TopologyTestDriver, operator: str) -> Any:
    store = driver.store("x")
    return store.fetch("all", 0) if "windowed" in operator else store["all"]


@CACHE
@AT_ONCE
@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "fail"])
@pytest.mark.parametrize("operator", AGGREGATED)
def test_what_adds_rows_up(operator: str, policy: str, cache: bool, at_once: bool) -> None:
    """Behind a repartition topic a record is that topic's: what was counted before it stays, whatever is undone."""
    flaky = Flaky({BAD: 2 if "then" in policy else 1})
    rows = [("k" + str(value), value) for value in range(1, 6)]
    driver = live(
        lambda app, table, f, e: AGGREGATED[operator](table, f, e),
        POLICIES[policy],
        flaky,
        rows,
        cache,
        at_once=at_once,
    )
    assert total(driver, operator) == (15 if policy in RETRIED else 12)
    undone = policy == "whole record" and operator == "group_by"
    assert dict(driver.store("counts").all()) == {key: 1 for key, value in rows if value != BAD or not undone}


@CACHE
@AT_ONCE
@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "fail"])
@pytest.mark.parametrize("method", ["reduce", "aggregate"])
def test_a_subtractor(method: str, policy: str, cache: bool, at_once: bool) -> None:
    """One key whose value goes from 1 to 5. Where the old 3 cannot be taken away, the 4 that came with it is not added:
    the change as a whole ends here, and the total goes on from what it was."""

    def build(app: App, rows: Table, take: Any, policy: OnError) -> None:
        grouped = into_one(rows)
        adds, takes = (lambda total, v: total + v), (lambda total, v: total - take(v))
        if method == "reduce":
            grouped.reduce(adds, takes, store="x", on_error=policy)
        else:
            grouped.aggregate(lambda: 0, adds, takes, value=int, store="x", on_error=policy)

    flaky = Flaky({BAD: 2 if "then" in policy else 1})
    rows = [("k", value) for value in range(1, 6)]
    driver = live(build, POLICIES[policy], flaky, rows, cache, at_once=at_once)
    assert driver.store("x")["all"] == (5 if policy in RETRIED else 3 - 4 + 5)
    assert driver.store("counts")["k"] == 5


@CACHE
@pytest.mark.parametrize("policy", ["skip", "dead letter", "fail"])
def test_a_tables_source(policy: str, cache: bool) -> None:
    """A record that cannot be decoded is no row; the row that its key has stays."""
    app = App("app")
    table = app.table("rows", key=str, value=LOOSE, store="rows", on_error=POLICIES[policy])
    table.map_values(lambda value: value * 2, value=int).to_stream().to("out")
    with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
        driver.send("rows", "a", 1)
        if policy == "fail":
            with pytest.raises(ProcessingError, match="rows .*offset 1"):
                driver.send("rows", "a", b"{")
            return
        driver.send("rows", "a", b"{")
        driver.send("rows", "b", 2)
        assert driver.read_values("out") == [2, 4]
        driver.rebalance()
        assert dict(driver.store("rows").all()) == {"a": 1, "b": 2}
