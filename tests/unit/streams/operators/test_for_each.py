"""for_each."""

from __future__ import annotations

from streams.topology.nodes import ForEach
from tests.unit.streams.chains import Runner, chain, function, source


def test_is_called_for_every_record_and_ends_it() -> None:
    seen: list[int] = []
    runner = Runner(chain(source(), ForEach(name="each", action=function(seen.append))))
    runner.send((b"a", b"1", 10), (b"a", b"2", 11))
    assert seen == [1, 2]
    assert runner.bound.drain_outputs() == []
