"""Carrying decisions out: append, wait for syncs, reply, take the next step; the inside of ``coordinator``.

Owns the order of things and what is retried. A transaction's end passes through here as PrepareTransaction,
WriteMarkers, CompleteTransaction, each waiting for its sync (docs/decisions/0002-sync-waves.md). Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from broker_core.coordinator_journal import CoordinatorLogs, Journal
from broker_core.coordinator_requests import refuse
from broker_core.coordinator_waits import Caller, SyncWaits, Wait
from broker_core.decision import (
    AssignmentStored,
    CompleteTransaction,
    Decision,
    Marker,
    MemberStored,
    NextStep,
    PrepareTransaction,
    WriteMarkers,
)
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.group.groups import Groups
from broker_core.model import Offset, ProducerId, TopicPartition
from broker_core.ports import Observer
from broker_core.txn.ending import complete, fence, marker, prepare
from broker_core.txn.table import TransactionTable


class Steps:
    """Runs decisions and what follows from them.

    Arguments:
        two_waves: see ``Coordinator``.
    """

    def __init__(
        self,
        logs: CoordinatorLogs,
        journal: Journal,
        transactions: TransactionTable,
        groups: Groups,
        observer: Observer,
        *,
        allocate_producer_id: Callable[[], ProducerId],
        two_waves: bool,
    ) -> None:
        self._logs = logs
        self._journal = journal
        self._transactions = transactions
        self._groups = groups
        self._observer = observer
        self._allocate_producer_id = allocate_producer_id
        self._two_waves = two_waves
        self._retries: list[Callable[[int], None]] = []
        self.waits = SyncWaits()
        self.released: dict[int, object] = {}
        """Replies that may leave, by token; whoever hands them on takes them out."""

    @property
    def has_retries(self) -> bool:
        return bool(self._retries)

    def carry_out(self, decision: Decision, caller: Caller | None, now_ms: int) -> ErrorCode:
        """Append the records and wait for the rest; ``advance`` goes on.

        Returns:
            ``NONE``, or why nothing was appended; the caller has then been refused.
        """
        if isinstance(decision.then, PrepareTransaction):
            self._transactions.hold(decision.then.transactional_id)
        try:
            if isinstance(decision.then, PrepareTransaction) and not self._two_waves:
                prepared = self._prepare(decision.then, now_ms)
                decision = replace(prepared, needs=(*decision.needs, *prepared.needs))
            self._journal.write(decision, now_ms)
        except (BrokerError, StorageError) as error:
            code = error.code if isinstance(error, BrokerError) else ErrorCode.KAFKA_STORAGE_ERROR
            self._observer.event("coordinator.append_failed", partition=decision.partition, reason=str(error))
            self.released.update(decision.answers)
            self.give_up(decision.then, caller, code, now_ms)
            return code
        if decision.retry_epoch is not None:
            self._transactions.remember(decision.retry_epoch)
        needs = self._journal.resolve(decision.needs)
        if needs or decision.reply is not None or decision.answers or decision.then is not None:
            self.waits.add(
                Wait(needs=needs, reply=decision.reply, answers=decision.answers, then=decision.then, caller=caller)
            )
        return ErrorCode.NONE

    def advance(self, now_ms: int) -> None:
        """Release replies and take steps as far as the synced offsets allow."""
        while ready := self.waits.take_ready(self._logs.synced_offset):
            for wait in ready:
                if wait.caller is not None and wait.reply is not None:
                    self.released[wait.caller.token] = wait.reply
                self.released.update(wait.answers)
                if wait.then is not None:
                    self._take(wait.then, wait.caller, now_ms)

    def _take(self, step: NextStep, caller: Caller | None, now_ms: int) -> None:
        match step:
            case PrepareTransaction():
                try:
                    decision = self._prepare(step, now_ms)
                except StorageError:
                    self.give_up(step, caller, ErrorCode.KAFKA_STORAGE_ERROR, now_ms)
                    return
                if self.carry_out(decision, caller, now_ms) is not ErrorCode.NONE:
                    self._transactions.release(step.transactional_id)
            case WriteMarkers():
                self._begin_markers(step, now_ms)
            case CompleteTransaction():
                if self.carry_out(complete(self._transactions, step, now_ms), None, now_ms) is not ErrorCode.NONE:
                    self._retries.append(lambda then_ms: self._take(step, None, then_ms))
            case AssignmentStored() | MemberStored():
                self.carry_out(self._groups.stored(step, now_ms), None, now_ms)

    def _prepare(self, step: PrepareTransaction, now_ms: int) -> Decision:
        return prepare(self._transactions, step, now_ms, self._allocate_producer_id)

    def _begin_markers(self, step: WriteMarkers, now_ms: int) -> None:
        transaction = self._transactions.get(step.transactional_id)
        assert transaction is not None
        epoch = self._logs.leader_epoch(self._transactions.log_partition(step.transactional_id))
        self.write_markers(
            marker(transaction, epoch),
            sorted(transaction.partitions),
            now_ms,
            then=CompleteTransaction(transactional_id=step.transactional_id),
        )

    def write_markers(
        self,
        end: Marker,
        logs: Sequence[TopicPartition],
        now_ms: int,
        *,
        written: Mapping[TopicPartition, Offset] | None = None,
        then: CompleteTransaction | None = None,
    ) -> None:
        """Write ``end`` into each log; what fails is retried for ever, since the transaction's end stands.

        Arguments:
            written: logs that have their marker from an earlier attempt, and how far they must be synced.
            then: once all markers are synced.
        """
        needs = dict(written or {})
        left = []
        for log in logs:
            if self._logs.end_offset(log) is None:
                continue  # its topic was deleted
            try:
                done = self._journal.write_marker(log, end, now_ms)
            except (BrokerError, StorageError) as error:
                self._observer.event("txn.marker_delayed", partition=log, reason=str(error))
                left.append(log)
            else:
                needs.update(self._journal.resolve((done,)))
        if left:
            self._retries.append(lambda then_ms: self.write_markers(end, left, then_ms, written=needs, then=then))
        else:
            self.waits.add(Wait(needs=needs, then=then))

    def fence_orphans(self, transactional_id: str, orphaned: Sequence[TopicPartition], now_ms: int) -> None:
        """Abort an id's transaction after a crash; until that could be logged, every request about the id waits."""
        transaction = self._transactions.get(transactional_id)
        assert transaction is not None
        self._transactions.hold(transactional_id)
        if self.carry_out(fence(self._transactions, transaction, now_ms, orphaned), None, now_ms) is not ErrorCode.NONE:
            self._retries.append(lambda then_ms: self.fence_orphans(transactional_id, orphaned, then_ms))

    def retry(self, now_ms: int) -> None:
        """Try again what could not be written."""
        due, self._retries = self._retries, []
        for attempt in due:
            attempt(now_ms)

    def fail(self, log: TopicPartition, now_ms: int) -> None:
        """Give up whatever waits for a log that will never be synced again."""
        for wait in self.waits.take_failed(log):
            self.released.update(wait.answers)
            self.give_up(wait.then, wait.caller, ErrorCode.KAFKA_STORAGE_ERROR, now_ms)

    def give_up(self, step: NextStep | None, caller: Caller | None, code: ErrorCode, now_ms: int) -> None:
        """A decision came to nothing: its transaction is as before, its group begins anew, and the caller is told."""
        if isinstance(step, PrepareTransaction):
            self._transactions.release(step.transactional_id)
        elif isinstance(step, AssignmentStored | MemberStored):
            self.carry_out(self._groups.not_stored(step, code, now_ms), None, now_ms)
        if caller is not None:
            self.released[caller.token] = refuse(caller.request, code, caller.api_version)
