"""Windowed aggregations against a naive model: any windows, any order of records, any batches, crashes, evictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams import App, Windowed
from streams.dsl.windows import hopping
from streams.testing import TopologyTestDriver

KEYS = ["a", "b", "c"]
RECORDS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["x", "y", None]), st.integers(0, 60)), min_size=1, max_size=25
)
SIZES = st.integers(1, 15).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size), st.integers(0, 12)))
STEPS = st.lists(st.sampled_from(["go on", "go on", "process", "commit", "crash", "rebalance"]), max_size=25)


@dataclass
class Model:
    """What point 14 and 15 of the semantics say, one record after the other."""

    size: int
    advance: int
    grace: int
    rows: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    sent: list[tuple[str, int, int, str, int]] = field(default_factory=list)
    late: int = 0
    time: int = -1

    def add(self, key: str, value: str | None, timestamp: int) -> None:
        if value is None:
            return
        self.time = max(self.time, timestamp)
        for start in range(0, timestamp + 1, self.advance):
            if not start <= timestamp < start + self.size:
                continue
            if start + self.size <= self.time - self.grace:
                self.late += 1
                continue
            text, latest = self.rows.get((key, start), ("", -1))
            row = self.rows[key, start] = (text + value, max(latest, timestamp))
            self.sent.append((key, start, start + self.size, *row))

    def kept(self) -> dict[tuple[str, int], str]:
        """With the default retention a row goes when its window closes."""
        retention = self.size + self.grace
        return {place: row[0] for place, row in self.rows.items() if place[1] > self.time - retention}


def application(size: int, advance: int, grace: int, *, kernel: bool) -> App:
    app = App("windows", cache_max_bytes=2_000)
    group = app.stream("in", key=str, value=str).group_by_key()
    windows = group.windowed_by(hopping(f"{size}ms", f"{advance}ms", grace=f"{grace}ms"))
    if kernel:
        windows.count(store="rows").to_stream().to("out")
    else:
        windows.aggregate(str, lambda text, value: text + value, value=str, store="rows").to_stream().to("out")
    return app


def played(app: App, records: list[Any], steps: list[str], *, cache: bool) -> TopologyTestDriver:
    driver = TopologyTestDriver(app, partitions=1, cache=cache, commit_every=None)
    for index, (key, value, timestamp) in enumerate(records):
        driver.enqueue("in", key, value, timestamp=timestamp)
        match steps[index] if index < len(steps) else "process":
            case "process":
                driver.process()
            case "commit":
                driver.process()
                driver.commit()
            case "crash":
                driver.crash()
            case "rebalance":
                driver.rebalance()
    driver.process()
    driver.commit()
    return driver


def shown(driver: TopologyTestDriver) -> list[tuple[Any, ...]]:
    return [(*record.key, record.value, record.timestamp) for record in driver.read("out")]


@settings(max_examples=120, deadline=None)
@given(SIZES, RECORDS, STEPS)
def test_without_the_cache_every_change_is_the_model_s(
    sizes: tuple[int, int, int], records: list[Any], steps: list[str]
) -> None:
    model = Model(*sizes)
    for record in records:
        model.add(*record)
    driver = played(application(*sizes, kernel=False), records, steps, cache=False)
    assert shown(driver) == model.sent
    rows = {(window.key, window.start): value for window, value in driver.store("rows").all()}
    assert rows == model.kept()
    if "crash" not in steps:
        assert driver.drop_reasons.get(("rows", "late"), 0) == model.late


@settings(max_examples=120, deadline=None)
@given(SIZES, RECORDS, STEPS, st.booleans())
def test_with_the_cache_the_last_change_is(
    sizes: tuple[int, int, int], records: list[Any], steps: list[str], kernel: bool
) -> None:
    """A cache of five entries, so that it evicts; by the kernel or by the loop."""
    model = Model(*sizes)
    for record in records:
        model.add(*record)

    def told(text: str) -> str | int:
        return len(text) if kernel else text

    driver = played(application(*sizes, kernel=kernel), records, steps, cache=True)
    last = {(key, start): (value, timestamp) for key, start, _, value, timestamp in shown(driver)}
    assert last == {place: (told(text), latest) for place, (text, latest) in model.rows.items()}
    rows = {(window.key, window.start): value for window, value in driver.store("rows").all()}
    assert rows == {place: told(text) for place, text in model.kept().items()}
    if "crash" not in steps:
        assert driver.drop_reasons.get(("rows", "late"), 0) == model.late


def test_a_window_after_a_crash_is_as_late_as_before() -> None:
    """The stream time travels with the offsets: no record since the crash says how late it is."""
    for cache in (False, True):
        driver = played(application(10, 10, 0, kernel=True), [("a", "x", 25)], ["commit"], cache=cache)
        for trouble in (driver.crash, driver.rebalance):
            trouble()
            driver.send("in", "a", "x", timestamp=7)
            driver.commit()
        assert driver.drop_reasons == {("rows", "late"): 2}
        assert shown(driver) == [("a", 20, 30, 1, 25)]
        assert list(driver.store("rows").all()) == [(Windowed("a", 20, 30), 1)]
