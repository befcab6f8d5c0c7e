"""DescribeConfigs: every setting, with its source; unknown things are refused one by one."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(("kind", "name"), [(2, "words"), (4, "1")])
def test_every_setting_has_all_that_can_be_told(kit: Kit, kind: int, name: str) -> None:
    """A value in force that the first synonym gives, a default at the end, a type, and a text from version 3 on."""
    kit.create("words", retention_ms="5")
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)
    body = DescribeConfigsRequest(resources=(resource,), include_synonyms=True, include_documentation=True)
    entries = kit.call(body, 3).results[0].configs
    assert len(entries) > 30
    for entry in entries:
        assert entry.documentation and entry.documentation.endswith("."), entry
        assert entry.config_type in {1, 2, 3, 5, 6, 7}, entry
        assert (entry.synonyms[0].value, entry.synonyms[0].source) == (entry.value, entry.config_source), entry
        assert entry.synonyms[-1].source == 5, entry
        assert not entry.is_sensitive
    quiet = kit.call(DescribeConfigsRequest(resources=(resource,)), 3).results[0].configs
    assert all(entry.synonyms == () and entry.documentation is None for entry in quiet)
    assert [entry.name for entry in quiet] == [entry.name for entry in entries]
