"""A feed is a declaration: what an App puts into it."""

from __future__ import annotations

from streams.serde.plain import utf8
from streams.topology.feed import Feed


def test_by_default_items_are_values_and_are_counted() -> None:
    feed = Feed(topic="lines", source=["a"], key_serde=utf8, value_serde=utf8)
    assert feed.position_of is None
    assert not feed.keyed
