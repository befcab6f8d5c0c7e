"""Which settings of the broker may change at run time, and as what they reach topics."""

from __future__ import annotations

import pytest

from broker_core.broker_config import LOG_SETTINGS, START_SETTINGS, as_topic_settings, check_broker_settings
from broker_core.config import BrokerConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.topic_config import TOPIC_SETTINGS


def test_every_topic_setting_has_one_of_the_broker() -> None:
    assert {setting.name for setting in LOG_SETTINGS.values()} == set(TOPIC_SETTINGS)
    assert not set(LOG_SETTINGS) & set(START_SETTINGS)


def test_settings_are_kept_and_renamed() -> None:
    kept = check_broker_settings({"log.retention.ms": "5", "message.max.bytes": "9", "log.roll.ms": None})
    assert kept == {"log.retention.ms": "5", "message.max.bytes": "9"}
    assert as_topic_settings(kept) == {"retention.ms": "5", "max.message.bytes": "9"}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no.such.thing", "1", ErrorCode.INVALID_REQUEST),
        ("retention.ms", "1", ErrorCode.INVALID_REQUEST),
        ("node.id", "2", ErrorCode.INVALID_REQUEST),
        ("min.insync.replicas", "2", ErrorCode.INVALID_REQUEST),
        ("log.retention.ms", "soon", ErrorCode.INVALID_CONFIG),
    ],
)
def test_what_cannot_be_changed(name: str, value: str, code: ErrorCode) -> None:
    with pytest.raises(BrokerError, match=name.replace("log.", "")) as caught:
        check_broker_settings({name: value})
    assert caught.value.code is code


def test_settings_of_the_start_are_told_as_text() -> None:
    texts = {name: setting.text(BrokerConfig(num_partitions=3)) for name, setting in START_SETTINGS.items()}
    assert texts["num.partitions"] == "3"
    assert texts["auto.create.topics.enable"] == "true"
    assert texts["offsets.retention.minutes"] == "10080"
