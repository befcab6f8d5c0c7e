"""The broker's settings by Kafka's names: which there are, what they are, and which may change while it runs. PURE.

What a topic goes by without a setting of its own may be changed at run time, for this broker or for the cluster (the
same here, but clients tell them apart). The rest is as the broker was started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from broker_core.config import BrokerConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.topic_config import TOPIC_SETTINGS, ConfigType, TopicSetting, parse

CLUSTER: Final = ""
"""The name under which settings of all brokers of a cluster are kept."""

LOG_SETTINGS: Final[Mapping[str, TopicSetting]] = {
    setting.broker_name: setting for setting in sorted(TOPIC_SETTINGS.values(), key=lambda setting: setting.broker_name)
}
"""Broker settings by name that stand in for a topic setting; they are checked as that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSetting:
    """A setting that is given when the broker is started."""

    type: ConfigType
    text: Callable[[BrokerConfig], str]


def _number(field: str) -> StartSetting:
    return StartSetting(type=ConfigType.INT, text=lambda config: str(getattr(config, field)))


START_SETTINGS: Final[Mapping[str, StartSetting]] = {
    "advertised.listeners": StartSetting(
        type=ConfigType.STRING, text=lambda config: f"PLAINTEXT://{config.advertised_host}:{config.advertised_port}"
    ),
    "auto.create.topics.enable": StartSetting(
        type=ConfigType.BOOLEAN, text=lambda config: str(config.auto_create_topics).lower()
    ),
    "broker.id": _number("node_id"),
    "default.replication.factor": StartSetting(type=ConfigType.INT, text=lambda config: "1"),
    "fetch.max.bytes": _number("fetch_max_bytes"),
    "log.cleaner.enable": StartSetting(type=ConfigType.BOOLEAN, text=lambda config: "true"),
    "max.incremental.fetch.session.cache.slots": _number("fetch_session_slots"),
    "node.id": _number("node_id"),
    "num.partitions": _number("num_partitions"),
    "offsets.retention.check.interval.ms": _number("offsets_retention_check_interval_ms"),
    "offsets.retention.minutes": _number("offsets_retention_minutes"),
    "offsets.topic.num.partitions": _number("offsets_topic_partitions"),
    "transaction.max.timeout.ms": _number("transaction_max_timeout_ms"),
    "transaction.state.log.num.partitions": _number("transaction_topic_partitions"),
}
"""Broker settings that cannot be changed at run time."""


def check_broker_settings(settings: Mapping[str, str | None]) -> dict[str, str]:
    """Check settings that are to be changed at run time; null values are dropped.

    Raises:
        BrokerError: ``INVALID_CONFIG`` for a value, ``INVALID_REQUEST`` for a setting that cannot be changed, as Kafka.
    """
    kept = {}
    for name in sorted(settings):
        text = settings[name]
        if text is None:
            continue
        setting = LOG_SETTINGS.get(name)
        if setting is None or setting.is_read_only:
            known = name in START_SETTINGS or setting is not None
            reason = "cannot be changed while the broker runs" if known else "is unknown"
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"broker setting {name!r} {reason}")
        parse(setting, text)
        kept[name] = text
    return kept


def as_topic_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Checked broker settings under the names that topics have for them."""
    return {LOG_SETTINGS[name].name: text for name, text in settings.items() if name in LOG_SETTINGS}
