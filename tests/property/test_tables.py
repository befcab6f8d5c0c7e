"""Tables over random topologies end as relational algebra says, whatever happens on the way.

The oracle knows no changes: it evaluates the whole expression over the last value of each key of each topic. Record
caches, partitions, commits, crashes and rebalances may change what comes in between, never where it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import add, sub
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams import App, KTable
from streams.testing import TopologyTestDriver

Rows = dict[str, int]
Topics = dict[str, Rows]
TOPICS = ("red", "blue")
KEYS = ("a", "b", "c", "d")
JOINS = ("join", "left_join", "outer_join")


def half(value: int) -> int | None:
    return None if value % 7 == 0 else value // 2


def with_key(key: str, value: int) -> int:
    return value + KEYS.index(key[:1])


def is_even(value: int) -> bool:
    return value % 2 == 0


def early_key(key: str, value: int) -> bool:
    return key < "c" and value < 40


def combined(left: int | None, right: int | None) -> int | None:
    total = 3 * (10 if left is None else left) + (1 if right is None else right)
    return None if total % 11 == 0 else total % 50


def by_value(key: str, value: int) -> tuple[str, int] | None:
    return None if value % 5 == 0 else (KEYS[value % 3], value)


def by_key(key: str, value: int) -> tuple[str, int]:
    return KEYS[KEYS.index(key[:1]) // 2], value


MAPPERS: tuple[Callable[..., Any], ...] = (half, with_key)
PREDICATES: tuple[Callable[..., Any], ...] = (is_even, early_key)
GROUPINGS: tuple[Callable[..., Any], ...] = (by_value, by_key)
AGGREGATIONS = ("count", "reduce", "aggregate")


def nonzero(value: int) -> bool:
    """An aggregate of a group that has lost all its rows stays as 0; the oracle has no such rows."""
    return value != 0


@dataclass(frozen=True)
class Step:
    """One more table, made of earlier ones (by index)."""

    kind: str
    inputs: tuple[int, ...]
    choice: int
    stored: bool


def build(app: App, steps: list[Step]) -> list[KTable[str, Any]]:
    tables = [app.table(topic, key=str, value=int) for topic in TOPICS]
    for index, step in enumerate(steps):
        sources = [tables[at] for at in step.inputs]
        kept: dict[str, Any] = {"store": f"kept-{index}"} if step.stored else {}
        tables.append(made(sources, step, kept, f"step-{index}"))
    return tables


def made(sources: list[KTable[str, Any]], step: Step, kept: dict[str, Any], name: str) -> KTable[str, Any]:
    table = sources[0]
    match step.kind:
        case "filter":
            return table.filter(PREDICATES[step.choice % 2], **kept)
        case "map_values":
            return table.map_values(MAPPERS[step.choice % 2], value=int, **kept)
        case "again":
            return table.to_stream().to_table(value=int, store=f"{name}-again")
        case "group_by":
            groups = table.group_by(GROUPINGS[step.choice % 2], key=str, value=int)
            match AGGREGATIONS[step.choice % 3]:
                case "count":
                    counted: KTable[str, Any] = groups.count(store=name)
                case "reduce":
                    counted = groups.reduce(add, sub, store=name)
                case _:
                    counted = groups.aggregate(int, add, sub, store=name)
            return counted.filter(nonzero, **kept)
        case join:
            joined: KTable[str, Any] = getattr(table, join)(sources[1], combined, value=int, name=name, **kept)
            return joined


def evaluated(topics: Topics, steps: list[Step]) -> list[Rows]:
    """The rows of every table."""
    tables = [topics[topic] for topic in TOPICS]
    for step in steps:
        tables.append(rows_of([tables[at] for at in step.inputs], step))
    return tables


def called(function: Callable[..., Any], key: str, value: int) -> Any:
    return function(key, value) if function.__code__.co_argcount == 2 else function(value)


def rows_of(sources: list[Rows], step: Step) -> Rows:
    rows = sources[0]
    match step.kind:
        case "filter":
            return {key: value for key, value in rows.items() if called(PREDICATES[step.choice % 2], key, value)}
        case "map_values":
            mapped = {key: called(MAPPERS[step.choice % 2], key, value) for key, value in rows.items()}
            return {key: value for key, value in mapped.items() if value is not None}
        case "again":
            return rows
        case "group_by":
            groups: dict[str, list[int]] = {}
            for key, value in rows.items():
                grouped = GROUPINGS[step.choice % 2](key, value)
                if grouped is not None:
                    groups.setdefault(grouped[0], []).append(grouped[1])
            counts = AGGREGATIONS[step.choice % 3] == "count"
            results = {key: len(values) if counts else sum(values) for key, values in groups.items()}
            return {key: value for key, value in results.items() if value != 0}
        case _:
            left, right = sources
            keys = {
                "join": left.keys() & right.keys(),
                "left_join": left.keys(),
                "outer_join": left.keys() | right.keys(),
            }
            joined = {key: combined(left.get(key), right.get(key)) for key in sorted(keys[step.kind])}
            return {key: value for key, value in joined.items() if value is not None}


@st.composite
def topologies(draw: st.DrawFn) -> list[Step]:
    steps: list[Step] = []
    for index in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from([*JOINS, *JOINS, "filter", "map_values", "again", "group_by", "group_by"]))
        # Later tables more often, so that chains grow; the same one twice is a join with itself.
        known = [*range(index + len(TOPICS)), index + 1]
        inputs = draw(st.tuples(st.sampled_from(known), st.sampled_from(known)))
        choice, stored = draw(st.integers(0, 5)), draw(st.booleans())
        steps.append(Step(kind, inputs if kind in JOINS else inputs[:1], choice, stored))
    return steps


records = st.tuples(
    st.sampled_from(TOPICS), st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 49)), st.integers(0, 100)
)
events = st.lists(st.one_of(records, records, records, st.sampled_from(["commit", "crash", "rebalance"])), max_size=25)


@settings(max_examples=120, deadline=None)
@given(topologies(), events, st.sampled_from([1, 3]), st.booleans(), st.sampled_from([1, None]))
def test_tables_end_where_their_algebra_says(
    steps: list[Step], happenings: list[Any], partitions: int, cache: bool, commit_every: int | None
) -> None:
    app = App("app")
    tables = build(app, steps)
    for index, table in enumerate(tables):
        table.to_stream().to(f"out-{index}", key=str, value=int)
    driver = TopologyTestDriver(app, partitions=partitions, cache=cache, commit_every=commit_every)
    topics: Topics = {topic: {} for topic in TOPICS}
    for happening in happenings:
        if isinstance(happening, str):
            getattr(driver, happening)()
            continue
        topic, key, value, timestamp = happening
        driver.send(topic, key, value, timestamp=timestamp)
        if value is None:
            topics[topic].pop(key, None)
        else:
            topics[topic][key] = value
    driver.process()
    driver.commit()
    for index, expected in enumerate(evaluated(topics, steps)):
        last = {record.key: record.value for record in driver.read(f"out-{index}")}
        assert {key: value for key, value in last.items() if value is not None} == expected, f"table {index}"
