"""What the tests of errors share: functions that fail on chosen values, and runs of an application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from streams import App
from streams.testing import TopologyTestDriver


class Flaky:
    """A function of a value that raises for certain values, the first so many times; remembers its calls.

    Arguments:
        fails: value to how often it fails; -1: always.
        result: what it returns otherwise.
    """

    def __init__(self, fails: dict[Any, int], result: Callable[[Any], Any] = lambda value: value) -> None:
        self.fails = dict(fails)
        self.result = result
        self.calls: list[Any] = []

    def __call__(self, value: Any) -> Any:
        self.calls.append(value)
        left = self.fails.get(value, 0)
        if left:
            self.fails[value] = left - 1
            raise ValueError(f"no {value}")
        return self.result(value)


def run(
    app: App,
    values: Iterable[Any],
    *,
    cache: bool = False,
    at_once: bool = True,
    waits: Iterable[str] = (),
    topic: str = "in",
) -> TopologyTestDriver:
    """A driver that has processed the values, all under key ``a``, with timestamps 0, 1, ...

    Arguments:
        at_once: as one batch; else record by record, with a commit after each.
        waits: by how much the wall clock moves on afterwards.
    """
    driver = TopologyTestDriver(app, partitions=1, cache=cache)
    for timestamp, value in enumerate(values):
        (driver.enqueue if at_once else driver.send)(topic, "a", value, timestamp=timestamp)
    if at_once:
        driver.process()
    for wait in waits:
        driver.advance_wall_clock(wait)
    return driver
