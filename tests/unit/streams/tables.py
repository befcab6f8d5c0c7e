"""Tables under test: declared with the DSL, run by the test driver, what comes out as plain tuples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams import App, KTable
from streams.testing import TopologyTestDriver

Row = tuple[Any, Any, int]
Sent = tuple[str, Any, Any, int]


def left_and_right(app: App) -> tuple[KTable[str, int], KTable[str, int]]:
    return app.table("left", key=str, value=int), app.table("right", key=str, value=int)


def driver_of(declare: Callable[[App], KTable[Any, Any]], **settings: Any) -> TopologyTestDriver:
    """A driver over one partition of a table whose changes go to ``out``."""
    app = App("app")
    declare(app).to_stream().to("out")
    return TopologyTestDriver(app, **{"partitions": 1, **settings})


def after(driver: TopologyTestDriver, *records: Sent) -> list[Row]:
    """What comes out of records of (topic, key, value, timestamp)."""
    for topic, key, value, timestamp in records:
        driver.send(topic, key, value, timestamp=timestamp)
    return [(record.key, record.value, record.timestamp) for record in driver.read("out")]
