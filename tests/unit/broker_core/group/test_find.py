"""FindCoordinator in both its forms."""

import pytest

from broker_core.errors import ErrorCode
from broker_core.group.find import Address, find_coordinator
from broker_core.protocol.find_coordinator import FindCoordinatorRequest
from broker_core.protocol.schema import encode

HERE = Address(1, "host", 9092)


@pytest.mark.parametrize("key_type", [0, 1])
def test_groups_and_transactions_are_here(key_type: int) -> None:
    single = find_coordinator(FindCoordinatorRequest(key="k", key_type=key_type), 3, HERE)
    assert (single.error_code, single.node_id, single.host, single.port) == (0, 1, "host", 9092)
    several = find_coordinator(FindCoordinatorRequest(key_type=key_type, coordinator_keys=("a", "b")), 4, HERE)
    assert [(each.key, each.node_id, each.error_code) for each in several.coordinators] == [("a", 1, 0), ("b", 1, 0)]


def test_share_groups_are_not() -> None:
    told = find_coordinator(FindCoordinatorRequest(key_type=2, coordinator_keys=("a",)), 5, HERE)
    assert [each.error_code for each in told.coordinators] == [ErrorCode.INVALID_REQUEST]


@pytest.mark.parametrize("version", range(6))
def test_every_version_can_be_written(version: int) -> None:
    request = FindCoordinatorRequest(coordinator_keys=("a",) if version >= 4 else ())
    assert encode(find_coordinator(request, version, HERE), version)
