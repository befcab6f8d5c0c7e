"""The context that a user's function may ask for."""

from __future__ import annotations

from typing import Any

from streams.operators.context import RecordContext
from streams.topology.nodes import Peek, ToStream
from tests.unit.streams.chains import Runner, aggregate, chain, function, source


def seen_by(seen: list[Any]) -> Peek:
    def look(value: int, context: RecordContext) -> None:
        seen.append((context.topic, context.partition, context.offset, context.timestamp, context.headers))

    return Peek(name="look", action=function(look, "value", "context"))


def test_names_the_input_record() -> None:
    seen: list[Any] = []
    runner = Runner(chain(source(), seen_by(seen)))
    runner.send((b"a", b"1", 5), (b"a", b"1", 6), offsets=[7, 9], headers=[(), (("h", b"1"),)])
    assert seen == [("in", 3, 7, 5, ()), ("in", 3, 9, 6, (("h", b"1"),))]


def test_downstream_of_a_cache_there_is_no_input_record() -> None:
    seen: list[Any] = []
    runner = Runner(chain(source(), aggregate("counts", "count"), ToStream(name="changes"), seen_by(seen)), cache=True)
    runner.send((b"a", b"1", 5)).flush()
    (entry,) = seen
    assert (entry[0], entry[2], entry[3], entry[4]) == ("", -1, 5, ())
