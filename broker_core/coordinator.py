"""The one driver of both coordinators: decide, append, replay, release replies, write markers, arm timers.

Owns what the coordinators do to the world: it carries decisions out, one step after the other, and keeps what waits
for a sync. The decisions are ``group``'s and ``txn``'s; nothing here decides for them, and nothing here knows a file.
The three sync waves of a transaction's end are told in docs/decisions/0002-sync-waves.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final, TypeAlias

from broker_core.config import BrokerConfig
from broker_core.coordinator_expiry import Expiry
from broker_core.coordinator_journal import CoordinatorLogs, Journal
from broker_core.coordinator_requests import (
    ABORTABLE_SINCE_PRODUCE,
    ABORTABLE_SINCE_TXN_OFFSET_COMMIT,
    abortable,
    refuse,
    refuse_unknown_partitions,
)
from broker_core.coordinator_steps import Steps
from broker_core.coordinator_waits import Caller, Wait
from broker_core.decision import Decision, Need, WriteMarkers
from broker_core.errors import ErrorCode, StorageError
from broker_core.group.commit import (
    decide_forget,
    decide_transactional_commit,
    refuse_transactional_commit,
)
from broker_core.group.find import Address, find_coordinator
from broker_core.group.groups import Groups, MemberRequest
from broker_core.group.joining import Client
from broker_core.group.membership import MembershipTable
from broker_core.group.requests import GroupRequest, decide_group
from broker_core.group.session import Ticket
from broker_core.group.table import OffsetTable
from broker_core.model import TRANSACTION_STATE_TOPIC, Offset, ProducerEpoch, ProducerId, TopicPartition
from broker_core.ports import NullObserver, Observer, Random
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.find_coordinator import FindCoordinatorRequest
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.protocol.txn_offset_commit import TxnOffsetCommitRequest
from broker_core.txn.adding import (
    check_append,
    decide_add_offsets,
    decide_add_partitions,
    decide_implicit_add,
    requested_partitions,
)
from broker_core.txn.ending import decide_end, fence, timed_out
from broker_core.txn.init_producer import decide_init_producer
from broker_core.txn.orphans import OpenTransaction, abort_marker, recovery_plan
from broker_core.txn.refusals import refusal
from broker_core.txn.table import TransactionTable

__all__ = ["Coordinator", "CoordinatorLogs", "CoordinatorReply", "ReleasedReply", "Waiting"]

ANONYMOUS: Final = Client()
IMPLICIT_ADD_SINCE_PRODUCE: Final = 12
IMPLICIT_ADD_SINCE_TXN_OFFSET_COMMIT: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorReply:
    """The response body, ready to be sent."""

    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The reply waits for a sync; it comes out of ``on_synced``, ``on_failed`` or ``tick`` under this token."""

    token: int


Submitted: TypeAlias = CoordinatorReply | Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedReply:
    """A reply that waited and may now be sent."""

    token: int
    body: object


class Coordinator:
    """Groups, their offsets, and transactions of one broker.

    Life: construct; ``load`` every partition of both internal topics; ``recover`` once; then ``submit``. The internal
    topics exist before anything is submitted that needs them.

    Arguments:
        config: partition counts of the internal topics, transaction limits, advertised address.
        logs: the partition logs.
        allocate_producer_id: returns a producer id never returned before, durably so (a block in the catalog).
        random: makes member ids.
        observer: hears ``txn.*`` events.
        two_waves: append Prepare* only after the transaction's data is synced. ``False`` is WRONG and exists for one
            test, which shows that a single wave loses committed data when the power fails.
    """

    def __init__(
        self,
        config: BrokerConfig,
        logs: CoordinatorLogs,
        allocate_producer_id: Callable[[], ProducerId],
        random: Random,
        observer: Observer | None = None,
        *,
        two_waves: bool = True,
    ) -> None:
        self._config = config
        self._logs = logs
        self._allocate_producer_id = allocate_producer_id
        self._observer = observer or NullObserver()
        self.transactions = TransactionTable(config.transaction_topic_partitions)
        self.offsets = OffsetTable(config.offsets_topic_partitions)
        self.groups = Groups(config, MembershipTable(), random)
        self.journal = Journal(logs, self.transactions, self.offsets, self.groups.memberships)
        self._steps = Steps(
            logs,
            self.journal,
            self.transactions,
            self.groups,
            self._observer,
            allocate_producer_id=allocate_producer_id,
            two_waves=two_waves,
        )
        self._next_scan_ms: int | None = None
        self._expiry = Expiry(config, self.offsets, self.transactions, self.groups, self._observer)
        self._last_token = 0

    def load(self, topic_partition: TopicPartition, records: bytes) -> None:
        """Replay whole batches (markers included) of one internal partition; call in offset order, any chunking.

        Raises ``StorageError``, naming partition and offset, for a record that cannot be read.
        """
        self.journal.load(topic_partition, records)

    def recover(
        self, open_transactions: Iterable[tuple[TopicPartition, ProducerId, ProducerEpoch]], now_ms: int
    ) -> None:
        """Finish what the last run left: markers of Prepare* transactions, aborts of orphaned open ones, timers.

        Offsets of topics that are gone are forgotten, so the catalog must be there.

        Arguments:
            open_transactions: every open transaction of every partition log (data and internal ones).
        """
        self.groups.load(now_ms)
        plan = recovery_plan(self.transactions, (OpenTransaction(*found) for found in open_transactions))
        for name in plan.prepared:
            # After kill -9 the log may end in bytes that are not on disk yet: no marker before its Prepare* is.
            needs = self.journal.resolve((Need(self.transactions.log_partition(name)),))
            self._steps.waits.add(Wait(needs=needs, then=WriteMarkers(transactional_id=name)))
        for name, partitions in plan.fenced:
            self._steps.fence_orphans(name, partitions, now_ms)
        epoch = _newest_epoch(self._logs, self._config.transaction_topic_partitions)
        for found in plan.unowned:
            self._steps.write_markers(abort_marker(found, epoch), (found.topic_partition,), now_ms)
        if plan.fenced or plan.unowned:
            self._observer.event("txn.orphans_aborted", fenced=len(plan.fenced), unowned=len(plan.unowned))
        for decision in decide_forget(self.offsets, lambda topic: not self._logs.has_topic(topic)):
            self._steps.carry_out(decision, None, now_ms)
        self._proceed(now_ms)

    def submit(self, body: object, api_version: int, now_ms: int, client: Client = ANONYMOUS) -> Submitted:
        """Handle one request body.

        Takes what ``coordinator_requests.CoordinatorRequest`` names; a refusal is a reply with its error code, never an
        exception. Replies to others may have become ready with it: ``take_released``.

        Arguments:
            client: who sends it, as groups show their members.
        """
        self._last_token = token = self._last_token + 1
        caller: Caller | None = Caller(token=token, request=body, api_version=api_version)
        try:
            if isinstance(body, MemberRequest):
                decision = self.groups.decide(body, Ticket(token, api_version), client, now_ms)
                caller = None  # a group answers by tickets, whoever asked
            else:
                decision = self._decide(body, api_version, now_ms)
        except StorageError as error:  # no producer id to be had
            self._observer.event("request.refused", api=type(body).__name__, reason=str(error))
            decision = Decision(reply=refuse(body, ErrorCode.KAFKA_STORAGE_ERROR, api_version))
        self._steps.carry_out(decision, caller, now_ms)
        self._proceed(now_ms)
        if token in self._steps.released:
            return CoordinatorReply(body=self._steps.released.pop(token))
        return Waiting(token=token)

    def _decide(self, body: object, api_version: int, now_ms: int) -> Decision:
        match body:
            case InitProducerIdRequest():
                return decide_init_producer(
                    self.transactions,
                    body,
                    api_version,
                    now_ms,
                    max_timeout_ms=self._config.transaction_max_timeout_ms,
                    allocate_producer_id=self._allocate_producer_id,
                )
            case AddPartitionsToTxnRequest():
                asked = requested_partitions(body)
                unknown = frozenset(each for each in asked if self._logs.end_offset(each) is None)
                if unknown:
                    return Decision(reply=refuse_unknown_partitions(body, unknown))
                return decide_add_partitions(self.transactions, body, api_version, now_ms)
            case AddOffsetsToTxnRequest():
                if not body.group_id:
                    return Decision(reply=refusal(body, ErrorCode.INVALID_GROUP_ID, api_version))
                log = self.offsets.log_partition(body.group_id)
                return decide_add_offsets(self.transactions, body, api_version, now_ms, log)
            case EndTxnRequest():
                return decide_end(self.transactions, body, api_version, now_ms)
            case TxnOffsetCommitRequest():
                code = self._admit_offsets(body, api_version, now_ms)
                if code is not ErrorCode.NONE:
                    return Decision(reply=refuse_transactional_commit(body, code))
                return decide_transactional_commit(self.offsets, self.groups, body, now_ms, self._logs.has_topic)
            case FindCoordinatorRequest():
                return Decision(reply=find_coordinator(body, api_version, Address.of(self._config)))
        if isinstance(body, GroupRequest):
            write = partial(self._steps.carry_out, caller=None, now_ms=now_ms)
            return decide_group(self.offsets, self.groups, body, api_version, now_ms, self._logs.has_topic, write)
        raise TypeError(f"{type(body).__name__} is no coordinator request")

    def _admit_offsets(self, request: TxnOffsetCommitRequest, api_version: int, now_ms: int) -> ErrorCode:
        """Whether the offsets belong to an open transaction that their partition is part of."""
        if not request.group_id:
            return ErrorCode.INVALID_GROUP_ID
        code = self._admit(
            request.transactional_id,
            (request.producer_id, request.producer_epoch),
            (self.offsets.log_partition(request.group_id),),
            now_ms,
            adds=api_version >= IMPLICIT_ADD_SINCE_TXN_OFFSET_COMMIT,
        )
        return abortable(code, is_known=api_version >= ABORTABLE_SINCE_TXN_OFFSET_COMMIT)

    def admit_produce(
        self,
        *,
        transactional_id: str,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        partitions: Sequence[TopicPartition],
        api_version: int,
        now_ms: int,
    ) -> ErrorCode:
        """Whether transactional batches may be appended (KIP-890); call before appending them.

        Below Produce 12 the partitions must have been added; from 12 on they are added here.

        Returns:
            ``NONE``, or the code for all these partitions' produce responses.
        """
        code = self._admit(
            transactional_id,
            (producer_id, producer_epoch),
            partitions,
            now_ms,
            adds=api_version >= IMPLICIT_ADD_SINCE_PRODUCE,
        )
        return abortable(code, is_known=api_version >= ABORTABLE_SINCE_PRODUCE)

    def _admit(
        self,
        transactional_id: str,
        producer: tuple[ProducerId, ProducerEpoch],
        partitions: Sequence[TopicPartition],
        now_ms: int,
        *,
        adds: bool,
    ) -> ErrorCode:
        code = check_append(self.transactions, transactional_id, *producer, partitions)
        if adds and code is ErrorCode.TRANSACTION_ABORTABLE:
            decision = decide_implicit_add(self.transactions, transactional_id, partitions, now_ms)
            code = self._steps.carry_out(decision, None, now_ms)
            self._proceed(now_ms)
        if code is not ErrorCode.NONE:
            return code
        settled = self.transactions.settled(transactional_id)
        synced = self._logs.synced_offset(settled.topic_partition)
        is_settled = synced is not None and settled.offset is not None and synced >= settled.offset
        return ErrorCode.NONE if is_settled else ErrorCode.CONCURRENT_TRANSACTIONS

    def on_synced(self, now_ms: int) -> tuple[ReleasedReply, ...]:
        """Synced offsets have moved: take the next steps and return the replies that are due."""
        self._proceed(now_ms)
        return self.take_released()

    def on_failed(self, topic_partition: TopicPartition, now_ms: int) -> tuple[ReleasedReply, ...]:
        """A log failed for good: replies that wait for it become KAFKA_STORAGE_ERROR.

        Steps that wait for it are not taken before a restart, which finds out what is on disk.
        """
        self._steps.fail(topic_partition, now_ms)
        self._proceed(now_ms)
        return self.take_released()

    def tick(self, now_ms: int) -> tuple[ReleasedReply, ...]:
        """Abort transactions that timed out, retry what could not be written, do what is due by the clock."""
        next_ms, interval_ms = self._next_scan_ms, self._config.transaction_scan_interval_ms
        if next_ms is not None and not now_ms < next_ms <= now_ms + interval_ms:  # due, or the clock went back
            self._next_scan_ms = None
            self._steps.retry(now_ms)
            for transaction in timed_out(self.transactions, now_ms):
                self._observer.event("txn.timed_out", transactional_id=transaction.transactional_id)
                self._steps.carry_out(fence(self.transactions, transaction, now_ms), None, now_ms)
        for decision in chain(self._expiry.due(now_ms), self.groups.tick(now_ms)):
            self._steps.carry_out(decision, None, now_ms)
        self._proceed(now_ms)
        return self.take_released()

    def next_deadline(self) -> int | None:
        """When ``tick`` wants to be called next, in milliseconds; ``None`` for never."""
        return min(filter(None, (self._next_scan_ms, self._expiry.next_ms, self.groups.next_ms())), default=None)

    def awaited(self) -> Mapping[TopicPartition, Offset]:
        """How far logs have to be synced for everything that waits here to go on, steps without a reply included."""
        return self._steps.waits.awaited()

    def topics_deleted(self, topics: Iterable[str], now_ms: int) -> None:
        """Forget the offsets committed for deleted topics (tombstones); call after the topics are gone."""
        gone = frozenset(topics)
        self._steps.waits.forget(gone)
        for decision in decide_forget(self.offsets, gone.__contains__):
            self._steps.carry_out(decision, None, now_ms)
        self._proceed(now_ms)

    def _proceed(self, now_ms: int) -> None:
        """Go as far as the synced offsets allow, and arm the scan if anything is left that may time out."""
        self._steps.advance(now_ms)
        if self._next_scan_ms is None and (self.transactions.has_ongoing or self._steps.has_retries):
            self._next_scan_ms = now_ms + self._config.transaction_scan_interval_ms
        self._expiry.arm(now_ms)

    def take_released(self) -> tuple[ReleasedReply, ...]:
        """Replies to requests that waited and were answered by what somebody else did."""
        released = tuple(ReleasedReply(token=token, body=body) for token, body in self._steps.released.items())
        self._steps.released.clear()
        return released


def _newest_epoch(logs: CoordinatorLogs, partition_count: int) -> int:
    """A coordinator epoch that no marker has exceeded, for transactions that belong to no transactional id."""
    known = (TopicPartition(TRANSACTION_STATE_TOPIC, partition) for partition in range(partition_count))
    return max((logs.leader_epoch(log) for log in known if logs.end_offset(log) is not None), default=0)
