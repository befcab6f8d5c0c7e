"""A type that is missing is asked for where it was lost."""

from __future__ import annotations

import pytest

from streams.dsl.flow import Flow, lost, need_serde
from streams.errors import TopologyError
from streams.serde.plain import utf8


def test_a_known_type_is_all_that_is_needed() -> None:
    assert need_serde(Flow(serde=utf8), "count", "app.py:1", because="", what="key") is utf8


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (
            lost("map", "app.py:3", "key="),
            r"map\(\) at app\.py:3 made it.* Add key=YourType \(such as key=str\) to map\(\) at",
        ),
        (lost("map", "app.py:3", "key=", "int"), r"Add key=int to map\(\) at app\.py:3$"),
        (lost("count", "app.py:9", "value=", "int"), r"its functions do not say which.* Add value=int to this call$"),
    ],
)
def test_a_lost_type_is_asked_for_where_it_was_lost(flow: Flow, message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        need_serde(flow, "count", "app.py:9", because="keeps", what="key")
