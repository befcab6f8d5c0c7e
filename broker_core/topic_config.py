"""Topic settings by Kafka's names: parsing, checking, defaults and what they mean for a log. PURE.

Every topic setting of Kafka is listed. One with a ``log_field`` acts on the log. The others mean nothing where there is
one broker and no second tier: they are ``fixed`` and may be named, but not be given another value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, NamedTuple, Protocol

from broker_core.config import LONG_MAX, LogConfig
from broker_core.errors import BrokerError, ErrorCode

INT_MAX: Final = 2**31 - 1


class ConfigType(IntEnum):
    """DescribeConfigs' ``config_type``."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    LONG = 5
    DOUBLE = 6
    LIST = 7


class Setting(Protocol):
    """What ``parse`` has to know of a setting."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> ConfigType: ...
    @property
    def meaning(self) -> str: ...
    @property
    def fixed(self) -> str: ...
    @property
    def allowed(self) -> tuple[str, ...]: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def is_read_only(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSetting:
    """One setting of a topic.

    Arguments:
        name: as clients write it, such as ``retention.ms``.
        type: how the text is read.
        meaning: for people, in one sentence.
        log_field: the field of ``LogConfig`` that the setting overrides.
        broker_name: what Kafka calls the broker's setting that a topic without this one goes by.
        fixed: the one value that it has here, where there is no ``log_field``.
        allowed: the words that a string or list may consist of; empty for any.
        minimum, maximum: the smallest and largest number allowed; the type's own limit by default.
    """

    name: str
    type: ConfigType
    meaning: str
    log_field: str | None = None
    broker_name: str
    fixed: str = ""
    allowed: tuple[str, ...] = ()
    minimum: float = 0
    maximum: float = math.inf

    @property
    def is_read_only(self) -> bool:
        return self.log_field is None


_INT, _LONG, _DOUBLE, _BOOLEAN = ConfigType.INT, ConfigType.LONG, ConfigType.DOUBLE, ConfigType.BOOLEAN
_STRING, _LIST = ConfigType.STRING, ConfigType.LIST
_COMPRESSION_TYPES: Final = ("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd")


def _acting(name: str, kind: ConfigType, broker_name: str, meaning: str, **limits: Any) -> TopicSetting:
    field = name.replace(".", "_")
    return TopicSetting(name=name, type=kind, broker_name=broker_name, meaning=meaning, log_field=field, **limits)


def _fixed(name: str, kind: ConfigType, broker_name: str, value: str, meaning: str) -> TopicSetting:
    return TopicSetting(name=name, type=kind, broker_name=broker_name, meaning=meaning, fixed=value, minimum=-2)


def _by_name(*settings: TopicSetting) -> dict[str, TopicSetting]:
    return {setting.name: setting for setting in sorted(settings, key=lambda setting: setting.name)}


TOPIC_SETTINGS: Final[Mapping[str, TopicSetting]] = _by_name(
    _acting(
        "cleanup.policy", _LIST, "log.cleanup.policy",
        "delete drops old segments, compact keeps the last record of every key; both together do both.",
        allowed=("compact", "delete"),
    ),
    _acting(
        "compression.type", _STRING, "compression.type",
        "What batches are stored as; producer keeps what the producer chose.", allowed=_COMPRESSION_TYPES,
    ),
    _acting(
        "compression.gzip.level", _INT, "compression.gzip.level", "Used where the broker compresses; -1 is 6.",
        minimum=-1, maximum=9,
    ),
    _acting(
        "compression.lz4.level", _INT, "compression.lz4.level", "Used where the broker compresses.",
        minimum=1, maximum=17,
    ),
    _acting(
        "compression.zstd.level", _INT, "compression.zstd.level", "Used where the broker compresses.",
        minimum=-131_072, maximum=22,
    ),
    _acting(
        "delete.retention.ms", _LONG, "log.cleaner.delete.retention.ms",
        "How long a tombstone stays after compaction has first met it.",
    ),
    _acting(
        "flush.messages", _LONG, "log.flush.interval.messages",
        "With durability interval or none: sync after so many records; 1 acknowledges after the sync.", minimum=1,
    ),
    _acting(
        "flush.ms", _LONG, "log.flush.interval.ms", "With durability interval or none: sync after this time.",
    ),
    _acting(
        "index.interval.bytes", _INT, "log.index.interval.bytes", "One index entry for so many bytes of log.",
    ),
    _acting(
        "max.compaction.lag.ms", _LONG, "log.cleaner.max.compaction.lag.ms",
        "Compact at the latest when the oldest record not compacted is this old.", minimum=1,
    ),
    _acting(
        "max.message.bytes", _INT, "message.max.bytes", "The largest batch that is taken, as it is stored.",
    ),
    _acting(
        "message.timestamp.after.max.ms", _LONG, "log.message.timestamp.after.max.ms",
        "How far ahead of the broker's clock a producer's timestamp may be.",
    ),
    _acting(
        "message.timestamp.before.max.ms", _LONG, "log.message.timestamp.before.max.ms",
        "How far behind the broker's clock a producer's timestamp may be.",
    ),
    _acting(
        "message.timestamp.type", _STRING, "log.message.timestamp.type",
        "Whose time records carry: the producer's (CreateTime) or the broker's (LogAppendTime).",
        allowed=("CreateTime", "LogAppendTime"),
    ),
    _acting(
        "min.cleanable.dirty.ratio", _DOUBLE, "log.cleaner.min.cleanable.ratio",
        "Compact once this part of the log is not compacted.", maximum=1,
    ),
    _acting(
        "min.compaction.lag.ms", _LONG, "log.cleaner.min.compaction.lag.ms",
        "Records younger than this are not compacted.",
    ),
    _acting(
        "preallocate", _BOOLEAN, "log.preallocate",
        "Reserve segment.bytes on the disk when a segment is begun; what is left over is given back at its end.",
    ),
    _acting(
        "retention.bytes", _LONG, "log.retention.bytes", "Drop old segments beyond this size; -1 for no limit.",
        minimum=-1,
    ),
    _acting(
        "retention.ms", _LONG, "log.retention.ms", "Drop segments whose records are all older; -1 for no limit.",
        minimum=-1,
    ),
    _acting("segment.bytes", _INT, "log.segment.bytes", "Size at which a new segment is begun.", minimum=64),
    _acting(
        "segment.index.bytes", _INT, "log.index.size.max.bytes", "Size of an index at which a new segment is begun.",
        minimum=12,
    ),
    _acting(
        "segment.jitter.ms", _LONG, "log.roll.jitter.ms",
        "Up to this much is taken off segment.ms, so that not all segments end at once.",
    ),
    _acting("segment.ms", _LONG, "log.roll.ms", "Age at which a new segment is begun.", minimum=1),
    _fixed(
        "file.delete.delay.ms", _LONG, "log.segment.delete.delay.ms", "0",
        "Files are removed at once: answers carry copies, so no reader has one open.",
    ),
    _fixed(
        "follower.replication.throttled.replicas", _LIST, "follower.replication.throttled.replicas", "",
        "There are no replicas.",
    ),
    _fixed(
        "leader.replication.throttled.replicas", _LIST, "leader.replication.throttled.replicas", "",
        "There are no replicas.",
    ),
    _fixed("local.retention.bytes", _LONG, "log.local.retention.bytes", "-2", "Nothing is tiered: retention.bytes."),
    _fixed("local.retention.ms", _LONG, "log.local.retention.ms", "-2", "Nothing is tiered: retention.ms."),
    _fixed("min.insync.replicas", _INT, "min.insync.replicas", "1", "There is one replica."),
    _fixed("remote.log.copy.disable", _BOOLEAN, "remote.log.copy.disable", "false", "Nothing is tiered."),
    _fixed("remote.log.delete.on.disable", _BOOLEAN, "remote.log.delete.on.disable", "false", "Nothing is tiered."),
    _fixed("remote.storage.enable", _BOOLEAN, "remote.storage.enable", "false", "Nothing is tiered."),
    _fixed(
        "unclean.leader.election.enable", _BOOLEAN, "unclean.leader.election.enable", "false",
        "There is one replica, and it is the leader.",
    ),
)  # fmt: skip


class Operation(IntEnum):
    """IncrementalAlterConfigs' ``config_operation``."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class Change(NamedTuple):
    """One change of one setting; ``value`` does not matter to DELETE."""

    name: str
    operation: Operation
    value: str | None


def check_settings(settings: Mapping[str, str | None]) -> dict[str, str]:
    """Check a topic's overrides; a null value means the default and is dropped, as is a fixed one.

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
        setting = setting_of(name)
        parse(setting, text)
        if not setting.is_read_only:
            kept[name] = text
    return kept


def check_together(config: LogConfig) -> None:
    """Check what no setting can be checked for alone. Raises BrokerError ``INVALID_CONFIG``."""
    if config.min_compaction_lag_ms > config.max_compaction_lag_ms:
        raise BrokerError(
            ErrorCode.INVALID_CONFIG,
            f"min.compaction.lag.ms {config.min_compaction_lag_ms} is above max.compaction.lag.ms "
            f"{config.max_compaction_lag_ms}",
        )


def apply_changes(
    overrides: Mapping[str, str], changes: Iterable[Change], current: Callable[[str], str]
) -> dict[str, str | None]:
    """The overrides after ``changes`` (not checked yet; None removes one).

    Arguments:
        overrides: as they are.
        changes: each setting at most once.
        current: the text in force for a setting, which APPEND and SUBTRACT begin with where there is no override.

    Raises:
        BrokerError: ``INVALID_CONFIG`` for a list operation on what is no list, ``INVALID_REQUEST`` for a null value.
    """
    changed: dict[str, str | None] = dict(overrides)
    for name, operation, value in changes:
        if operation is Operation.DELETE:
            changed.pop(name, None)
            continue
        if value is None:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"{operation.name} of {name} needs a value")
        if operation is Operation.SET:
            changed[name] = value
            continue
        setting = setting_of(name)
        if setting.type is not ConfigType.LIST:
            raise BrokerError(
                ErrorCode.INVALID_CONFIG, f"{operation.name}: {name} is no list but a {setting.type.name.lower()}"
            )
        words = _words(overrides.get(name, current(name)))
        given = _words(value)
        if operation is Operation.APPEND:
            words = (*words, *(word for word in given if word not in words))
        else:
            words = tuple(word for word in words if word not in given)
        changed[name] = ",".join(words)
    return changed


def log_config(defaults: LogConfig, overrides: Mapping[str, str]) -> LogConfig:
    """``defaults`` with checked ``overrides``; texts that are fixed or no longer known have no effect."""
    fields: dict[str, Any] = {}
    for name, text in overrides.items():
        setting = TOPIC_SETTINGS.get(name)
        if setting is not None and setting.log_field is not None:
            value = parse(setting, text)
            fields[setting.log_field] = frozenset(value) if setting.type is ConfigType.LIST else value
    return replace(defaults, **fields) if fields else defaults


def text_of(setting: TopicSetting, config: LogConfig) -> str:
    """The value in ``config`` as Kafka writes it."""
    if setting.log_field is None:
        return setting.fixed
    value = getattr(config, setting.log_field)
    if setting.type is ConfigType.LIST:
        return ",".join(sorted(value))
    return str(value).lower() if setting.type is ConfigType.BOOLEAN else str(value)


def setting_of(name: str) -> TopicSetting:
    """The setting called ``name``; raises BrokerError ``INVALID_CONFIG``."""
    setting = TOPIC_SETTINGS.get(name)
    if setting is None:
        raise BrokerError(ErrorCode.INVALID_CONFIG, f"unknown topic setting {name!r}")
    return setting


def parse(setting: Setting, text: str) -> Any:
    """The value that ``text`` stands for; raises BrokerError ``INVALID_CONFIG``, naming the setting."""
    try:
        value = _PARSERS[setting.type](text)
    except ValueError:
        raise _invalid(setting, text, f"is no {setting.type.name.lower()}") from None
    if setting.type in _LIMITS:
        highest = min(setting.maximum, _LIMITS[setting.type])
        if not setting.minimum <= value <= highest:
            raise _invalid(setting, text, f"is not from {setting.minimum} to {highest}")
    words = value if setting.type is ConfigType.LIST else (value,)
    if setting.allowed and not (words and set(words) <= set(setting.allowed)):
        raise _invalid(setting, text, f"is not among {', '.join(setting.allowed)}")
    if setting.is_read_only and text.strip().lower() != setting.fixed:
        raise _invalid(setting, text, f"cannot be, it is always {setting.fixed!r}. {setting.meaning}")
    return value


def _invalid(setting: Setting, text: str, reason: str) -> BrokerError:
    return BrokerError(ErrorCode.INVALID_CONFIG, f"setting {setting.name}: {text!r} {reason}")


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
_LIMITS: Final[Mapping[ConfigType, float]] = {
    ConfigType.INT: INT_MAX,
    ConfigType.LONG: LONG_MAX,
    ConfigType.DOUBLE: math.inf,
}
