"""FindCoordinator: always us, in both layouts."""

from __future__ import annotations

from broker_core.protocol.find_coordinator import FindCoordinatorRequest
from tests.unit.broker_core.broker_kit import Kit


def test_one_key(kit: Kit) -> None:
    answer = kit.call(FindCoordinatorRequest(key="g"), 3)
    assert (answer.error_code, answer.node_id, answer.host, answer.port) == (0, 1, "localhost", 9092)


def test_several_keys(kit: Kit) -> None:
    answer = kit.call(FindCoordinatorRequest(key_type=1, coordinator_keys=("a", "b")), 5)
    assert [(found.key, found.node_id, found.error_code) for found in answer.coordinators] == [("a", 1, 0), ("b", 1, 0)]
