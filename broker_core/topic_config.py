"""Topic settings by Kafka's names: parsing, checking, defaults and what they mean for a log. PURE.

A setting with a ``log_field`` acts on the log; the others are accepted, kept and reported, because Kafka's clients set
or read them, and have no effect on a single broker (or not yet).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode


class ConfigType(IntEnum):
    """DescribeConfigs' ``config_type``."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    LONG = 5
    DOUBLE = 6
    LIST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSetting:
    """One setting of a topic.

    Arguments:
        name: as clients write it, such as ``retention.ms``.
        type: how the text is read.
        default: the text that holds where there is no ``log_field``.
        log_field: the field of ``LogConfig`` that the setting overrides.
        allowed: the words that a string or list may consist of; empty for any.
        minimum: the smallest number allowed.
    """

    name: str
    type: ConfigType
    default: str = ""
    log_field: str | None = None
    allowed: tuple[str, ...] = ()
    minimum: float = 0


def _settings(*settings: TopicSetting) -> dict[str, TopicSetting]:
    return {setting.name: setting for setting in settings}


_LONG_MAX: Final = str(2**63 - 1)
_COMPRESSION_TYPES: Final = ("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd")

TOPIC_SETTINGS: Final[Mapping[str, TopicSetting]] = _settings(
    TopicSetting(
        name="cleanup.policy", type=ConfigType.LIST, log_field="cleanup_policy", allowed=("compact", "delete")
    ),
    TopicSetting(name="compression.type", type=ConfigType.STRING, default="producer", allowed=_COMPRESSION_TYPES),
    TopicSetting(name="delete.retention.ms", type=ConfigType.LONG, default="86400000"),
    TopicSetting(name="file.delete.delay.ms", type=ConfigType.LONG, default="60000"),
    TopicSetting(name="flush.messages", type=ConfigType.LONG, default=_LONG_MAX, minimum=1),
    TopicSetting(name="flush.ms", type=ConfigType.LONG, default=_LONG_MAX),
    TopicSetting(name="index.interval.bytes", type=ConfigType.INT, log_field="index_interval_bytes"),
    TopicSetting(name="max.compaction.lag.ms", type=ConfigType.LONG, default=_LONG_MAX, minimum=1),
    TopicSetting(name="max.message.bytes", type=ConfigType.INT, log_field="max_message_bytes"),
    TopicSetting(
        name="message.timestamp.after.max.ms", type=ConfigType.LONG, log_field="message_timestamp_after_max_ms"
    ),
    TopicSetting(name="message.timestamp.before.max.ms", type=ConfigType.LONG, default=_LONG_MAX),
    TopicSetting(
        name="message.timestamp.type",
        type=ConfigType.STRING,
        log_field="message_timestamp_type",
        allowed=("CreateTime", "LogAppendTime"),
    ),
    TopicSetting(name="min.cleanable.dirty.ratio", type=ConfigType.DOUBLE, default="0.5"),
    TopicSetting(name="min.compaction.lag.ms", type=ConfigType.LONG, default="0"),
    TopicSetting(name="min.insync.replicas", type=ConfigType.INT, default="1", minimum=1),
    TopicSetting(name="preallocate", type=ConfigType.BOOLEAN, default="false"),
    TopicSetting(name="retention.bytes", type=ConfigType.LONG, log_field="retention_bytes", minimum=-1),
    TopicSetting(name="retention.ms", type=ConfigType.LONG, log_field="retention_ms", minimum=-1),
    TopicSetting(name="segment.bytes", type=ConfigType.INT, log_field="segment_bytes", minimum=64),
    TopicSetting(name="segment.index.bytes", type=ConfigType.INT, log_field="segment_index_bytes", minimum=12),
    TopicSetting(name="segment.jitter.ms", type=ConfigType.LONG, default="0"),
    TopicSetting(name="segment.ms", type=ConfigType.LONG, log_field="segment_ms", minimum=1),
    TopicSetting(name="unclean.leader.election.enable", type=ConfigType.BOOLEAN, default="false"),
)


def check_settings(settings: Mapping[str, str | None]) -> dict[str, str]:
    """Check a topic's overrides; a null value means the default and is dropped.

    Returns:
        the overrides to keep, by name in sorted order.

    Raises:
        BrokerError: ``INVALID_CONFIG``, naming the setting and what it may be.
    """
    kept = {}
    for name in sorted(settings):
        text = settings[name]
        if text is None:
            continue
        setting = TOPIC_SETTINGS.get(name)
        if setting is None:
            raise BrokerError(ErrorCode.INVALID_CONFIG, f"unknown topic setting {name!r}")
        _parse(setting, text)
        kept[name] = text
    return kept


def log_config(defaults: LogConfig, overrides: Mapping[str, str]) -> LogConfig:
    """The settings of a topic's logs: the broker's ``defaults`` with the topic's checked ``overrides``."""
    fields: dict[str, Any] = {}
    for name, text in overrides.items():
        setting = TOPIC_SETTINGS[name]
        if setting.log_field is not None:
            value = _parse(setting, text)
            fields[setting.log_field] = frozenset(value) if setting.type is ConfigType.LIST else value
    return replace(defaults, **fields)


def effective_text(setting: TopicSetting, config: LogConfig, overrides: Mapping[str, str]) -> str:
    """What DescribeConfigs shows for ``setting``: the override, or the default written as Kafka writes it."""
    if setting.name in overrides:
        return overrides[setting.name]
    if setting.log_field is None:
        return setting.default
    value = getattr(config, setting.log_field)
    return ",".join(sorted(value)) if setting.type is ConfigType.LIST else str(value)


def _parse(setting: TopicSetting, text: str) -> Any:
    try:
        value = _PARSERS[setting.type](text)
    except ValueError:
        raise _invalid(setting, text, f"is no {setting.type.name.lower()}") from None
    if setting.type in (ConfigType.INT, ConfigType.LONG, ConfigType.DOUBLE) and value < setting.minimum:
        raise _invalid(setting, text, f"is below {setting.minimum}")
    words = value if setting.type is ConfigType.LIST else (value,)
    if setting.allowed and not (words and set(words) <= set(setting.allowed)):
        raise _invalid(setting, text, f"is not among {', '.join(setting.allowed)}")
    return value


def _invalid(setting: TopicSetting, text: str, reason: str) -> BrokerError:
    return BrokerError(ErrorCode.INVALID_CONFIG, f"topic setting {setting.name}: {text!r} {reason}")


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


_PARSERS: Final[Mapping[ConfigType, Callable[[str], Any]]] = {
    ConfigType.BOOLEAN: _boolean,
    ConfigType.STRING: str,
    ConfigType.INT: int,
    ConfigType.LONG: int,
    ConfigType.DOUBLE: float,
    ConfigType.LIST: _words,
}
