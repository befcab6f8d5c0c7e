"""Windowed aggregations as they are declared: nodes, stores, changelog topics, names, and what is refused."""

from __future__ import annotations

import pytest

from state.model import WindowLayout
from streams import App, TopologyError, UnsupportedError, Windowed, hopping, tumbling, unlimited
from streams.topology.changes import Effect, compare
from streams.topology.compile import CompiledTopology
from streams.topology.describe import describe_json, describe_text
from streams.topology.manifest import manifest_of
from streams.topology.nodes import Sink, WindowedAggregate
from streams.windows import MAX_END


def topology_of(windows: object, method: str = "count", *arguments: object, **options: object) -> CompiledTopology:
    app = App("a")
    grouped = app.stream("in", key=str, value=int).group_by_key()
    table = getattr(grouped.windowed_by(windows), method)(*arguments, **options)  # type: ignore[arg-type]
    table.to_stream().to("out")
    return app.topology()


def node_of(topology: CompiledTopology) -> WindowedAggregate:
    (node,) = (node for sub in topology.subtopologies for node in sub.nodes if isinstance(node, WindowedAggregate))
    return node


def test_a_windowed_count_has_a_window_store() -> None:
    topology = topology_of(hopping("10s", "2s", grace="1s"))
    node = node_of(topology)
    assert node.name == node.store.name == "in-windowed-count"
    assert node.store.windows == WindowLayout(size_ms=10_000, advance_ms=2_000, retention_ms=11_000)
    assert (node.group_serde.id, node.key_serde.id) == ("utf8", "windowed:10000ms:utf8")
    (changelog,) = topology.internal_topics
    assert changelog.configs == {
        "cleanup.policy": "compact,delete", "message.timestamp.type": "CreateTime",
        "retention.ms": str(11_000 + 86_400_000),
    }  # fmt: skip


def test_windowed_keys_reach_the_sink_with_their_type() -> None:
    (sub,) = topology_of(tumbling("10s")).subtopologies
    (sink,) = (node for node in sub.nodes if isinstance(node, Sink))
    assert sink.key_serde is not None
    assert sink.key_serde.decode(b"k" + bytes(8)) == Windowed("k", 0, 10_000)


def test_retention_is_at_least_size_and_grace() -> None:
    assert node_of(topology_of(tumbling("10s", grace="1s"), retention="1h")).store.windows == WindowLayout(
        size_ms=10_000, advance_ms=10_000, retention_ms=3_600_000
    )
    with pytest.raises(
        TopologyError, match=r"count\(retention='10s'\) is shorter.*10s \+ grace 1s; give retention='11s'"
    ):
        topology_of(tumbling("10s", grace="1s"), retention="10s")
    with pytest.raises(TopologyError, match=r"reduce\(\): retention=5 is no duration"):
        topology_of(tumbling("10s"), "reduce", lambda left, right: left, retention=5)
    with pytest.raises(TopologyError, match="never closes.*leave retention out"):
        topology_of(unlimited(), retention="1h")


def test_an_unlimited_window_is_never_dropped() -> None:
    topology = topology_of(unlimited(5))
    assert node_of(topology).store.windows == WindowLayout(size_ms=MAX_END, advance_ms=0, retention_ms=None)
    assert topology.internal_topics[0].configs["cleanup.policy"] == "compact"


def test_what_windowed_by_does_not_take() -> None:
    grouped = App("a").stream("in", key=str, value=int).group_by_key()
    with pytest.raises(
        UnsupportedError, match=r"test_windowed.py:\d+: windowed_by\(emit='on_close'\) is not supported yet"
    ):
        grouped.windowed_by(tumbling("10s"), emit="on_close")
    with pytest.raises(TopologyError, match="there is only 'on_update'"):
        grouped.windowed_by(tumbling("10s"), emit="sometimes")
    with pytest.raises(TopologyError, match=r"windowed_by\('10s'\) takes windows: tumbling"):
        grouped.windowed_by("10s")  # type: ignore[arg-type]


def test_a_grouping_by_another_key_goes_through_one_repartition() -> None:
    app = App("a")
    grouped = app.stream("in", key=str, value=int).group_by(str, key=str)
    assert "TimeWindowedKStream" in repr(grouped.windowed_by(tumbling("10s")))
    grouped.windowed_by(tumbling("10s")).reduce(max, store="largest")
    topics = [topic.name for topic in app.topology().internal_topics]
    assert topics == ["a-largest-repartition", "a-largest-changelog"]


def test_descriptions_name_the_windows() -> None:
    topology = topology_of(hopping("10s", "2s", grace="500ms"))
    assert "hopping 10s every 2s, grace 500ms" in describe_text(topology)
    assert '"windows": "tumbling 1min, grace 0ms"' in describe_json(topology_of(tumbling("60s")))
    assert "unlimited from 7" in describe_text(topology_of(unlimited(7)))


def test_another_size_breaks_the_store_and_another_grace_does_not() -> None:
    old = manifest_of(topology_of(tumbling("10s")))
    (size, _) = compare(old, manifest_of(topology_of(tumbling("20s"))))
    assert size.effect is Effect.BREAKS
    (grace, _) = compare(old, manifest_of(topology_of(tumbling("10s", grace="5s"))))
    assert grace.effect is Effect.MIGRATES  # for the retention goes with it
