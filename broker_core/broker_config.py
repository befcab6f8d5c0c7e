"""The broker's settings by Kafka's names: which there are, what they are, and which may change while it runs. PURE.

What a topic goes by without a setting of its own may be changed at run time, for this broker or for the cluster (the
same here, but clients tell them apart). The rest is as the broker was started.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Final

from broker_core.config import BrokerConfig, Durability
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
    """A setting that is given when the broker is started, and stays.

    Arguments:
        name: Kafka's; where Kafka has no such setting, ours in its manner.
        type: how the text is read.
        meaning: for people, in one sentence.
        field: where ``BrokerConfig`` has it, such as ``server.max_connections``; None where it is ``fixed``.
        fixed: the one value that it has here.
        allowed, minimum, maximum: as ``TopicSetting``'s.
    """

    name: str
    type: ConfigType
    meaning: str
    field: str | None = None
    fixed: str = ""
    allowed: tuple[str, ...] = ()
    minimum: float = 0
    maximum: float = math.inf

    @property
    def is_read_only(self) -> bool:
        """Whether it can be named, but not be given another value."""
        return self.field is None

    def text(self, config: BrokerConfig) -> str:
        """The value in ``config`` as Kafka writes it."""
        if self.field is None:
            return self.fixed
        if self.name in _LISTENERS:
            host, port = (attrgetter(field)(config) for field in _LISTENERS[self.name])
            return f"PLAINTEXT://{f'[{host}]' if ':' in host else host}:{port}"
        value = attrgetter(self.field)(config)
        if isinstance(value, Enum):
            return str(value.value)
        return str(value).lower() if self.type is ConfigType.BOOLEAN else str(value)


_LISTENERS: Final = {
    "listeners": ("server.listen_host", "server.listen_port"),
    "advertised.listeners": ("advertised_host", "advertised_port"),
}

_INT, _LONG, _BOOLEAN, _STRING = ConfigType.INT, ConfigType.LONG, ConfigType.BOOLEAN, ConfigType.STRING


def _given(name: str, kind: ConfigType, field: str, meaning: str, **limits: Any) -> StartSetting:
    return StartSetting(name=name, type=kind, field=field, meaning=meaning, **limits)


def _fixed(name: str, kind: ConfigType, value: str, meaning: str) -> StartSetting:
    return StartSetting(name=name, type=kind, fixed=value, meaning=meaning)


def _by_name(*settings: StartSetting) -> dict[str, StartSetting]:
    return {setting.name: setting for setting in sorted(settings, key=lambda setting: setting.name)}


START_SETTINGS: Final[Mapping[str, StartSetting]] = _by_name(
    # -- where it listens, and what it takes
    _given(
        "listeners", _STRING, "server.listen_host",
        "Where to listen: host:port, no host for all interfaces, port 0 for a free one. One listener, without TLS.",
    ),
    _given(
        "advertised.listeners", _STRING, "advertised_host",
        "host:port that clients are told to connect to; without, where it listens.",
    ),
    _given("node.id", _INT, "node_id", "This broker's number in what clients are told."),
    _given("broker.id", _INT, "node_id", "The older name of node.id."),
    _given("log.dirs", _STRING, "log_dirs", "The data directory; there is one."),
    _given(
        "socket.request.max.bytes", _INT, "server.socket_request_max_bytes",
        "The longest request that is taken; a connection that announces a longer one is closed.", minimum=1024,
    ),
    _given(
        "max.connections", _INT, "server.max_connections", "One more is closed at once.", minimum=1,
    ),
    _given(
        "queued.max.request.bytes", _LONG, "server.queued_max_request_bytes",
        "Bytes of requests read and in work and of answers not yet taken, over all connections; above it nothing new "
        "is read.", minimum=1024,
    ),
    _given(
        "connections.max.idle.ms", _LONG, "server.connections_max_idle_ms",
        "A connection on which nothing moves and nothing is in work for so long is closed.", minimum=1,
    ),
    _given("fetch.max.bytes", _INT, "fetch_max_bytes", "The most that one answer to a fetch carries.", minimum=1024),
    _given(
        "max.incremental.fetch.session.cache.slots", _INT, "fetch_session_slots",
        "Fetch sessions at a time; clients beyond them send whole requests.",
    ),
    # -- topics
    _given(
        "auto.create.topics.enable", _BOOLEAN, "auto_create_topics",
        "Whether a topic comes into being when a client first asks for it.",
    ),
    _given("num.partitions", _INT, "num_partitions", "Partitions of a topic that is made without saying.", minimum=1),
    _fixed("default.replication.factor", _INT, "1", "There is one broker."),
    _fixed("log.cleaner.enable", _BOOLEAN, "true", "Compacted topics are compacted."),
    # -- durability
    _given(
        "durability", _STRING, "durability",
        "When an append is acknowledged: synced, interval (synced every sync.interval.ms), none. Not of Kafka.",
        allowed=tuple(durability.value for durability in Durability),
    ),
    _given(
        "sync.interval.ms", _INT, "sync_interval_ms", "With durability interval: how often. Not of Kafka.", minimum=1
    ),
    _given(
        "min.free.bytes", _LONG, "min_free_bytes",
        "Writes are refused while the disk has less room than this. Not of Kafka.",
    ),
    # -- groups and transactions
    _given(
        "group.initial.rebalance.delay.ms", _INT, "group_initial_rebalance_delay_ms",
        "How long an empty group waits for more members once the first has come.",
    ),
    _given(
        "group.min.session.timeout.ms", _INT, "group_min_session_timeout_ms",
        "The shortest session timeout that a member may ask for.", minimum=1,
    ),
    _given(
        "group.max.session.timeout.ms", _INT, "group_max_session_timeout_ms",
        "The longest session timeout that a member may ask for.", minimum=1,
    ),
    _given("group.max.size", _INT, "group_max_size", "The most members that a group may have.", minimum=1),
    _given(
        "offsets.retention.minutes", _INT, "offsets_retention_minutes",
        "How long a group keeps offsets after it lost its members, or its topic; negative for ever.", minimum=-1,
    ),
    _given(
        "offsets.retention.check.interval.ms", _LONG, "offsets_retention_check_interval_ms",
        "How often old offsets are looked for.", minimum=1,
    ),
    _given(
        "offsets.topic.num.partitions", _INT, "offsets_topic_partitions", "Partitions of __consumer_offsets.", minimum=1
    ),
    _fixed("offsets.topic.replication.factor", _INT, "1", "There is one broker."),
    _given(
        "transaction.max.timeout.ms", _INT, "transaction_max_timeout_ms",
        "The longest transaction timeout that a producer may ask for.", minimum=1,
    ),
    _given(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms", _INT, "transaction_scan_interval_ms",
        "How often transactions that took too long are looked for.", minimum=1,
    ),
    _given(
        "transaction.state.log.num.partitions", _INT, "transaction_topic_partitions",
        "Partitions of __transaction_state.", minimum=1,
    ),
    _given(
        "transactional.id.expiration.ms", _LONG, "transactional_id_expiration_ms",
        "How long a transactional id is known after its last use; negative for ever.", minimum=-1,
    ),
    _given(
        "transaction.remove.expired.transaction.cleanup.interval.ms", _LONG, "transactional_id_check_interval_ms",
        "How often old transactional ids are looked for.", minimum=1,
    ),
    _fixed("transaction.state.log.replication.factor", _INT, "1", "There is one broker."),
    _fixed("transaction.state.log.min.isr", _INT, "1", "There is one broker."),
)  # fmt: skip
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
