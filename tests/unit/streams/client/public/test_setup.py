from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.client import Consumer, Producer
from streams.client.public import setup
from streams.errors import ConfigError, SerdeError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"auto_offset_reset": "first"}, "one of earliest, latest, none"),
        ({"isolation": "all"}, "one of read_committed, read_uncommitted"),
        ({"group": "g", "assignors": ["best"]}, "one of range, roundrobin, sticky, cooperative-sticky"),
        ({"group": "g", "session_timeout": 10}, "is no duration"),
        ({"group": "g", "heartbeat_interval": "20s"}, "not shorter than session_timeout_ms"),
        ({"group": ""}, "a group has a name"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_opened(arguments: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Consumer("t", broker="nowhere:1", **arguments)


def test_a_type_without_a_format_is_refused() -> None:
    with pytest.raises(SerdeError):
        Producer(broker="nowhere:1", value=7)


def test_points_in_time() -> None:
    assert setup.point_ms(5) == 5
    assert setup.point_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000
    assert (setup.point_ms("beginning"), setup.point_ms("end")) == (EARLIEST_OFFSET, LATEST_OFFSET)
    for wrong in (-1, True, "yesterday", datetime(2024, 1, 1)):
        with pytest.raises(ConfigError):
            setup.point_ms(wrong)


def test_settings_of_a_topic_are_written_with_underscores() -> None:
    assert setup.new_topic(2, {"cleanup_policy": "compact"}).configs == {"cleanup.policy": "compact"}
