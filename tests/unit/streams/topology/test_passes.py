"""Which repartitions are merged and which sinks combine. That no result changes: tests/property/test_passes.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, dead_letter, fail, skip
from streams.topology.compile import CompiledTopology
from streams.topology.describe import describe_text
from streams.topology.nodes import Source


def app(**switches: Any) -> App:
    return App("a", **switches)


def words(app: App, **options: Any) -> Any:
    return app.stream("in", key=str, value=str).group_by(str.lower, key=str, **options)


def repartitions(topology: CompiledTopology) -> list[str]:
    return [topic.name for topic in topology.internal_topics if topic.kind == "repartition"]


def combining(topology: CompiledTopology) -> list[str]:
    return [sink.name for sub in topology.subtopologies for sink in sub.sinks if sink.combines_for is not None]


def test_a_repartition_is_only_where_the_key_changed() -> None:
    """No switch: it is never there without need."""
    plain = app()
    stream = plain.stream("in", key=str, value=str)
    stream.filter(bool).map_values(str.upper, value=str).group_by_key().count(store="c")
    stream.repartition(name="asked").peek(print).group_by_key().count(store="d")
    assert repartitions(plain.topology()) == ["a-asked-repartition"]
    stream.select_key(lambda value: value, key=str).filter(bool).group_by_key().count(store="e")
    assert repartitions(plain.topology()) == ["a-asked-repartition", "a-e-repartition"]


def test_aggregations_of_one_key_changed_stream_share_the_first_ones_topic() -> None:
    found = {}
    for merge in (False, True):
        merging = app(merge_repartitions=merge)
        grouped = words(merging)
        grouped.count(store="first")
        grouped.reduce(max, store="second")
        found[merge] = merging.topology()
    assert repartitions(found[False]) == ["a-first-repartition", "a-second-repartition"]
    assert repartitions(found[True]) == ["a-first-repartition"]
    assert [len(sub.stores) for sub in found[True].subtopologies] == [0, 2]


def test_what_differs_is_not_merged() -> None:
    """Another stream, or a topic that the user asked for."""
    merging = app(merge_repartitions=True)
    stream = merging.stream("in", key=str, value=str)
    keyed = stream.select_key(lambda value: value, key=str)
    keyed.group_by_key().count(store="one")
    keyed.map_values(str.upper, value=str).group_by_key().count(store="two")
    keyed.repartition(name="three").group_by_key().count(store="three")
    keyed.repartition(name="four").group_by_key().count(store="four")
    assert len(repartitions(merging.topology())) == 4


@pytest.mark.parametrize(
    "aggregation",
    [
        lambda grouped: grouped.count(),
        lambda grouped: grouped.reduce(max),
        lambda grouped: grouped.reduce(lambda one, other: one + other, associative=True),
        lambda grouped: grouped.reduce(min, on_error=fail),
    ],
)
def test_associative_aggregations_combine_if_switched_on(aggregation: Callable[[Any], Any]) -> None:
    for combiners in (False, True):
        combined = app(combiners=combiners)
        aggregation(words(combined))
        assert len(combining(combined.topology())) == combiners


@pytest.mark.parametrize(
    "aggregation",
    [
        lambda grouped: grouped.count(cached=False),
        lambda grouped: grouped.reduce(lambda one, other: one + other),
        lambda grouped: grouped.reduce(max, associative=False),
        lambda grouped: grouped.reduce(max, on_error=skip),
        lambda grouped: grouped.aggregate(str, lambda one, other: one + other, value=str),
    ],
)
def test_others_never_do(aggregation: Callable[[Any], Any]) -> None:
    """Nor where every change must show, or one failing record would take others along."""
    combined = app(combiners=True)
    aggregation(words(combined))
    assert combining(combined.topology()) == []


def test_no_combining_beside_another_input() -> None:
    """A record of that one would meet a row that is ahead of its time."""
    combined = app(combiners=True)
    counts = words(combined).count(store="c").to_stream()
    assert combining(combined.topology()) == ["c-repartition-sink"]
    counts.merge(combined.stream("beside", key=str, value=int)).to("out")
    assert combining(combined.topology()) == []


def test_no_combining_for_two_readers_of_one_topic() -> None:
    combined = app(combiners=True)
    grouped = words(combined, name="shared")
    grouped.count(store="c")
    grouped.count(store="d")
    assert combining(combined.topology()) == []


def test_no_combining_where_a_record_may_be_undone() -> None:
    def with_policy(policy: Any) -> App:
        combined = app(combiners=True)
        stream = combined.stream("in", key=str, value=str)
        stream.map_values(str.upper, value=str, on_error=policy).group_by(str.lower, key=str).count(store="c")
        return combined

    assert combining(with_policy(dead_letter("dlq")).topology()) == ["c-repartition-sink"]
    assert combining(with_policy(skip(whole_record=True)).topology()) == []
    assert combining(with_policy(lambda error: skip).topology()) == []


def test_a_combined_topology_says_so() -> None:
    from streams.topology.describe import describe_text

    combined = app(combiners=True)
    words(combined).count(store="c")
    assert "sink c-repartition-sink, combines for count c (topic a-c-repartition" in describe_text(combined.topology())
    assert all(isinstance(sub.sources[0], Source) for sub in combined.topology().subtopologies)


def table_of(reusing: App, **options: Any) -> Any:
    return reusing.table("users", key=str, value=str, store="users-rows", **options)


def test_a_tables_topic_is_its_changelog_if_switched_on() -> None:
    found = {}
    for reuse in (False, True):
        reusing = app(reuse_source_topics=reuse)
        table_of(reusing).map_values(str.upper, store="shouted")
        found[reuse] = reusing.topology()
    specs = {reuse: topology.stores["users-rows"].spec for reuse, topology in found.items()}
    assert (specs[False].changelog_topic, specs[False].source_topic) == ("a-users-rows-changelog", None)
    assert (specs[True].changelog_topic, specs[True].source_topic) == (None, "users")
    assert specs[True].restored_from == "users"
    assert [topic.name for topic in found[True].internal_topics] == ["a-shouted-changelog"]
    assert [spec.source_topic for sub in found[True].subtopologies for spec in sub.stores] == ["users", None]
    assert "restored from topic users" in describe_text(found[True])


@pytest.mark.parametrize(
    "declare",
    [
        lambda reusing: table_of(reusing, timestamp=len),
        lambda reusing: reusing.stream("in", key=str, value=str).to_table(store="users-rows"),
        lambda reusing: table_of(reusing).map_values(len, on_error=skip(whole_record=True)),
        lambda reusing: table_of(reusing).to_stream().map_values(len, on_error=lambda error: skip),
    ],
    ids=[
        "timestamps of its own",
        "a stream made a table",
        "a record may be undone",
        "nobody knows what will be undone",
    ],
)
def test_a_table_that_its_topic_does_not_equal_has_a_changelog(declare: Callable[[App], Any]) -> None:
    reusing = app(reuse_source_topics=True)
    declare(reusing)
    assert reusing.topology().stores["users-rows"].spec.changelog_topic == "a-users-rows-changelog"


@pytest.mark.parametrize("policy", [skip, dead_letter("dlq"), lambda error: skip])
def test_a_source_that_drops_records_is_no_changelog(policy: Any) -> None:
    """What was skipped would be in the store after a restore."""
    reusing = app(reuse_source_topics=True, on_error=policy)
    table_of(reusing)
    assert reusing.topology().stores["users-rows"].spec.source_topic is None


def test_a_source_that_fails_is_one() -> None:
    reusing = app(reuse_source_topics=True, on_error=fail)
    table_of(reusing).map_values(len, on_error=skip)
    assert reusing.topology().stores["users-rows"].spec.source_topic == "users"
