"""AlterConfigs replaces all settings of a resource, checked, durably and with effect at once."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.alter_configs import AlterableConfig, AlterConfigsRequest, AlterConfigsResource
from tests.unit.broker_core.broker_kit import Kit
from tests.unit.broker_core.handlers.test_describe_configs import describe


def resource(name: str, *, kind: int = 2, **settings: str | None) -> AlterConfigsResource:
    configs = tuple(AlterableConfig(name=key.replace("_", "."), value=value) for key, value in settings.items())
    return AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)


def alter(kit: Kit, *resources: AlterConfigsResource, validate_only: bool = False) -> list[int]:
    answer = kit.call(AlterConfigsRequest(resources=resources, validate_only=validate_only))
    return [response.error_code for response in answer.responses]


def overrides(kit: Kit, name: str) -> dict[str, str | None]:
    return {entry.name: entry.value for entry in describe(kit, 2, name).configs if entry.config_source == 1}


def test_everything_not_named_goes_back_to_its_default(kit: Kit) -> None:
    kit.create("words", retention_ms="5", segment_ms="6")
    assert alter(kit, resource("words", segment_ms="7", flush_ms="8")) == [0]
    assert overrides(kit, "words") == {"segment.ms": "7", "flush.ms": "8"}
    kit.restart(crash="drop")
    assert overrides(kit, "words") == {"segment.ms": "7", "flush.ms": "8"}


def test_each_resource_by_itself(kit: Kit) -> None:
    kit.create("one")
    kit.create("two")
    codes = alter(
        kit, resource("one", retention_ms="1"), resource("two", retention_ms="x"), resource("three"),
        resource("1", kind=4, node_id="2"), resource("x", kind=8),
    )  # fmt: skip
    assert codes == [
        0, ErrorCode.INVALID_CONFIG, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_REQUEST,
    ]  # fmt: skip
    assert overrides(kit, "one") == {"retention.ms": "1"}
    assert overrides(kit, "two") == {}


def test_requests_that_contradict_themselves(kit: Kit) -> None:
    kit.create("words")
    assert alter(kit, resource("words", flush_ms="1"), resource("words")) == [ErrorCode.INVALID_REQUEST] * 2
    assert alter(kit, resource("words", flush_ms=None)) == [ErrorCode.INVALID_REQUEST]
    twice = AlterConfigsResource(
        resource_type=2, resource_name="words", configs=(AlterableConfig(name="flush.ms", value="1"),) * 2
    )
    assert alter(kit, twice) == [ErrorCode.INVALID_REQUEST]
    lags = resource("words", min_compaction_lag_ms="9", max_compaction_lag_ms="8")
    assert alter(kit, lags) == [ErrorCode.INVALID_CONFIG]
    assert overrides(kit, "words") == {}


def test_validating_changes_nothing(kit: Kit) -> None:
    kit.create("words")
    assert alter(kit, resource("words", flush_ms="1"), resource("1", kind=4), validate_only=True) == [0, 0]
    assert alter(kit, resource("words", flush_ms="x"), validate_only=True) == [ErrorCode.INVALID_CONFIG]
    assert overrides(kit, "words") == {}


def test_open_logs_go_by_the_new_settings_at_once(kit: Kit) -> None:
    kit.create("words")
    assert alter(kit, resource("words", max_message_bytes="80")) == [0]
    assert kit.produce("words", "x" * 100).error_code == ErrorCode.MESSAGE_TOO_LARGE
    assert alter(kit, resource("words", message_timestamp_type="LogAppendTime")) == [0]
    kit.now_ms += 5
    assert kit.produce("words", "x" * 100).log_append_time_ms == kit.now_ms
    assert alter(kit, resource("words", segment_bytes="200")) == [0]
    for _ in range(3):
        assert kit.produce("words", "x" * 100).error_code == 0
    logs = [name for name in kit.filesystem.list_directory("logs/words-0") if name.endswith(".log")]
    assert len(logs) == 4, "a segment holds one batch from now on"


def test_a_topic_that_was_compacted_may_have_gaps_for_ever() -> None:
    kit = Kit().open()
    kit.create("words", cleanup_policy="compact")
    kit.create("plain")
    assert alter(kit, resource("words", cleanup_policy="delete"), resource("plain", flush_ms="1")) == [0, 0]
    for crash in (None, "drop"):
        kit.restart(crash=crash)
        logs = kit.broker._partitions.logs
        gaps = {str(partition): log.config.may_have_gaps for partition, log in logs.items()}
        assert gaps == {"words-0": True, "plain-0": False}


def test_the_broker_s_own_topics_stay_compacted(kit: Kit) -> None:
    kit.broker._context.topics.create_automatically("__consumer_offsets", kit.now_ms)
    assert alter(kit, resource("__consumer_offsets", segment_bytes="1000")) == [ErrorCode.INVALID_CONFIG]
    assert alter(kit, resource("__consumer_offsets", segment_bytes="1000", cleanup_policy="compact")) == [0]


def test_a_change_that_could_not_be_written_did_not_happen() -> None:
    kit = Kit().open()
    kit.create("words")
    kit.filesystem.faults.fail_next_write = 28
    assert alter(kit, resource("words", flush_ms="1")) == [ErrorCode.KAFKA_STORAGE_ERROR]
    kit.filesystem.faults.fail_next_write = 28
    assert alter(kit, resource("", kind=4, log_flush_interval_ms="1")) == [ErrorCode.KAFKA_STORAGE_ERROR]
    assert overrides(kit, "words") == {}
    assert describe(kit, 4, "").configs == ()


def test_settings_change_while_the_disk_is_nearly_full() -> None:
    """Shortening retention is the way out of that."""
    kit = Kit().open()
    kit.create("words")
    kit.filesystem.available_bytes = 1_000_000
    kit.now_ms += 10_000
    assert kit.produce("words", "x").error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert alter(kit, resource("words", retention_ms="1")) == [0]


@pytest.mark.parametrize("kind", [2, 4])
def test_settings_that_have_one_value_here_may_be_named(kit: Kit, kind: int) -> None:
    kit.create("words", min_insync_replicas="1")
    assert overrides(kit, "words") == {}
    named = resource("words" if kind == 2 else "1", kind=kind, min_insync_replicas="2")
    refused = ErrorCode.INVALID_CONFIG if kind == 2 else ErrorCode.INVALID_REQUEST
    assert alter(kit, named) == [refused]
