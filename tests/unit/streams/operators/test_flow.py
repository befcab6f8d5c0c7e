"""What generated code knows of a record at one edge."""

from __future__ import annotations

from streams.operators.flow import KEY, VALUE, Flow, Part
from streams.serde.base import same_format
from streams.serde.custom import of
from streams.serde.resolve import resolve


def test_parts_are_replaced_one_at_a_time() -> None:
    flow = Flow(key=Part(raw="raw_key"), value=Part(value="value"), timestamp="timestamp", headers=None)
    changed = flow.with_part(KEY, Part(value="key")).not_null(VALUE)
    assert (changed.key.variable, changed.value.variable, changed.value.present) == ("key", "value", True)
    assert (flow.key.variable, flow.value.present) == ("raw_key", False)


def test_formats_are_the_same_by_name_but_for_names_that_several_may_have() -> None:
    assert same_format(resolve(list[int]), resolve(list[int]))
    assert not same_format(resolve(list[int]), resolve(list[str]))
    one = of(lambda text: text.encode(), lambda data: data.decode())
    other = of(lambda text: text.encode("utf-16"), lambda data: data.decode("utf-16"))
    assert one.id == other.id
    assert not same_format(one, other)
    assert same_format(one, one)
