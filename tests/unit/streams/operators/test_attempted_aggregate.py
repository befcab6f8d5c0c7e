"""Images of aggregates: bytes of what can be changed, the value itself of what cannot. Behaviour: tests/errors."""

from __future__ import annotations

from typing import Any

import pytest

from streams import skip
from streams.operators.attempted_aggregate import checker, imager, restorer
from streams.serde.resolve import resolve
from tests.unit.streams.chains import NUMBER, Runner, aggregate, chain, function, sink, source


@pytest.mark.parametrize("value", [None, 7, True, 2.5, "text"])
def test_what_cannot_be_changed_is_kept_itself(value: Any) -> None:
    serde = resolve(type(value)) if value is not None else NUMBER
    image = imager(serde)(value)
    assert restorer(serde)(image) is value


def test_what_can_be_changed_is_kept_as_bytes() -> None:
    serde = resolve(list[int])
    values = [1, 2]
    image = imager(serde)(values)
    values.append(3)
    assert restorer(serde)(image) == [1, 2]


def test_the_check_encodes_what_could_be_refused() -> None:
    check = checker(NUMBER)
    check(None)
    check(7)
    with pytest.raises((TypeError, ValueError)):
        check("seven")


def test_a_failing_first_record_leaves_no_row() -> None:
    def add(total: int, value: int) -> int:
        raise ValueError

    adder, start = function(add, "aggregate", "value"), function(int, *())
    node = aggregate("sums", "aggregate", adder=adder, initializer=start, on_error=skip)
    for cache in (False, True):
        runner = Runner(chain(source(), node, sink()), cache=cache).send((b"a", b"1", 1)).flush()
        assert (runner.rows(), runner.stored("sums-store")) == ([], {})
