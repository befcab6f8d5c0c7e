"""Topic settings are checked by name and value, and override the log's defaults."""

from __future__ import annotations

import pytest

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.topic_config import TOPIC_SETTINGS, check_settings, effective_text, log_config


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
    ],
)
def test_bad_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(BrokerError, match=name) as caught:
        check_settings({name: value})
    assert caught.value.code is ErrorCode.INVALID_CONFIG


def test_every_setting_is_described_by_a_text_that_it_accepts() -> None:
    for name, setting in TOPIC_SETTINGS.items():
        text = effective_text(setting, LogConfig(), {})
        assert check_settings({name: text}) == {name: text}


def test_an_override_is_described_as_it_was_written() -> None:
    overrides = {"cleanup.policy": "delete,compact"}
    setting = TOPIC_SETTINGS["cleanup.policy"]
    assert effective_text(setting, log_config(LogConfig(), overrides), overrides) == "delete,compact"
