"""Creating, growing and deleting topics: keeps catalog and logs in step.

The catalog is written first when a topic comes and when it goes, and the directories follow; ``Partitions.open`` makes
good what a crash left in between. Requests and their error shapes are the handlers'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker_core.catalog import INTERNAL_TOPICS, MAX_PARTITIONS, Catalog, Topic, check_topic_name
from broker_core.config import BrokerConfig
from broker_core.disk_guard import DiskGuard
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.model import CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC
from broker_core.partitions import Partitions
from broker_core.settings import Settings
from broker_core.topic_config import check_settings, check_together

DEFAULT_PARTITIONS: Final = -1
"""In a request: as many as the broker's setting says."""

_INTERNAL_SEGMENT_BYTES: Final = str(16 * 1024 * 1024)
"""An unclean start scans the last segment, and only sealed ones are compacted."""

_INTERNAL_SETTINGS: Final = {
    CONSUMER_OFFSETS_TOPIC: {
        "cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": _INTERNAL_SEGMENT_BYTES,
    },
    TRANSACTION_STATE_TOPIC: {
        "cleanup.policy": "compact", "compression.type": "uncompressed", "segment.bytes": _INTERNAL_SEGMENT_BYTES,
    },
}  # fmt: skip


class Topics:
    """The topics of one broker.

    Arguments:
        config: defaults of new topics.
        catalog: which topics there are.
        partitions: their logs.
        guard: refuses new topics while the disk is nearly full.
        settings: what is in force for a topic's logs.
    """

    def __init__(
        self, config: BrokerConfig, catalog: Catalog, partitions: Partitions, guard: DiskGuard, settings: Settings
    ) -> None:
        self._config = config
        self._catalog = catalog
        self._partitions = partitions
        self._guard = guard
        self._settings = settings

    def open(self, *, was_clean: bool, now_ms: int) -> None:
        """Open the logs of every topic in the catalog. Raises StorageError, OSError."""
        topics = self._catalog.topics.values()
        compacted = [topic.name for topic in topics if self._settings.log_config(topic).is_compacted]
        if any(not self._catalog.topics[name].has_gaps for name in compacted):  # the broker's default is another now
            self._catalog.alter_broker(self._catalog.broker_configs, with_gaps=compacted)
        self._open(was_clean=was_clean, now_ms=now_ms)

    def _open(self, *, was_clean: bool, now_ms: int) -> None:
        topics = [(topic, self._settings.log_config(topic)) for topic in self._catalog.topics.values()]
        self._partitions.open(topics, leader_epoch=self._catalog.leader_epoch, was_clean=was_clean, now_ms=now_ms)

    def check_new(self, name: str, partitions: int, configs: Mapping[str, str | None]) -> tuple[int, dict[str, str]]:
        """Whether a topic could be created; changes nothing.

        Returns:
            partition count and overrides that it would have.

        Raises:
            BrokerError: bad name, count or setting, or the topic exists.
        """
        check_topic_name(name)
        if name in self._catalog.topics:
            raise BrokerError(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name!r} exists already")
        if partitions == DEFAULT_PARTITIONS:
            partitions = self._config.num_partitions
        if not 0 < partitions <= MAX_PARTITIONS:
            raise BrokerError(
                ErrorCode.INVALID_PARTITIONS, f"{partitions} partitions; 1 to {MAX_PARTITIONS} are possible"
            )
        checked = check_settings(configs)
        check_together(self._settings.new_log_config(checked))
        return partitions, checked

    def create(self, name: str, partitions: int, configs: Mapping[str, str | None], now_ms: int) -> Topic:
        """Create a topic and its logs.

        Arguments:
            partitions: their number, or ``DEFAULT_PARTITIONS``.

        Raises:
            BrokerError: see ``check_new``.
            StorageError: the disk is full or fails; there is no such topic then.
        """
        return self.create_together({name: (partitions, configs)}, now_ms)[0]

    def create_together(
        self, wanted: Mapping[str, tuple[int, Mapping[str, str | None]]], now_ms: int
    ) -> tuple[Topic, ...]:
        """Create topics with one write of the catalog and shared syncs: all of them or none.

        Arguments:
            wanted: partition count (or ``DEFAULT_PARTITIONS``) and overrides by name.

        Raises:
            BrokerError: see ``check_new``, for the first topic that it is true of.
            StorageError: the disk is full or fails.
        """
        checked = {name: self.check_new(name, *settings) for name, settings in wanted.items()}
        self._guard.admit(0, now_ms)
        try:
            compacted = [
                name for name, (_, configs) in checked.items() if self._settings.new_log_config(configs).is_compacted
            ]
            topics = self._catalog.add(checked, with_gaps=compacted)
            try:
                self._partitions.create(
                    (topic, self._settings.log_config(topic), range(topic.partitions)) for topic in topics
                )
            except OSError:
                self._catalog.remove(*checked)
                raise
        except OSError as error:
            raise StorageError(f"topics {', '.join(wanted)} could not be created: {error}") from error
        return topics

    def create_automatically(self, name: str, now_ms: int) -> Topic:
        """Create a topic that somebody only mentioned, internal ones with their own settings. Raises as ``create``."""
        if name not in INTERNAL_TOPICS:
            return self.create(name, DEFAULT_PARTITIONS, {}, now_ms)
        offsets = name == CONSUMER_OFFSETS_TOPIC
        partitions = self._config.offsets_topic_partitions if offsets else self._config.transaction_topic_partitions
        return self.create(name, partitions, _INTERNAL_SETTINGS[name], now_ms)

    def grow(self, name: str, partitions: int, now_ms: int, *, validate_only: bool = False) -> None:
        """Add partitions to a topic until it has ``partitions``.

        Raises:
            BrokerError: no such topic, an internal one, or no increase.
            StorageError: the disk is full or fails.
        """
        topic = self._catalog.find(name)
        if topic.is_internal:
            raise BrokerError(
                ErrorCode.INVALID_REQUEST, f"the partitions of {name} are fixed: keys are assigned to them"
            )
        if not topic.partitions < partitions <= MAX_PARTITIONS:
            raise BrokerError(
                ErrorCode.INVALID_PARTITIONS,
                f"topic {name!r} has {topic.partitions} partitions, {partitions} is no increase up to {MAX_PARTITIONS}",
            )
        if validate_only:
            return
        self._guard.admit(0, now_ms)
        try:
            grown = self._catalog.grow(name, partitions)
            self._partitions.create([(grown, self._settings.log_config(grown), range(topic.partitions, partitions))])
        except OSError as error:
            raise StorageError(f"topic {name!r} could not be grown: {error}") from error

    def delete(self, name: str) -> None:
        """Delete a topic with everything in it.

        Raises:
            BrokerError: no such topic, or an internal one.
            StorageError: the disk fails.
        """
        topic = self._catalog.find(name)
        if topic.is_internal:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"{name} is the broker's own and cannot be deleted")
        try:
            self._catalog.remove(name)
            self._partitions.remove(name)
        except OSError as error:
            raise StorageError(f"topic {name!r} could not be deleted: {error}") from error
