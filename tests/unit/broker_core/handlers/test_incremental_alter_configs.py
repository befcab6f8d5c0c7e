"""IncrementalAlterConfigs changes single settings: of a topic, of the broker, of the cluster."""

from __future__ import annotations

from typing import NamedTuple

from broker_core.errors import ErrorCode
from broker_core.protocol.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from tests.unit.broker_core.broker_kit import Kit
from tests.unit.broker_core.handlers.test_alter_configs import overrides
from tests.unit.broker_core.handlers.test_describe_configs import describe

SET, DELETE, APPEND, SUBTRACT = range(4)


class Step(NamedTuple):
    name: str
    operation: int
    value: str | None = None


def change(kit: Kit, name: str, *steps: Step, kind: int = 2, validate_only: bool = False) -> int:
    configs = tuple(
        AlterableConfig(name=step.name, config_operation=step.operation, value=step.value) for step in steps
    )
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
    body = IncrementalAlterConfigsRequest(resources=(resource,), validate_only=validate_only)
    return int(kit.call(body).responses[0].error_code)


def test_single_settings_of_a_topic(kit: Kit) -> None:
    kit.create("words", retention_ms="5", segment_ms="6")
    assert change(kit, "words", Step("retention.ms", DELETE), Step("flush.ms", SET, "7")) == 0
    assert change(kit, "words", Step("cleanup.policy", APPEND, "compact")) == 0
    assert overrides(kit, "words") == {"segment.ms": "6", "flush.ms": "7", "cleanup.policy": "delete,compact"}
    assert change(kit, "words", Step("cleanup.policy", SUBTRACT, "delete")) == 0
    kit.restart(crash="drop")
    assert overrides(kit, "words") == {"segment.ms": "6", "flush.ms": "7", "cleanup.policy": "compact"}


def test_refusals_change_nothing(kit: Kit) -> None:
    kit.create("words", flush_ms="1")
    good = Step("segment.ms", SET, "5")
    refused = {
        Step("flush.ms", SET, "x"): ErrorCode.INVALID_CONFIG,
        Step("flush.ms", SET, None): ErrorCode.INVALID_REQUEST,
        Step("flush.ms", APPEND, "5"): ErrorCode.INVALID_CONFIG,
        Step("flush.ms", 4, "5"): ErrorCode.INVALID_REQUEST,
        Step("segment.ms", DELETE): ErrorCode.INVALID_REQUEST,
        Step("no.such.thing", SET, "5"): ErrorCode.INVALID_CONFIG,
        Step("cleanup.policy", SUBTRACT, "delete"): ErrorCode.INVALID_CONFIG,
    }
    for step, code in refused.items():
        assert change(kit, "words", good, step) == code, step
    assert change(kit, "words", good, validate_only=True) == 0
    assert change(kit, "nothing", good) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert overrides(kit, "words") == {"flush.ms": "1"}


def value(kit: Kit, name: str = "retention.ms", topic: str = "words") -> tuple[str | None, int, list[tuple[str, int]]]:
    (entry,) = describe(kit, 2, topic, (name,), synonyms=True).configs
    return entry.value, entry.config_source, [(synonym.value or "", synonym.source) for synonym in entry.synonyms]


def test_what_is_changed_for_broker_and_cluster_reaches_topics_without_their_own(kit: Kit) -> None:
    kit.create("words")
    kit.create("own", retention_ms="1")
    default = str(7 * 24 * 3_600_000)
    assert value(kit) == (default, 5, [(default, 5)])
    assert change(kit, "", Step("log.retention.ms", SET, "3"), kind=4) == 0
    assert value(kit) == ("3", 3, [("3", 3), (default, 5)])
    assert change(kit, "1", Step("log.retention.ms", SET, "2"), kind=4) == 0
    assert value(kit) == ("2", 2, [("2", 2), ("3", 3), (default, 5)])
    assert value(kit, topic="own")[2] == [("1", 1), ("2", 2), ("3", 3), (default, 5)]
    assert {str(partition): log.config.retention_ms for partition, log in kit.broker._partitions.logs.items()} == {
        "words-0": 2, "own-0": 1,
    }  # fmt: skip
    kit.restart(crash="drop")
    assert value(kit)[0] == "2"
    assert [entry.value for entry in describe(kit, 4, "").configs] == ["3"]
    assert change(kit, "1", Step("log.retention.ms", DELETE), kind=4) == 0
    assert value(kit)[0] == "3"


def test_the_brokers_lists_and_refusals(kit: Kit) -> None:
    kit.create("words")
    assert change(kit, "1", Step("log.cleanup.policy", APPEND, "compact"), kind=4) == 0
    assert value(kit, "cleanup.policy")[0] == "delete,compact"
    assert kit.broker._catalog.topics["words"].has_gaps
    assert change(kit, "1", Step("retention.ms", SET, "5"), kind=4) == ErrorCode.INVALID_REQUEST
    assert change(kit, "1", Step("node.id", SET, "5"), kind=4) == ErrorCode.INVALID_REQUEST
    assert change(kit, "2", Step("log.roll.ms", SET, "5"), kind=4) == ErrorCode.INVALID_REQUEST
    assert change(kit, "1", Step("log.roll.ms", SET, "0"), kind=4) == ErrorCode.INVALID_CONFIG


def test_removing_what_is_not_there_is_no_error(kit: Kit) -> None:
    """kafka-reassign-partitions --verify clears throttles, whether there are any or not."""
    assert change(kit, "1", Step("leader.replication.throttled.rate", DELETE), kind=4) == 0
    assert change(kit, "1", Step("log.roll.ms", DELETE), kind=4) == 0
    assert change(kit, "1", Step("node.id", DELETE), kind=4) == ErrorCode.INVALID_REQUEST
    assert change(kit, "1", Step("leader.replication.throttled.rate", SET, "5"), kind=4) == ErrorCode.INVALID_REQUEST
