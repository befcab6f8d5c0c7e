"""Compile passes change no result: random topologies under every combination of switches."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams import App
from streams.testing import TopologyTestDriver

Step = Callable[[Any], Any]
Result = tuple[dict[str, Any], dict[str, Any], dict[tuple[str, str], int]]

SWITCHES = [
    {"merge_repartitions": merge, "combiners": combine} for merge, combine in itertools.product((False, True), repeat=2)
]

STEPS: list[Step] = [
    lambda stream: stream.filter(lambda value: value % 3 != 0),
    lambda stream: stream.map_values(lambda value: value // 2, value=int),
    lambda stream: stream.select_key(lambda value: "xyz"[value % 3], key=str),
    lambda stream: stream.flat_map_values(lambda value: range(value % 4), value=int),
    lambda stream: stream.flat_map(lambda key, value: [(key, value), ("z", value + 1)], key=str, value=int),
    lambda stream: stream.repartition(name="asked"),
]
GROUPINGS: list[Step] = [
    lambda stream: stream.group_by_key(),
    lambda stream: stream.group_by(lambda value: "ab"[value % 2], key=str),
    lambda stream: stream.group_by(lambda key, value: None if value % 4 == 0 else key, key=str),
    lambda stream: stream.group_by(lambda value: str(value % 5), key=str, name="named"),
    lambda stream: stream.map_values(lambda value: value if value % 7 else None, value=int).group_by(
        lambda key, value: f"{key}!", key=str
    ),
]
"""The order between tasks is free, so what follows does not depend on it."""
AGGREGATIONS: list[Callable[[Any, str], Any]] = [
    lambda grouped, store: grouped.count(store=store),
    lambda grouped, store: grouped.count(store=store, cached=False),
    lambda grouped, store: grouped.reduce(max, store=store),
    lambda grouped, store: grouped.reduce(operator.add, store=store),
    lambda grouped, store: grouped.reduce(
        lambda one, other: one if one < other else other, store=store, associative=True
    ),
    lambda grouped, store: grouped.reduce(lambda one, other: one ^ other, store=store),
    lambda grouped, store: grouped.aggregate(
        lambda: 0, lambda total, value: total + value * value, value=int, store=store
    ),
]


@st.composite
def recipes(draw: st.DrawFn) -> tuple[list[Step], list[tuple[Step, list[Any]]]]:
    steps = draw(st.lists(st.sampled_from(STEPS), max_size=3, unique=True))
    groups = draw(st.lists(st.sampled_from(GROUPINGS), min_size=1, max_size=3, unique=True))
    return steps, [(group, draw(st.lists(st.sampled_from(AGGREGATIONS), min_size=1, max_size=3))) for group in groups]


def build(recipe: Any, **switches: bool) -> App:
    app = App("passes", **switches)
    stream: Any = app.stream("in", key=str, value=int)
    steps, groups = recipe
    for step in steps:
        stream = step(stream)
    for number, (group, aggregations) in enumerate(groups):
        grouped = group(stream)
        for index, aggregation in enumerate(aggregations):
            store = f"s{number}{index}"
            aggregation(grouped, store).to_stream().to(f"out-{store}")
    return app


def run(app: App, batches: list[list[tuple[str | None, int, int]]], *, partitions: int, cache: bool) -> Result:
    """Each batch is processed at once, as a worker does with what it has fetched."""
    topology = app.topology()
    with TopologyTestDriver(app, partitions=partitions, cache=cache) as driver:
        for batch in batches:
            for key, value, timestamp in batch:
                driver.enqueue("in", key, value, timestamp=timestamp)
            driver.process()
            driver.commit()
        outputs: dict[str, Any] = {}
        for topic in topology.output_topics:
            for record in driver.read(topic):
                outputs.setdefault(topic, {})[record.key] = (record.value, record.timestamp)
        stores = {name: dict(driver.store(name).all()) for name in topology.stores}
        drops = {at: count for at, count in driver.dropped.items() if at[1] == "null value"}
    return outputs, stores, drops


EVENTS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["k", "l", None]), st.integers(0, 30), st.integers(0, 50)),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(recipe=recipes(), batches=EVENTS, partitions=st.integers(1, 3), cache=st.sampled_from([True, True, True, False]))
def test_no_switch_changes_a_result(recipe: Any, batches: Any, partitions: int, cache: bool) -> None:
    wanted = run(build(recipe), batches, partitions=partitions, cache=cache)
    for switches in SWITCHES[1:]:
        assert run(build(recipe, **switches), batches, partitions=partitions, cache=cache) == wanted, switches


@settings(max_examples=60, deadline=None)
@given(recipe=recipes())
def test_no_switch_changes_a_name(recipe: Any) -> None:
    """Stores and their changelogs stay; of internal topics and nodes some may go, and none comes."""
    plain = build(recipe).topology()
    names = {node.name for sub in plain.subtopologies for node in sub.nodes}
    for switches in SWITCHES[1:]:
        switched = build(recipe, **switches).topology()
        assert {name: placed.spec for name, placed in switched.stores.items()} == {
            name: placed.spec for name, placed in plain.stores.items()
        }
        assert {topic.name for topic in switched.internal_topics} <= {topic.name for topic in plain.internal_topics}
        assert {node.name for sub in switched.subtopologies for node in sub.nodes} <= names
        assert switched.output_topics == plain.output_topics
