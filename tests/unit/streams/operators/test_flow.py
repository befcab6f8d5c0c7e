"""What generated code knows of a record at one edge."""

from __future__ import annotations

from streams.operators.flow import KEY, VALUE, Flow, Part


def test_parts_are_replaced_one_at_a_time() -> None:
    flow = Flow(key=Part(raw="raw_key"), value=Part(value="value"), timestamp="timestamp", headers=None)
    changed = flow.with_part(KEY, Part(value="key")).not_null(VALUE)
    assert (changed.key.variable, changed.value.variable, changed.value.present) == ("key", "value", True)
    assert (flow.key.variable, flow.value.present) == ("raw_key", False)
