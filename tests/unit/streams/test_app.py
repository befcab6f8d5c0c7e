"""``App``: declarations, settings, and what it says of what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import streams
from streams import App, serde
from streams.config import Guarantee
from streams.errors import ConfigError, TopologyError
from streams.topology.nodes import Source


@dataclass
class Bid:
    auction: int
    at: int


def source_of(app: App) -> Source:
    return app.topology().subtopologies[0].sources[0]


def test_a_source_has_types_topics_and_a_timestamp() -> None:
    app = App("app")
    app.stream(["a", "b"], key=serde.int64, value=Bid, timestamp="at").to("out")
    source = source_of(app)
    assert (source.name, source.topics) == ("a-b-source", ("a", "b"))
    assert (source.key_serde.id, source.value_serde.type) == ("int64", Bid)
    assert source.timestamp is not None
    assert source.timestamp.call(Bid(1, 7)) == 7


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda app: app.stream("x", key="str", value=str), r"stream\(key=\.\.\.\): 'str' is a string, not a type"),
        (lambda app: app.stream("x", key=str, value=object()), r"stream\(value=\.\.\.\): .* not a type"),
        (lambda app: app.stream([], key=str, value=str), "needs a topic"),
        (lambda app: app.stream("a b", key=str, value=str), "no legal name"),
        (lambda app: app.stream(["x", 5], key=str, value=str), "topic is a string, not 5"),
        (
            lambda app: app.stream("x", key=str, value=Bid, timestamp="when"),
            "Bid has no such field; it has auction, at",
        ),
        (lambda app: app.stream("x", key=str, value=Bid, timestamp=lambda a, b: 1), "requires 2 parameters"),
        (lambda app: app.stream("x", key=str, value=str, name="a b"), "no legal name"),
    ],
)
def test_a_wrong_source_is_refused_with_its_place(declare: Any, message: str) -> None:
    with pytest.raises(TopologyError, match=rf"^test_app\.py:\d+: .*{message}"):
        declare(App("app"))


@pytest.mark.parametrize("identity", ["", "a b", "a/b", None])
def test_a_wrong_id_is_refused(identity: Any) -> None:
    with pytest.raises(TopologyError, match="application id"):
        App(identity)


def test_settings_are_checked_where_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="did you mean partitions"):
        App("app", partition=3)
    app = App("app", data_dir="/data", guarantee="at_least_once", partitions=3)
    config = app.config()
    assert (config.data_dir, config.guarantee, config.partitions) == ("/data", Guarantee.AT_LEAST_ONCE, 3)
    monkeypatch.setenv("STREAMS_PARTITIONS", "5")
    assert app.config().partitions == 5
    assert app.config({"partitions": 7}).partitions == 7


def test_a_feed_takes_the_types_of_the_topics_stream() -> None:
    app = App("app")
    app.stream("bids", key=int, value=Bid)
    app.feed("bids", [Bid(1, 2)], resume=lambda bid: bid.at)
    app.feed("other", iter(()), key=str, keyed=True)
    bids, other = app.feeds
    assert (bids.key_serde.id, bids.value_serde.type, bids.keyed) == ("json:int", Bid, False)
    assert bids.position_of is not None
    assert (other.key_serde.id, other.value_serde.id, other.keyed) == ("utf8", "own-type", True)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda app: app.feed("lines", "a text"), "takes an iterable of records"),
        (lambda app: app.feed("lines", 5), "takes an iterable of records"),
        (lambda app: app.feed("lines", [], resume="position"), r"feed\(resume=\.\.\.\) takes a function"),
        (lambda app: (app.feed("lines", []), app.feed("lines", [])), "has a feed already"),
        (lambda app: app.feed("a b", []), "no legal name"),
    ],
)
def test_a_wrong_feed_is_refused(declare: Any, message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        declare(App("app"))


def test_serdes_of_topics() -> None:
    app = App("app")
    lines = app.stream("lines", key=str, value=str)
    table = lines.group_by(len).count(store="counts")
    table.to_stream().to("out")
    ids = {
        topic: tuple(found.id for found in app.topic_serdes(topic))
        for topic in ("lines", "out", "app-counts-repartition", "app-counts-changelog", "unknown")
    }
    assert ids == {
        "lines": ("utf8", "utf8"),
        "out": ("json:int", "json:int"),
        "app-counts-repartition": ("json:int", "utf8"),
        "app-counts-changelog": ("json:int", "json:int"),
        "unknown": ("own-type", "own-type"),
    }
    assert [found.id for found in app.topic_serdes("out", key=bytes)] == ["bytes", "json:int"]


def test_an_unknown_store_lists_the_known_ones() -> None:
    app = App("app")
    table = app.stream("lines", key=str, value=str).group_by_key().count(store="counts")
    assert app.store_name(table) == app.store_name("counts") == "counts"
    with pytest.raises(TopologyError, match="has no store 'count'; its stores: counts"):
        app.store_name("count")
    with pytest.raises(TopologyError, match="its stores: none; aggregations"):
        App("other").store_name(table)


def test_the_package_offers_what_users_need() -> None:
    assert {"App", "Record", "serde", "StreamsError", "TopologyError"} <= set(streams.__all__)
    assert all(hasattr(streams, name) for name in streams.__all__)
