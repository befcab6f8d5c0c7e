"""Every request about a group finds its decision."""

from __future__ import annotations

from typing import get_args

import pytest

from broker_core.errors import ErrorCode
from broker_core.group.requests import GroupRequest
from broker_core.protocol.api import API
from tests.unit.broker_core.coordinator_world import World


@pytest.mark.parametrize("request_class", get_args(GroupRequest))
def test_every_version_is_answered(request_class: type) -> None:
    world = World()
    spec = next(each for each in API.values() if each.request is request_class)
    for version in range(spec.min_version, spec.max_version + 1):
        assert isinstance(world.ask(request_class(), version), spec.response)


def test_what_is_no_request_is_an_error_of_ours() -> None:
    with pytest.raises(TypeError, match="ErrorCode is no coordinator request"):
        World().submit(ErrorCode.NONE, 0)
