"""What a coordinator's decision looks like: records to append, logs to wait for, a reply, and the step after it.

Values only. The deciding is ``group``'s and ``txn``'s, the doing is ``coordinator``'s. A decision has changed
nothing durable: one that cannot be appended is dropped and the client told (Kafka's ``CoordinatorResult``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from broker_core.model import NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Offset, ProducerEpoch, ProducerId, TopicPartition


class CoordinatorRecord(NamedTuple):
    """One record of an internal topic; ``value`` None is a tombstone."""

    key: bytes
    value: bytes | None


class RecordOrigin(NamedTuple):
    """Where a replayed record stands; records of one partition compare by ``offset``."""

    partition: int
    offset: Offset
    producer_id: ProducerId = NO_PRODUCER_ID
    """The transaction the record belongs to, ``NO_PRODUCER_ID`` for a plain one."""


class Need(NamedTuple):
    """A log that must be synced up to ``offset``; None means its end right after the decision's records."""

    topic_partition: TopicPartition
    offset: Offset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The end of a producer's transaction, as written into each partition that took part."""

    producer_id: ProducerId
    producer_epoch: ProducerEpoch
    coordinator_epoch: int
    commit: bool


class RetryEpoch(NamedTuple):
    """Session state: the owner named ``epoch`` when it was given its present one, and may ask again with it."""

    transactional_id: str
    epoch: ProducerEpoch


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareTransaction:
    """Append Prepare* now that what the transaction wrote is synced (end of wave 1)."""

    transactional_id: str
    commit: bool
    client_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteMarkers:
    """Write the markers of a transaction whose Prepare* is synced (end of wave 2)."""

    transactional_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTransaction:
    """Append Complete* now that the markers are synced (end of wave 3)."""

    transactional_id: str


class GroupAnswer(NamedTuple):
    """A response to a request of a group's member, under the token of that request."""

    token: int
    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentStored:
    """A group's assignment is on disk: make the group stable, answer all who sent SyncGroup."""

    group_id: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStored:
    """A static member's new id is on disk: ``answer`` its JoinGroup, if nothing else did meanwhile."""

    group_id: str
    member_id: str
    answer: GroupAnswer


GroupStep: TypeAlias = AssignmentStored | MemberStored
NextStep: TypeAlias = PrepareTransaction | WriteMarkers | CompleteTransaction | GroupStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of one request or one step.

    Attributes:
        partition: of an internal topic; where ``records`` go, as one batch, which is replayed once appended.
        records: may be empty.
        producer_id, producer_epoch: of the transaction that the batch belongs to, if it is a transactional one.
        needs: what must be synced before the reply leaves and ``then`` is taken.
        reply: response body; ``None`` when nobody asked, or when the reply comes from ``then``.
        answers: to members of a group, parked requests among them. They leave with ``reply``; and they leave if the
            records could not be written, since the group has moved on all the same.
        then: the step after ``needs`` are met.
        retry_epoch: to be remembered once the records are replayed.
    """

    partition: TopicPartition | None = None
    records: tuple[CoordinatorRecord, ...] = ()
    producer_id: ProducerId = NO_PRODUCER_ID
    producer_epoch: ProducerEpoch = NO_PRODUCER_EPOCH
    needs: tuple[Need, ...] = ()
    reply: object = None
    answers: tuple[GroupAnswer, ...] = ()
    then: NextStep | None = None
    retry_epoch: RetryEpoch | None = None
