from __future__ import annotations

import pytest

from streams.assignment import CooperativeStickyAssignor, RangeAssignor
from streams.client.group_settings import GroupIdentity, GroupSettings
from streams.errors import ConfigError


def test_a_group_may_be_cooperative_only_if_all_its_plans_are() -> None:
    assert not GroupSettings(group_id="g").is_cooperative
    assert GroupSettings(group_id="g", assignors=(CooperativeStickyAssignor(),)).is_cooperative
    assert not GroupSettings(group_id="g", assignors=(RangeAssignor(),)).is_cooperative


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"group_id": ""}, "has a name"),
        ({"group_id": "g", "assignors": ()}, "no assignor"),
        ({"group_id": "g", "heartbeat_interval_ms": 10_000}, "shorter than session_timeout_ms=10000"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        GroupSettings(**settings)  # type: ignore[arg-type]


def test_nobody_in_particular() -> None:
    """A commit from outside of a membership carries Kafka's empty member and generation -1."""
    assert GroupIdentity("g") == ("g", "", -1, None)
