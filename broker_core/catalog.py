"""The catalog: which topics there are, with ids, partition counts and settings, and numbers never to be given twice.

One small file, ``catalog``, replaced as a whole with every change (format: docs/formats/catalog.md). A change is
durable before anybody sees it. Logs, directories and internal topics' contents are not its business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import google_crc32c

from broker_core.config import MAX_TOPIC_NAME_LENGTH
from broker_core.data_directory import LOGS_PATH
from broker_core.errors import BrokerError, DataDirectoryError, ErrorCode, StorageError
from broker_core.model import CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, LeaderEpoch, ProducerId
from broker_core.ports import Filesystem, Random

CATALOG_PATH: Final = "catalog"
CATALOG_VERSION: Final = 2
PRODUCER_ID_BLOCK: Final = 1_000
"""Producer ids claimed by one write of the catalog; an unclean stop wastes the rest of the block, as in Kafka."""
MAX_PARTITIONS: Final = 10_000
"""Partitions of one topic: a limit against typing errors, each costs files and memory."""
INTERNAL_TOPICS: Final = frozenset({CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC})

_MAGIC: Final = "streams-catalog"
_NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as the catalog knows it; ``configs`` holds the overrides only.

    ``has_gaps``: it is or was compacted, so that its logs may lack offsets for ever.
    """

    name: str
    id: UUID
    partitions: int
    configs: Mapping[str, str] = field(default_factory=dict)
    has_gaps: bool = False

    @property
    def is_internal(self) -> bool:
        return self.name in INTERNAL_TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogState:
    """All that the file holds.

    Arguments:
        cluster_id: made once, told to clients.
        starts: how often the broker was opened; the leader epoch of every partition in this run.
        next_producer_id: the first id that no block has claimed.
        topics: by name.
        broker_configs: settings changed at run time, by the broker's id as text, and for the cluster by "".
    """

    cluster_id: str
    starts: int = 0
    next_producer_id: ProducerId = 0
    topics: Mapping[str, Topic] = field(default_factory=dict)
    broker_configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def encode_catalog(state: CatalogState) -> bytes:
    """The file's bytes: a line with magic, version, CRC-32C and length, then JSON."""
    topics = [
        {
            "name": topic.name,
            "id": topic.id.hex,
            "partitions": topic.partitions,
            "configs": dict(topic.configs),
            "has_gaps": topic.has_gaps,
        }
        for _, topic in sorted(state.topics.items())
    ]
    document = {
        "cluster_id": state.cluster_id,
        "starts": state.starts,
        "next_producer_id": state.next_producer_id,
        "broker_configs": {owner: dict(configs) for owner, configs in sorted(state.broker_configs.items())},
        "topics": topics,
    }
    body = json.dumps(document, indent=1, ensure_ascii=False).encode()
    head = f"{_MAGIC} {CATALOG_VERSION} {google_crc32c.value(body):08x} {len(body)}\n"
    return head.encode() + body


def decode_catalog(data: bytes) -> CatalogState:
    """The twin of ``encode_catalog``.

    Raises:
        DataDirectoryError: written by a newer version.
        StorageError: damaged; the message says where.
    """
    head, _, body = data.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ")
    if len(words) < 2 or words[0] != _MAGIC or not words[1].isdigit():
        raise StorageError(f"{CATALOG_PATH}: byte 0 does not begin a catalog; restore the file from a backup")
    if int(words[1]) > CATALOG_VERSION:
        raise DataDirectoryError(
            f"{CATALOG_PATH}: written in version {words[1]}, this program knows up to {CATALOG_VERSION}; "
            "use the newer program"
        )
    if words[2:] != [f"{google_crc32c.value(body):08x}", str(len(body))]:
        raise StorageError(
            f"{CATALOG_PATH}: length or checksum of the {len(body)} bytes from byte {len(head) + 1} is wrong; "
            "restore the file from a backup"
        )
    document: dict[str, Any] = json.loads(body)
    topics = (
        Topic(
            name=entry["name"],
            id=UUID(hex=entry["id"]),
            partitions=entry["partitions"],
            configs=entry["configs"],
            # Version 1 did not say; a log that may have gaps and has none only loses a check.
            has_gaps=entry.get("has_gaps", True),
        )
        for entry in document["topics"]
    )
    return CatalogState(
        cluster_id=document["cluster_id"],
        starts=document["starts"],
        next_producer_id=document["next_producer_id"],
        topics={topic.name: topic for topic in topics},
        broker_configs=document.get("broker_configs", {}),
    )


def check_topic_name(name: str) -> None:
    """Kafka's rule for topic names.

    Raises:
        BrokerError: ``INVALID_TOPIC_EXCEPTION``, saying what is wrong.
    """
    if not name or name in (".", "..") or len(name) > MAX_TOPIC_NAME_LENGTH or not _NAME.fullmatch(name):
        raise BrokerError(
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            f"topic name {name!r}: 1 to {MAX_TOPIC_NAME_LENGTH} of the characters a-z, A-Z, 0-9, '.', '_' and '-', "
            "and neither '.' nor '..'",
        )


class Catalog:
    """The topics of one data directory. Every method that changes something returns after it is durable.

    Arguments:
        filesystem: the data directory.
        random: makes ids.
    """

    def __init__(self, filesystem: Filesystem, random: Random) -> None:
        self._filesystem = filesystem
        self._random = random
        self._state = CatalogState(cluster_id="")
        self._producer_ids = range(0)
        self.topics: Mapping[str, Topic] = {}
        self.topics_by_id: Mapping[UUID, Topic] = {}

    def load(self, cluster_id: str = "") -> None:
        """Read the file, or begin a new one, and count this start.

        Arguments:
            cluster_id: for a new catalog; made from ``random`` when empty.

        Raises:
            StorageError: the file is damaged, of a newer version, or missing although there are logs.
        """
        if self._filesystem.exists(CATALOG_PATH):
            state = decode_catalog(self._filesystem.read_file(CATALOG_PATH))
        elif self._filesystem.list_directory(LOGS_PATH):  # all of them would belong to no topic, and be removed
            raise StorageError(
                f"{CATALOG_PATH}: missing, but there are logs in {LOGS_PATH!r}; restore the file from a backup"
            )
        else:
            state = CatalogState(cluster_id=cluster_id or f"{self._random.getrandbits(128):032x}")
        self._store(replace(state, starts=state.starts + 1))

    @property
    def cluster_id(self) -> str:
        return self._state.cluster_id

    @property
    def leader_epoch(self) -> LeaderEpoch:
        """Of every partition in this run: never lower than any epoch a client has seen, even if the log was empty."""
        return self._state.starts

    def find(self, name: str) -> Topic:
        """The topic called ``name``; raises BrokerError ``UNKNOWN_TOPIC_OR_PARTITION``."""
        topic = self.topics.get(name)
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name!r}")
        return topic

    def find_by_id(self, topic_id: UUID) -> Topic:
        """The topic with this id; raises BrokerError ``UNKNOWN_TOPIC_ID``."""
        topic = self.topics_by_id.get(topic_id)
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID, f"there is no topic with id {topic_id}")
        return topic

    @property
    def broker_configs(self) -> Mapping[str, Mapping[str, str]]:
        """Settings changed at run time, by the broker's id as text, and for the cluster by ""."""
        return self._state.broker_configs

    def add(
        self, wanted: Mapping[str, tuple[int, Mapping[str, str]]], *, with_gaps: Collection[str] = ()
    ) -> tuple[Topic, ...]:
        """Add topics with one write; they are checked already and their names are free.

        Arguments:
            wanted: partition count and overrides by name.
            with_gaps: names of those that are compacted.

        Raises:
            OSError: nothing changed.
        """
        added = []
        for name, (partitions, configs) in wanted.items():
            assert name not in self.topics and 0 < partitions <= MAX_PARTITIONS
            added.append(
                Topic(
                    name=name,
                    id=self._new_id(),
                    partitions=partitions,
                    configs=dict(configs),
                    has_gaps=name in with_gaps,
                )
            )
        self._store_topics({**self.topics, **{topic.name: topic for topic in added}})
        return tuple(added)

    def grow(self, name: str, partitions: int) -> Topic:
        """Raise the partition count of a topic. Raises OSError: nothing changed."""
        assert self.topics[name].partitions < partitions <= MAX_PARTITIONS
        topic = replace(self.topics[name], partitions=partitions)
        self._store_topics({**self.topics, name: topic})
        return topic

    def alter(self, name: str, configs: Mapping[str, str], *, has_gaps: bool) -> Topic:
        """Replace the overrides of a topic. Raises OSError: nothing changed."""
        topic = replace(self.topics[name], configs=dict(configs), has_gaps=has_gaps)
        self._store_topics({**self.topics, name: topic})
        return topic

    def alter_broker(self, configs: Mapping[str, Mapping[str, str]], *, with_gaps: Collection[str] = ()) -> None:
        """Replace the settings changed at run time; ``with_gaps`` are compacted then. Raises OSError."""
        topics = {
            name: replace(topic, has_gaps=topic.has_gaps or name in with_gaps) for name, topic in self.topics.items()
        }
        kept = {owner: dict(settings) for owner, settings in configs.items() if settings}
        self._store(replace(self._state, broker_configs=kept, topics=topics))

    def remove(self, *names: str) -> None:
        """Forget topics; their logs are the caller's to remove afterwards. Raises OSError: nothing changed."""
        self._store_topics({name: topic for name, topic in self.topics.items() if name not in names})

    def next_producer_id(self) -> ProducerId:
        """A producer id that was never given out, by blocks of ``PRODUCER_ID_BLOCK``. Raises StorageError."""
        if not self._producer_ids:
            first = self._state.next_producer_id
            try:
                self._store(replace(self._state, next_producer_id=first + PRODUCER_ID_BLOCK))
            except OSError as error:
                raise StorageError(f"no new producer id: {CATALOG_PATH} could not be written ({error})") from error
            self._producer_ids = range(first, first + PRODUCER_ID_BLOCK)
        producer_id = self._producer_ids[0]
        self._producer_ids = self._producer_ids[1:]
        return producer_id

    def _new_id(self) -> UUID:
        while True:
            topic_id = UUID(int=self._random.getrandbits(128), version=4)
            if topic_id not in self.topics_by_id:
                return topic_id

    def _store_topics(self, topics: Mapping[str, Topic]) -> None:
        self._store(replace(self._state, topics=topics))

    def _store(self, state: CatalogState) -> None:
        self._filesystem.replace_file(CATALOG_PATH, encode_catalog(state))
        self._state = state
        self.topics = state.topics
        self.topics_by_id = {topic.id: topic for topic in state.topics.values()}
