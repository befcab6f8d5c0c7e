"""Random requests, waves and power failures against the coordinators.

Two properties. After every step, durable state equals what its records alone lead to. At the end, every transaction is
all there or not at all: there if its commit was acknowledged, not there if its abort was; and offsets are those of the
last commit that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker_core.coordinator_journal import Journal
from broker_core.errors import ErrorCode
from broker_core.group.membership import MembershipTable
from broker_core.group.records import read_key, read_value
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.batch import decode_batch, read_control, read_header
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.txn.table import TransactionTable
from tests.unit.broker_core.coordinator_world import (
    OFFSETS,
    TXN,
    A,
    B,
    World,
    add_request,
    commit_request,
    end_request,
    txn_commit_request,
)

NAMES = st.sampled_from(["s", "t"])
DATA = st.sampled_from([A, B])
TARGETS = [TopicPartition("out", 0), TopicPartition("out", 1)]
FENCED = {ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH}


@dataclass(eq=False)
class Transaction:
    """What a client knows of one transaction."""

    added: set[TopicPartition] = field(default_factory=set)
    values: list[tuple[TopicPartition, bytes, int]] = field(default_factory=list)
    offsets: list[tuple[TopicPartition, int]] = field(default_factory=list)
    incomplete: bool = False
    """Something written was never acknowledged and may be lost: a client must not commit (again)."""
    ending: bool | None = None
    """Sent EndTxn (commit or abort) without an answer."""
    outcome: bool | None = None
    """Committed, aborted, or unknown."""


@dataclass
class Session:
    """One transactional client: at most one request under way."""

    name: str
    owner: tuple[int, int] | None = None
    zombies: list[tuple[int, int]] = field(default_factory=list)
    transaction: Transaction | None = None
    waiting: tuple[int, str, Any] | None = None


class Coordinators(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.sessions = {name: Session(name) for name in ("s", "t")}
        self.transactions: list[Transaction] = []
        self.attempts: list[tuple[TopicPartition, Transaction | None]] = []
        """Offset commits in order of their records; the offset committed is the attempt's number."""
        self.acknowledged: dict[int, TopicPartition] = {}
        self.plain: dict[int, tuple[int, TopicPartition]] = {}
        self.counter = 0

    # -- clients

    def send(self, session: Session, kind: str, body: object, version: int, about: Any = None) -> None:
        answer = self.world.submit(body, version)
        if isinstance(answer, int):
            session.waiting = (answer, kind, about)
        else:
            self.answered(session, kind, answer, about)

    def collect(self) -> None:
        """Give waiting clients what has been released."""
        for session in self.sessions.values():
            if session.waiting is not None and session.waiting[0] in self.world.replies:
                token, kind, about = session.waiting
                session.waiting = None
                self.answered(session, kind, self.world.replies.pop(token), about)
        for token in [token for token in self.plain if token in self.world.replies]:
            attempt, target = self.plain.pop(token)
            response = self.world.replies.pop(token)
            if response.topics[0].partitions[0].error_code == ErrorCode.NONE:
                self.acknowledged[attempt] = target

    def answered(self, session: Session, kind: str, response: Any, about: Any) -> None:
        transaction = session.transaction
        if kind == "init":
            if response.error_code == ErrorCode.NONE:
                session.owner = (response.producer_id, response.producer_epoch)
            return
        assert transaction is not None
        if kind == "add":
            code = ErrorCode(response.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code)
        elif kind == "offsets":
            code = ErrorCode(response.topics[0].partitions[0].error_code)
        else:
            code = ErrorCode(response.error_code)
        if kind in ("add", "add_offsets") and code is ErrorCode.NONE:
            transaction.added.add(about)
        elif kind == "offsets":
            if code is ErrorCode.NONE:
                transaction.offsets.append(about)
            else:
                transaction.incomplete = True
        elif kind == "end" and code is ErrorCode.NONE:
            transaction.outcome = about
            session.transaction = None
        elif kind == "end" and code is ErrorCode.INVALID_TXN_STATE:
            # The transaction went with the power, unsynced: nothing of it can have been acknowledged.
            known = transaction.values or transaction.offsets
            assert transaction.incomplete or not known, "an acknowledged write was forgotten"
            transaction.outcome = False
            session.transaction = None
        if code in FENCED:
            if transaction.ending is None:
                transaction.outcome = False
            self.leave(session)

    def leave(self, session: Session) -> None:
        if session.owner is not None:
            session.zombies.append(session.owner)
        session.owner = session.transaction = None

    def init(self, name: str) -> None:
        session = self.sessions[name]
        if session.waiting is None:
            if session.transaction is not None and session.transaction.ending is None:
                session.transaction.outcome = False
            self.leave(session)
            body = InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=60_000)
            self.send(session, "init", body, 4)

    def ready(self, name: str) -> Session | None:
        session = self.sessions[name]
        return session if session.owner is not None and session.waiting is None else None

    def add(self, name: str, partition: TopicPartition) -> None:
        session = self.ready(name)
        if session is None or session.owner is None:
            return
        if session.transaction is None:
            session.transaction = Transaction()
            self.transactions.append(session.transaction)
        if session.transaction.ending is not None:
            return
        if partition == OFFSETS:
            producer_id, producer_epoch = session.owner
            body = AddOffsetsToTxnRequest(
                transactional_id=name, producer_id=producer_id, producer_epoch=producer_epoch, group_id="g"
            )
            self.send(session, "add_offsets", body, 3, partition)
        else:
            self.send(session, "add", add_request(session.owner, [partition], name), 3, partition)

    def produce(self, name: str, partition: TopicPartition) -> None:
        session = self.ready(name)
        if session is None or session.transaction is None or session.transaction.ending is not None:
            return
        assert session.owner is not None
        if partition not in session.transaction.added:
            self.add(name, partition)
            return
        self.counter += 1
        value = b"%d" % self.counter
        code = self.world.produce(session.owner, partition, value, name)
        if code is ErrorCode.NONE:
            session.transaction.values.append((partition, value, self.world.logs.logs[partition].end))
        else:
            session.transaction.incomplete = True

    def commit_in_transaction(self, name: str, about: TopicPartition) -> None:
        session = self.ready(name)
        if session is None or session.transaction is None or session.transaction.ending is not None:
            return
        if OFFSETS not in session.transaction.added:
            self.add(name, OFFSETS)
        else:
            assert session.owner is not None
            attempt = len(self.attempts)
            self.attempts.append((about, session.transaction))
            body = txn_commit_request(session.owner, {about: attempt}, name=name)
            self.send(session, "offsets", body, 3, (about, attempt))

    def commit_plainly(self, about: TopicPartition) -> None:
        attempt = len(self.attempts)
        self.attempts.append((about, None))
        answer = self.world.submit(commit_request({about: attempt}), 8)
        assert isinstance(answer, int)
        self.plain[answer] = (attempt, about)

    def end(self, name: str, commit: bool) -> None:
        session = self.ready(name)
        if session is None or session.transaction is None or not session.transaction.added:
            return
        transaction = session.transaction
        if transaction.ending is not None:
            commit = transaction.ending
        elif transaction.incomplete:
            commit = False
        assert session.owner is not None
        transaction.ending = commit
        self.send(session, "end", end_request(session.owner, commit, name), 4, commit)

    @rule(name=NAMES, commit=st.booleans())
    def zombie(self, name: str, commit: bool) -> None:
        """A fenced owner gets nothing done."""
        session = self.sessions[name]
        if session.zombies and session.owner is not None:
            answer = self.world.submit(end_request(session.zombies[-1], commit, name), 4)
            assert not isinstance(answer, int)
            assert answer.error_code != ErrorCode.NONE
            code = self.world.admit(session.zombies[-1], A, name=name)
            assert code is not ErrorCode.NONE

    @rule(steps=st.lists(st.tuples(NAMES, st.integers(0, 19), DATA, st.integers(0, 3)), min_size=4, max_size=16))
    def advance(self, steps: list[tuple[str, int, TopicPartition, int]]) -> None:
        """Clients go on, each with what makes sense in its state, waiting for answers or not."""
        for name, choice, partition, patience in steps:
            session = self.sessions[name]
            if session.waiting is not None and patience > (2 if session.waiting[1] == "end" else 0):
                self.settle()
            if session.owner is None or choice == 0:
                self.init(name)
            elif session.transaction is None:
                self.add(name, partition)
            elif choice <= 11:
                self.produce(name, partition)
            elif choice == 12:
                self.commit_plainly(partition)
            elif choice <= 15:
                self.commit_in_transaction(name, partition)
            else:
                self.end(name, commit=choice < 19)

    # -- disk, time, power

    @rule(logs=st.sets(st.sampled_from([TXN, OFFSETS, A, B]), min_size=1))
    def sync(self, logs: set[TopicPartition]) -> None:
        self.world.sync(*sorted(logs))
        self.collect()

    @rule()
    def settle(self) -> None:
        self.world.settle()
        self.collect()

    @rule(passed_ms=st.sampled_from([1_000, 1_000, 1_000, 20_000, 61_000]))
    def tick(self, passed_ms: int) -> None:
        self.world.tick(passed_ms)
        self.collect()

    def power_failure(self, random: Random) -> None:
        """What was synced stays, of the rest any prefix of each log does."""
        synced = {log: found.synced for log, found in self.world.logs.logs.items()}
        for session in self.sessions.values():
            self.disconnect(session, synced)
        self.plain.clear()
        self.world.replies.clear()
        self.world.crash_randomly(random)

    @rule(logs=st.sets(st.sampled_from([TXN, OFFSETS, A, B])), random=st.randoms(use_true_random=False))
    def failure_in_a_wave(self, logs: set[TopicPartition], random: Random) -> None:
        self.sync(logs)
        self.power_failure(random)

    def disconnect(self, session: Session, synced: dict[TopicPartition, int]) -> None:
        waiting, session.waiting = session.waiting, None
        transaction = session.transaction
        if waiting is not None and waiting[1] == "init":
            session.owner = None
        if transaction is None:
            return
        lost = any(end > synced[log] for log, _, end in transaction.values)
        if lost or (waiting is not None and waiting[1] == "offsets"):
            transaction.incomplete = True
        if transaction.ending and transaction.incomplete:
            self.leave(session)  # the answer will never be known

    # -- properties

    @invariant()
    def durable_state_is_what_its_records_lead_to(self) -> None:
        coordinator = self.world.coordinator
        transactions, offsets = TransactionTable(1), OffsetTable(1)
        reader = Journal(self.world.logs, transactions, offsets, MembershipTable())
        for log in (TXN, OFFSETS):
            reader.load(log, b"".join(self.world.logs.logs[log].batches))
        assert {each.transactional_id: each for each in transactions} == {
            each.transactional_id: each for each in coordinator.transactions
        }
        for name in self.sessions:
            assert transactions.settled(name) == coordinator.transactions.settled(name)
        assert offsets.committed("g") == coordinator.offsets.committed("g")
        assert offsets.pending() == coordinator.offsets.pending()

    @invariant()
    def offsets_are_those_of_the_last_record_that_counts(self) -> None:
        """Judged by the log alone: a record counts if it is plain, or if a commit marker follows it."""
        last: dict[TopicPartition, tuple[int, int]] = {}
        pending: dict[int, list[tuple[TopicPartition, int, int]]] = {}
        for batch in self.world.logs.logs[OFFSETS].batches:
            header = read_header(batch)
            if header.is_control:
                found = pending.pop(header.producer_id, [])
                counting = found if read_control(batch).commit else []
            else:
                columns = decode_batch(batch)
                counting = []
                for index, (key, value) in enumerate(zip(columns.keys, columns.values, strict=True)):
                    where = read_key(key or b"")
                    assert where is not None and value is not None
                    counting.append((where[1], header.base_offset + index, read_value(value, 0).offset))
                if header.is_transactional:
                    pending.setdefault(header.producer_id, []).extend(counting)
                    counting = []
            for target, position, offset in counting:
                last[target] = max(last.get(target, (-1, -1)), (position, offset))
        committed = self.world.coordinator.offsets.committed("g")
        assert {target: offset for target, (_, offset) in last.items()} == {
            target: found.offset for target, found in committed.items()
        }

    def teardown(self) -> None:
        self.settle()
        self.power_failure(Random(0))
        self.world.tick(1_000)
        self.world.settle()
        self.world.tick(120_000)
        self.world.settle()
        assert not any(self.world.logs.logs[log].open_transactions() for log in (A, B, OFFSETS))
        visible = {log: set(self.world.committed(log)) for log in (A, B)}
        fetched = self.world.fetch(*TARGETS, stable=True)
        for transaction in self.transactions:
            seen = {value in visible[log] for log, value, _ in transaction.values}
            assert len(seen) <= 1, "a part of a transaction is lost"
            if transaction.outcome is not None and seen:
                assert seen == {transaction.outcome}
            if transaction.outcome or seen == {True}:
                for target, attempt in transaction.offsets:
                    assert fetched[target] >= attempt, "offsets of a committed transaction are lost"
            if transaction.outcome is False:
                assert all(fetched[target] != attempt for target, attempt in transaction.offsets)
        for attempt, target in self.acknowledged.items():
            assert fetched[target] >= attempt, "an acknowledged offset is lost"


TestCoordinators = Coordinators.TestCase
TestCoordinators.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
