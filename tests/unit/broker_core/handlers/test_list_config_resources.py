"""ListConfigResources: topics and the broker."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.list_config_resources import ListConfigResourcesRequest
from tests.unit.broker_core.broker_kit import Kit


def listed(kit: Kit, *kinds: int, version: int = 1) -> list[tuple[int, str]]:
    answer = kit.call(ListConfigResourcesRequest(resource_types=kinds), version)
    assert answer.error_code == 0
    return [(found.resource_type, found.resource_name) for found in answer.config_resources]


def test_by_type(kit: Kit) -> None:
    kit.create("b")
    kit.create("a")
    assert listed(kit) == [(2, "a"), (2, "b"), (4, "1")]
    assert listed(kit, 2) == [(2, "a"), (2, "b")]
    assert listed(kit, 4, 4) == [(4, "1")]
    assert listed(kit, 16) == listed(kit, version=0) == []


def test_a_type_without_settings_is_refused(kit: Kit) -> None:
    answer = kit.call(ListConfigResourcesRequest(resource_types=(3,)))
    assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
