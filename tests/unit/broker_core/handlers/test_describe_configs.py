"""DescribeConfigs: every setting, with its source; unknown things are refused one by one."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_configs import DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResult
from broker_core.topic_config import TOPIC_SETTINGS
from tests.unit.broker_core.broker_kit import Kit


def describe(
    kit: Kit, kind: int, name: str, keys: tuple[str, ...] | None = None, *, synonyms: bool = False
) -> DescribeConfigsResult:
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
    result = kit.call(DescribeConfigsRequest(resources=(resource,), include_synonyms=synonyms)).results[0]
    assert isinstance(result, DescribeConfigsResult)
    return result


def test_all_settings_of_a_topic(kit: Kit) -> None:
    kit.create("words", retention_ms="5", cleanup_policy="compact")
    result = describe(kit, 2, "words", synonyms=True)
    found = {entry.name: entry for entry in result.configs}
    assert set(found) == set(TOPIC_SETTINGS)
    assert (found["retention.ms"].value, found["retention.ms"].config_source) == ("5", 1)
    assert (found["cleanup.policy"].value, found["cleanup.policy"].config_source) == ("compact", 1)
    assert (found["segment.ms"].value, found["segment.ms"].config_source) == (str(7 * 24 * 3_600_000), 5)
    assert [synonym.source for synonym in found["retention.ms"].synonyms] == [1, 5]


def test_some_settings(kit: Kit) -> None:
    kit.create("words")
    result = describe(kit, 2, "words", ("cleanup.policy", "no.such.thing"))
    assert [(entry.name, entry.value, entry.synonyms) for entry in result.configs] == [("cleanup.policy", "delete", ())]


def test_the_broker(kit: Kit) -> None:
    found = {entry.name: entry.value for entry in describe(kit, 4, "1").configs}
    assert found["num.partitions"] == "4"
    assert found["auto.create.topics.enable"] == "true"
    assert [entry.name for entry in describe(kit, 4, "1", ("node.id",)).configs] == ["node.id"]
    assert describe(kit, 4, "").configs == (), "the cluster lists what was changed for it"


def test_what_is_not_there(kit: Kit) -> None:
    assert describe(kit, 2, "nothing").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert describe(kit, 4, "2").error_code == ErrorCode.INVALID_REQUEST
    assert describe(kit, 16, "x").error_code == ErrorCode.INVALID_REQUEST
