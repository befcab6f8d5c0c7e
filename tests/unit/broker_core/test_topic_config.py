"""Topic settings are checked by name and value, and override the log's defaults."""

from __future__ import annotations

import pytest

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.topic_config import (
    TOPIC_SETTINGS,
    Change,
    Operation,
    apply_changes,
    check_settings,
    check_together,
    log_config,
    text_of,
)


def test_overrides_reach_the_log() -> None:
    overrides = check_settings(
        {"segment.bytes": "1024", "cleanup.policy": "delete, compact", "retention.ms": "-1", "segment.ms": None}
    )
    config = log_config(LogConfig(), overrides)
    assert config.segment_bytes == 1024
    assert config.cleanup_policy == {"compact", "delete"}
    assert config.retention_ms == -1
    assert config.segment_ms == LogConfig().segment_ms
    assert "segment.ms" not in overrides


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no.such.thing", "1"),
        ("segment.bytes", "many"),
        ("segment.bytes", "1"),
        ("retention.ms", "-2"),
        ("cleanup.policy", "burn"),
        ("cleanup.policy", ""),
        ("message.timestamp.type", "Sometimes"),
        ("preallocate", "perhaps"),
        ("min.cleanable.dirty.ratio", "half"),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("min.cleanable.dirty.ratio", "nan"),
        ("segment.bytes", "2147483648"),
        ("retention.ms", "9223372036854775808"),
        ("compression.type", "rar"),
        ("compression.zstd.level", "23"),
        ("min.insync.replicas", "2"),
        ("remote.storage.enable", "true"),
    ],
)
def test_bad_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(BrokerError, match=name) as caught:
        check_settings({name: value})
    assert caught.value.code is ErrorCode.INVALID_CONFIG


def test_every_setting_is_described_by_a_text_that_it_accepts() -> None:
    for name, setting in TOPIC_SETTINGS.items():
        text = text_of(setting, LogConfig())
        assert check_settings({name: text}) == ({} if setting.is_read_only else {name: text})
        assert setting.is_read_only or log_config(LogConfig(), {name: text}) == LogConfig()
        assert setting.meaning.endswith(".")


def test_settings_that_contradict_each_other() -> None:
    check_together(LogConfig(min_compaction_lag_ms=5, max_compaction_lag_ms=5))
    with pytest.raises(BrokerError, match=r"min\.compaction\.lag\.ms 6"):
        check_together(LogConfig(min_compaction_lag_ms=6, max_compaction_lag_ms=5))


def changed(overrides: dict[str, str], *changes: Change) -> dict[str, str | None]:
    return apply_changes(overrides, changes, lambda name: text_of(TOPIC_SETTINGS[name], LogConfig()))


def test_single_changes() -> None:
    before = {"retention.ms": "1", "segment.ms": "2"}
    assert changed(before, Change("retention.ms", Operation.SET, "5")) == {"retention.ms": "5", "segment.ms": "2"}
    assert changed(before, Change("retention.ms", Operation.DELETE, None)) == {"segment.ms": "2"}
    assert changed(before, Change("flush.ms", Operation.DELETE, "")) == before


def test_lists_grow_and_shrink_from_what_is_in_force() -> None:
    policy = "cleanup.policy"
    assert changed({}, Change(policy, Operation.APPEND, "compact, delete")) == {policy: "delete,compact"}
    assert changed({policy: "compact"}, Change(policy, Operation.APPEND, "delete")) == {policy: "compact,delete"}
    assert changed({policy: "compact,delete"}, Change(policy, Operation.SUBTRACT, "delete")) == {policy: "compact"}
    assert changed({policy: "compact"}, Change(policy, Operation.SUBTRACT, "delete")) == {policy: "compact"}


@pytest.mark.parametrize("operation", [Operation.APPEND, Operation.SUBTRACT])
def test_only_lists_take_words(operation: Operation) -> None:
    with pytest.raises(BrokerError) as caught:
        changed({}, Change("retention.ms", operation, "5"))
    assert caught.value.code is ErrorCode.INVALID_CONFIG
    with pytest.raises(BrokerError) as caught:
        changed({}, Change("cleanup.policy", operation, None))
    assert caught.value.code is ErrorCode.INVALID_REQUEST
