"""Which settings are in force, where they come from, and changing them: topics' and the broker's.

Kafka's order of precedence: a topic's own, this broker's, the cluster's, those of the start, the default. A change is
durable in the catalog before it acts, and then acts at once on the open logs. It is not refused on a full disk:
shortening retention is the way out of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import NamedTuple

from broker_core.broker_config import (
    CLUSTER,
    LOG_SETTINGS,
    START_SETTINGS,
    as_topic_settings,
    check_broker_settings,
)
from broker_core.catalog import INTERNAL_TOPICS, Catalog, Topic
from broker_core.config import BrokerConfig, LogConfig
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.partitions import Partitions
from broker_core.topic_config import (
    TOPIC_SETTINGS,
    Change,
    Operation,
    TopicSetting,
    apply_changes,
    check_settings,
    check_together,
    log_config,
    text_of,
)


class Source(IntEnum):
    """DescribeConfigs' ``config_source``."""

    TOPIC = 1
    BROKER = 2
    CLUSTER = 3
    START = 4
    DEFAULT = 5


class Origin(NamedTuple):
    """One place that gives a setting a value; ``name`` is what it is called there."""

    name: str
    value: str
    source: Source


class Settings:
    """The settings of one broker and its topics.

    Arguments:
        config: as the broker was started.
        catalog: keeps what is changed.
        partitions: the logs that changes act on.
    """

    def __init__(self, config: BrokerConfig, catalog: Catalog, partitions: Partitions) -> None:
        self._config = config
        self._catalog = catalog
        self._partitions = partitions

    # -- what is in force

    def log_config(self, topic: Topic) -> LogConfig:
        """The settings of the topic's logs."""
        return self._log_config(topic.configs, self._dynamic, has_gaps=topic.has_gaps)

    def new_log_config(self, overrides: Mapping[str, str]) -> LogConfig:
        """The settings that the logs of a topic with these checked overrides would have."""
        return self._log_config(overrides, self._dynamic, has_gaps=False)

    def topic_origins(self, name: str, topic: Topic) -> tuple[Origin, ...]:
        """All values that a topic's setting is given somewhere; the first one is in force."""
        setting = TOPIC_SETTINGS[name]
        own = (Origin(name, topic.configs[name], Source.TOPIC),) if name in topic.configs else ()
        return (*own, *self._log_origins(setting))

    def broker_origins(self, name: str) -> tuple[Origin, ...]:
        """The same for a setting of the broker."""
        if name in START_SETTINGS:
            text, default = START_SETTINGS[name].text(self._config), START_SETTINGS[name].text(BrokerConfig())
            return _started(name, text, default)
        return self._log_origins(LOG_SETTINGS[name])

    @property
    def cluster_settings(self) -> Mapping[str, str]:
        """What was changed for the cluster."""
        return self._catalog.broker_configs.get(CLUSTER, {})

    # -- changing

    def replace_topic(self, name: str, settings: Mapping[str, str | None], *, validate_only: bool = False) -> None:
        """Give a topic exactly these overrides.

        Raises:
            BrokerError: no such topic, or a bad setting; nothing has changed.
            StorageError: the disk fails; nothing has changed.
        """
        topic = self._catalog.find(name)
        checked = check_settings(settings)
        if name in INTERNAL_TOPICS and checked.get("cleanup.policy") != "compact":
            raise BrokerError(ErrorCode.INVALID_CONFIG, f"{name} is the broker's own: its cleanup.policy stays compact")
        config = self.new_log_config(checked)
        check_together(config)
        if validate_only:
            return
        try:
            changed = self._catalog.alter(name, checked, has_gaps=topic.has_gaps or config.is_compacted)
        except OSError as error:
            raise StorageError(f"settings of topic {name!r} could not be written: {error}") from error
        self._partitions.configure([(changed, self.log_config(changed))])

    def change_topic(self, name: str, changes: Iterable[Change], *, validate_only: bool = False) -> None:
        """Change some overrides of a topic. Raises as ``replace_topic``."""
        topic = self._catalog.find(name)
        config = self.log_config(topic)
        changed = apply_changes(topic.configs, changes, lambda asked: text_of(TOPIC_SETTINGS[asked], config))
        self.replace_topic(name, changed, validate_only=validate_only)

    def replace_broker(self, name: str, settings: Mapping[str, str | None], *, validate_only: bool = False) -> None:
        """Give this broker, or the cluster (``""``), exactly these settings, for every topic without its own.

        Raises:
            BrokerError: no such broker, or a bad setting; nothing has changed.
            StorageError: the disk fails; nothing has changed.
        """
        if name not in (CLUSTER, self._broker_name):
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"the one broker is {self._broker_name}, not {name!r}")
        wanted = {**self._catalog.broker_configs, name: check_broker_settings(settings)}
        configs = {
            topic.name: self._log_config(topic.configs, wanted, has_gaps=topic.has_gaps)
            for topic in self._catalog.topics.values()
        }
        for config in (self._log_config({}, wanted, has_gaps=False), *configs.values()):
            check_together(config)
        if validate_only:
            return
        compacted = [topic for topic, config in configs.items() if config.is_compacted]
        try:
            self._catalog.alter_broker(wanted, with_gaps=compacted)
        except OSError as error:
            raise StorageError(f"settings of the broker could not be written: {error}") from error
        self._partitions.configure((topic, self.log_config(topic)) for topic in self._catalog.topics.values())

    def change_broker(self, name: str, changes: Iterable[Change], *, validate_only: bool = False) -> None:
        """Change some settings of the broker or the cluster. Raises as ``replace_broker``."""
        settings = self._catalog.broker_configs.get(name, {})
        changes = tuple(change for change in changes if not _removes_nothing(change))
        check_broker_settings({change.name: "" for change in changes if change.name not in LOG_SETTINGS})  # raises
        renamed = [change._replace(name=LOG_SETTINGS[change.name].name) for change in changes]
        config = self._log_config({}, self._dynamic, has_gaps=False)
        known = {LOG_SETTINGS[key].name: text for key, text in settings.items()}
        changed = apply_changes(known, renamed, lambda asked: text_of(TOPIC_SETTINGS[asked], config))
        self.replace_broker(
            name, {TOPIC_SETTINGS[key].broker_name: text for key, text in changed.items()}, validate_only=validate_only
        )

    # -- inside

    @property
    def _broker_name(self) -> str:
        return str(self._config.node_id)

    @property
    def _dynamic(self) -> Mapping[str, Mapping[str, str]]:
        return self._catalog.broker_configs

    def _log_config(
        self, overrides: Mapping[str, str], dynamic: Mapping[str, Mapping[str, str]], *, has_gaps: bool
    ) -> LogConfig:
        merged = {
            **as_topic_settings(dynamic.get(CLUSTER, {})),
            **as_topic_settings(dynamic.get(self._broker_name, {})),
            **overrides,
        }
        config = log_config(self._config.log, merged)
        return _with_gaps(config) if has_gaps and not config.has_gaps else config

    def _log_origins(self, setting: TopicSetting) -> tuple[Origin, ...]:
        name = setting.broker_name
        dynamic = [
            Origin(name, self._dynamic[owner][name], source)
            for owner, source in ((self._broker_name, Source.BROKER), (CLUSTER, Source.CLUSTER))
            if name in self._dynamic.get(owner, {})
        ]
        return (*dynamic, *_started(name, text_of(setting, self._config.log), text_of(setting, LogConfig())))


def _started(name: str, text: str, default: str) -> tuple[Origin, ...]:
    origin = Origin(name, default, Source.DEFAULT)
    return (origin,) if text == default else (Origin(name, text, Source.START), origin)


def _removes_nothing(change: Change) -> bool:
    """Whether it removes what cannot be there: kafka-reassign-partitions clears throttles that we do not know."""
    is_known = change.name in LOG_SETTINGS or change.name in START_SETTINGS
    return change.operation is Operation.DELETE and not is_known


def _with_gaps(config: LogConfig) -> LogConfig:
    return replace(config, has_gaps=True)
