"""Errors in joiners and in the functions of tables: the change ends there, and rows are as they were."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, ProcessingError, dead_letter, retry, skip
from streams.on_error import OnError
from streams.testing import TopologyTestDriver
from tests.errors.kit import Flaky

CACHE = pytest.mark.parametrize("cache", [False, True], ids=["uncached", "cached"])


def send(driver: TopologyTestDriver, *records: tuple[str, str, Any]) -> None:
    for timestamp, (topic, key, value) in enumerate(records):
        driver.send(topic, key, value, timestamp=timestamp)


@CACHE
@pytest.mark.parametrize("how", ["join", "left_join"])
@pytest.mark.parametrize("policy", ["fail", "skip", "dead letter", "whole record", "retry"])
def test_a_joiner_of_a_stream_and_a_table(cache: bool, how: str, policy: str) -> None:
    given: OnError = {
        "fail": None, "skip": skip, "dead letter": dead_letter("dlq"), "whole record": skip(whole_record=True),
        "retry": retry("1s"),
    }[policy]  # type: ignore[assignment]  # fmt: skip
    app = App("app", on_error=given)
    flaky = Flaky({2: 1})
    orders = app.stream("orders", key=str, value=int)
    orders.group_by_key().count(store="counts")
    getattr(orders, how)(app.table("prices", key=str, value=int), lambda o, p: flaky(o) * p, value=int).to("out")
    with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
        records = [("prices", "a", 10), *(("orders", "a", value) for value in (1, 2, 3))]
        if policy == "fail":
            with pytest.raises(ProcessingError, match=r"join .*offset 1"):
                send(driver, *records)
            return
        send(driver, *records)
        driver.advance_wall_clock("1s")
        retried = policy == "retry"
        assert driver.read_values("out") == ([10, 20, 30] if retried else [10, 30])
        assert driver.store("counts")["a"] == (2 if policy == "whole record" else 3)
        assert flaky.calls == ([1, 2, 2, 3] if retried else [1, 2, 3])
        assert sum(driver.drop_reasons.values()) == (not retried)


@CACHE
@pytest.mark.parametrize("policy", [skip, dead_letter("dlq"), skip(whole_record=True), retry("1s")])
def test_a_joiner_of_two_tables(cache: bool, policy: OnError) -> None:
    app = App("app", on_error=policy)
    flaky = Flaky({2: 1})
    left, right = (app.table(topic, key=str, value=int) for topic in ("left", "right"))
    left.join(right, lambda one, other: flaky(one) * other, value=int, store="joined").to_stream().to("out")
    with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
        send(driver, ("right", "a", 10), ("left", "a", 1), ("left", "a", 2), ("left", "a", 3))
        driver.advance_wall_clock("1s")
        assert driver.read_values("out") == ([10, 20, 30] if policy == retry("1s") else [10, 30])
        assert driver.store("joined")["a"] == 30


@CACHE
@pytest.mark.parametrize("operator", ["map_values", "filter"])
@pytest.mark.parametrize("policy", [skip, retry("1s"), skip(whole_record=True)])
def test_functions_of_a_table(cache: bool, operator: str, policy: OnError) -> None:
    app = App("app", on_error=policy)
    flaky = Flaky({2: 1})
    table = app.table("rows", key=str, value=int, store="rows")
    made = table.map_values(flaky, value=int) if operator == "map_values" else table.filter(flaky)
    made.to_stream().to("out")
    with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
        send(driver, ("rows", "a", 1), ("rows", "a", 2), ("rows", "a", 3))
        driver.advance_wall_clock("1s")
        assert driver.read_values("out") == ([1, 2, 3] if policy == retry("1s") else [1, 3])
        assert driver.store("rows")["a"] == 3


@CACHE
@pytest.mark.parametrize("policy", [skip, skip(whole_record=True), retry("1s")])
def test_a_grouped_table_with_aggregates_that_are_changed(cache: bool, policy: OnError) -> None:
    fails = [1]

    def add(values: list[int], value: int) -> list[int]:
        values.append(value)
        if value == 2 and fails[0]:
            fails[0] -= 1
            raise ValueError("changed, and failed")
        return values

    def take(values: list[int], value: int) -> list[int]:
        values.remove(value)
        return values

    app = App("app", on_error=policy)
    table = app.table("rows", key=str, value=int)
    grouped = table.group_by(lambda key, value: ("all", value), key=str, value=int)
    grouped.aggregate(list, add, take, value=list[int], store="lists")
    with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
        send(driver, ("rows", "a", 1), ("rows", "b", 2), ("rows", "c", 3))
        driver.advance_wall_clock("1s")
        assert driver.store("lists")["all"] == ([1, 2, 3] if policy == retry("1s") else [1, 3])
