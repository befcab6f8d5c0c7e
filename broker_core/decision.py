"""What a coordinator's decision looks like: records to append, a reply to release, things to do afterwards.

Values only. The deciding is ``group``'s and ``txn``'s, the doing is ``coordinator``'s. Nothing here has happened yet:
a decision that is thrown away changes nothing (Kafka's ``CoordinatorResult``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from broker_core.model import Offset, ProducerEpoch, ProducerId, TopicPartition


class CoordinatorRecord(NamedTuple):
    """One record of an internal topic; ``value`` None is a tombstone."""

    key: bytes
    value: bytes | None


class RecordOrigin(NamedTuple):
    """Where a replayed record stands; two records of one partition compare by ``offset``."""

    partition: int
    offset: Offset
    producer_id: ProducerId
    """The transaction the record belongs to, ``NO_PRODUCER_ID`` for a plain one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The end of a producer's transaction, as written into each partition that took part."""

    producer_id: ProducerId
    producer_epoch: ProducerEpoch
    coordinator_epoch: int
    commit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of one request.

    Attributes:
        reply: response body; ``None`` when nobody asked (timeouts, completions).
        partition: of the internal topic that ``records`` go to.
        records: appended in one batch, then replayed.
        needs: logs that must be synced up to their present end before the reply leaves; the log that took
            ``records`` is one of them unless ``acknowledge_at_once``.
    """

    reply: object = None
    partition: TopicPartition | None = None
    records: tuple[CoordinatorRecord, ...] = ()
