"""``split``: branches are streams, in the order of declaration, and a default ends them."""

from __future__ import annotations

import pytest

from streams import App
from streams.errors import TopologyError
from streams.testing import TopologyTestDriver


@pytest.fixture
def app() -> App:
    return App("app")


def test_branches_are_streams(app: App) -> None:
    split = app.stream("orders", key=str, value=int).split()
    split.branch(lambda total: total > 100, "large").map_values(str, value=str).to("large")
    split.branch(lambda key, total: key == "x").to("of-x")
    split.default().group_by_key().count(store="rest")
    with TopologyTestDriver(app) as driver:
        for key, total in (("a", 200), ("x", 300), ("x", 1), ("b", 2), ("b", 3)):
            driver.send("orders", key, total)
        assert driver.read_values("large") == ["200", "300"]
        assert driver.read_values("of-x") == [1]
        assert dict(driver.store("rest").all()) == {"b": 2}


def test_nodes_are_named_after_their_split(app: App) -> None:
    first, second = (app.stream("orders", key=str, value=int).split() for _ in range(2))
    for split in (first, second):
        split.branch(bool, "large")
        split.branch(bool)
        split.default()
    names = [node.name for node in app.topology().subtopologies[0].nodes if node.name != "orders-source"]
    assert sorted(names) == [
        "orders-split", "orders-split-2", "orders-split-2-branch", "orders-split-2-default", "orders-split-2-large",
        "orders-split-branch", "orders-split-default", "orders-split-large",
    ]  # fmt: skip


def test_a_default_ends_the_split(app: App) -> None:
    split = app.stream("orders", key=str, value=int).split()
    split.default()
    for again in (split.default, lambda: split.branch(bool)):
        with pytest.raises(TopologyError, match=r"test_split.py:\d+: this split .*test_split.py:\d+ has its default"):
            again()


def test_a_name_twice_is_refused(app: App) -> None:
    split = app.stream("orders", key=str, value=int).split()
    split.branch(bool, "large")
    with pytest.raises(TopologyError, match="'orders-split-large'"):
        split.branch(bool, "large")


def test_a_branch_needs_a_predicate_of_a_record(app: App) -> None:
    split = app.stream("orders", key=str, value=int).split()
    with pytest.raises(TopologyError, match=r"branch\(...\) takes a function, not 'large'"):
        split.branch("large")  # type: ignore[call-overload]
