"""One producer's transactions, in the form that every Kafka broker since 0.11 speaks (V1), or in KIP-890's (V2).

With V2 a write adds its partition to the transaction by itself, and the end of every transaction raises the epoch: what
is late belongs to no transaction any more.

Owns the state table: what may be called when, and when the transaction can end. Requests are ``txn_requests``', batches
``sender``'s. A transaction that met an error can only be aborted, and an abort after an error raises the epoch,
so that no sequence has to be guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from broker_core.errors import ErrorCode
from streams.client.errors import FATAL
from streams.client.group_settings import GroupIdentity
from streams.client.metadata import Cluster
from streams.client.pending import Pending
from streams.client.sender import PRODUCE_V1, PRODUCE_V2, Identity, Sender
from streams.client.txn_requests import TransactionRequests
from streams.errors import ClientError, TransactionAborted
from streams.model import OffsetAndMetadata, TopicPartition


class State(Enum):
    """Where a transactional producer stands."""

    NEW = "new"
    INITIALIZING = "initializing"
    READY = "ready"
    OPEN = "open"
    COMMITTING = "committing"
    BROKEN = "broken"
    """The open transaction cannot be committed."""
    ABORTING = "aborting"
    FATAL = "fatal"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.NEW: frozenset({State.INITIALIZING, State.FATAL}),
    State.INITIALIZING: frozenset({State.READY, State.NEW, State.FATAL}),
    State.READY: frozenset({State.INITIALIZING, State.OPEN, State.FATAL}),
    State.OPEN: frozenset({State.COMMITTING, State.ABORTING, State.BROKEN, State.FATAL}),
    State.COMMITTING: frozenset({State.READY, State.BROKEN, State.FATAL}),
    State.BROKEN: frozenset({State.ABORTING, State.FATAL}),
    State.ABORTING: frozenset({State.READY, State.FATAL}),
    State.FATAL: frozenset(),
}


class Standing:
    """The present state of one producer, and the error that brought it there."""

    __slots__ = ("_name", "error", "state")

    def __init__(self, name: str) -> None:
        self._name = name
        self.state = State.NEW
        self.error: ClientError | None = None

    def require(self, *states: State) -> None:
        """Raises the transaction's error, or ``RuntimeError`` for a call out of turn, unless in one of ``states``."""
        if self.state in states:
            return
        if self.error is not None:
            raise self.error
        wanted = " or ".join(state.value for state in states)
        raise RuntimeError(f"transactional producer {self._name} is {self.state.value}; this needs it to be {wanted}")

    def move(self, state: State) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state = state


class Transactions:
    """The transaction machine of one producer; ``advance`` moves it, answers come by the exchanges.

    Arguments:
        transactional_id: names the producer across restarts.
        requests: asks the coordinators.
        cluster: says which partitions exist.
        sender: whose batches belong to the transaction.
        may_use_v2: speak V2 where the cluster has it in force.
    """

    def __init__(
        self,
        transactional_id: str,
        *,
        requests: TransactionRequests,
        cluster: Cluster,
        sender: Sender,
        may_use_v2: bool = False,
    ) -> None:
        self._id, self._requests, self._cluster, self._sender = transactional_id, requests, cluster, sender
        self._may_use_v2 = may_use_v2
        self._is_v2 = False
        self.standing = Standing(transactional_id)
        self._new: dict[TopicPartition, None] = {}
        self._added: dict[TopicPartition, None] = {}
        self._attempted = False
        """Whether the coordinator may know of the open transaction."""
        self._known = False
        """Whether it certainly does."""
        self._raise_epoch = False
        self._adding = False
        self._offsets_under_way = 0
        self._ending: Pending[None] | None = None
        self._end_sent = False

    def init(self) -> Pending[None]:
        self.standing.require(State.NEW, State.READY)
        self.standing.move(State.INITIALIZING)
        pending: Pending[None] = Pending()

        def done(identity: Identity) -> None:
            self._sender.renew(identity)
            self.standing.move(State.READY)
            pending.resolve(None)

        def fail(error: ClientError) -> None:
            if error.code in FATAL:
                self._broken(error)
            else:
                self.standing.move(State.NEW)
            pending.fail(error)

        def learned(is_v2: bool) -> None:
            self._is_v2 = is_v2
            self._sender.max_version = PRODUCE_V2 if is_v2 else PRODUCE_V1
            self._requests.claim(None, done, fail)

        if self._may_use_v2:
            self._requests.learn_protocol(learned, fail)
        else:
            self._requests.claim(None, done, fail)
        return pending

    def begin(self) -> None:
        self.standing.require(State.READY)
        self.standing.move(State.OPEN)

    def touch(self, topic_partition: TopicPartition) -> None:
        """Note that the transaction writes to a partition."""
        if topic_partition not in self._added:
            self._new[topic_partition] = None

    def may_write(self, topic_partition: TopicPartition) -> bool:
        return topic_partition in self._added

    def send_offsets(self, group: GroupIdentity, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> Pending[None]:
        self.standing.require(State.OPEN)
        if not offsets:
            return Pending.of(None)
        pending: Pending[None] = Pending()
        identity, copied = self._identity, dict(offsets)

        def added() -> None:
            self._known = True
            if self.standing.state in (State.OPEN, State.COMMITTING):
                self._requests.commit_offsets(identity, group, copied, done, fail, is_v2=self._is_v2)
            else:
                self._offsets_under_way -= 1
                pending.fail(_aborted(self._id, ErrorCode.OPERATION_NOT_ATTEMPTED, "it is being aborted"))

        def done() -> None:
            self._offsets_under_way -= 1
            pending.resolve(None)

        def fail(error: ClientError) -> None:
            self._offsets_under_way -= 1
            self._broken(error)
            pending.fail(self.standing.error or error)

        self._attempted = True
        self._offsets_under_way += 1
        if self._is_v2:
            added()
        else:
            self._requests.add_offsets(identity, group.group_id, added, fail)
        return pending

    def commit(self) -> Pending[None]:
        self.standing.require(State.OPEN)
        self.standing.move(State.COMMITTING)
        self._ending = Pending()
        return self._ending

    def abort(self) -> Pending[None]:
        self.standing.require(State.OPEN, State.BROKEN)
        self._raise_epoch = self.standing.state is State.BROKEN
        self.standing.move(State.ABORTING)
        self._sender.discard(_aborted(self._id, ErrorCode.OPERATION_NOT_ATTEMPTED, "it is being aborted"))
        self._new.clear()
        self._ending = Pending()
        return self._ending

    def advance(self, *, drained: bool) -> None:
        """Do what the state asks for next.

        Arguments:
            drained: everything written so far is acknowledged.
        """
        live = self.standing.state in (State.OPEN, State.COMMITTING)
        if live and self._sender.error is not None:
            self._broken(self._sender.error)
        elif live and self._new and self._is_v2:
            self._attempted = True
            self._added.update(self._new)
            self._new = {}
        elif live and self._new and not self._adding:
            self._add_partitions()
        if self._end_sent or self._adding or self._offsets_under_way:
            return
        if self.standing.state is State.COMMITTING and drained:
            self._end(commit=True)
        elif self.standing.state is State.ABORTING and not self._sender.in_air:
            self._end(commit=False)

    def _add_partitions(self) -> None:
        """One request for all new partitions, once every one of them has a leader (and so exists)."""
        try:
            if any(self._cluster.leader(partition) is None for partition in self._new):
                return
        except ClientError as error:
            self._broken(error)
            return
        new, self._new = self._new, {}

        def done() -> None:
            self._adding, self._known = False, True
            self._added.update(new)

        def fail(error: ClientError) -> None:
            self._adding = False
            self._broken(error)

        self._attempted = self._adding = True
        self._requests.add_partitions(self._identity, new, done, fail)

    def _end(self, *, commit: bool) -> None:
        self._end_sent = True
        if self._attempted:
            # When even this gives up, nobody knows how the transaction ended: only a new producer finds out.
            self._requests.end(
                self._identity, commit=commit, known=self._known, done=self._ended, fail=self._fatal, is_v2=self._is_v2
            )
        else:
            self._ended(None)

    def _ended(self, identity: Identity | None) -> None:
        self._sender.forgive()
        if identity is not None:  # the end raised the epoch
            self._finish(identity)
        elif self.standing.state is State.ABORTING and (self._raise_epoch or self._sender.unresolved):
            self._requests.claim(self._identity, self._finish, self._fatal)
        else:
            self._finish(None)

    def _finish(self, identity: Identity | None) -> None:
        if identity is not None:
            self._sender.renew(identity)
        self._new.clear()
        self._added.clear()
        self._attempted = self._known = self._end_sent = self._raise_epoch = False
        self.standing.error = None
        self.standing.move(State.READY)
        self._settle_ending(lambda ending: ending.resolve(None))

    def _broken(self, error: ClientError) -> None:
        """The transaction cannot be committed; if ``error`` says so, nothing can ever be written again."""
        if error.code in FATAL:
            self._fatal(error)
        elif self.standing.state in (State.OPEN, State.COMMITTING):
            self.standing.move(State.BROKEN)
            broken = _aborted(self._id, error.code, str(error))
            broken.__cause__ = error
            self.standing.error = broken
            self._sender.discard(broken)
            self._settle_ending(lambda ending: ending.fail(broken))

    def _fatal(self, error: ClientError) -> None:
        if self.standing.state is not State.FATAL:
            self.standing.move(State.FATAL)
            self.standing.error = error
            self._sender.fail(error)
        self._settle_ending(lambda ending: ending.fail(error))

    def _settle_ending(self, settle: Callable[[Pending[None]], None]) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            settle(ending)

    @property
    def _identity(self) -> Identity:
        assert self._sender.identity is not None, "init_transactions comes first"
        return self._sender.identity


def _aborted(transactional_id: str, code: int, why: str) -> TransactionAborted:
    return TransactionAborted(code, f"the open transaction of {transactional_id} can only be aborted: {why}")
