"""What happens to a record on which something failed, for one task: ask the policy, and carry its answer out.

Generated code calls ``recover`` where an operator with a policy failed, and tells which batch it works on
(``enter_batch``, ``enter_changes``): which record it was is worked out only then. Where a policy may ask for it,
``begin`` is called before each record, so that ``undo`` can go back there.

A record that has to wait leaves the generated code as ``RetryLater``, everything that it caused undone; the task keeps
its position and comes back. What its functions returned the first time is kept (``recall``), so that nothing is called
twice but what failed. Design and alternatives: docs/decisions/0010-errors.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from state.errors import StateError
from streams.codegen.counters import DropCounters
from streams.codegen.savepoint import Savepoint
from streams.dead_letters import dead_letter_headers
from streams.errors import StreamsError
from streams.model import ColumnBatch
from streams.on_error import DeadLetter, ErrorContext, ErrorPolicy, Retry, Skip
from streams.operators.drops import DEAD_LETTERED, SKIPPED
from streams.operators.sink import attach_headers
from streams.operators.source import PreparedBatch
from streams.topology.nodes import Policy

if TYPE_CHECKING:
    from state.layers import ChangeColumns
    from streams.operators.sink import Outputs

Process: TypeAlias = Callable[[ColumnBatch, int, int], None]
OnHandled: TypeAlias = Callable[[ErrorContext, Exception, ErrorPolicy], None]
"""Hears of every failure that did not stop the application: record, exception, and what was done."""


class RetryLater(BaseException):
    """The record at ``index`` must be taken up again at ``due_ms``; it has left nothing behind. No ``Exception``, so
    that nobody's ``except`` takes it for an error."""

    def __init__(self, index: int, due_ms: int) -> None:
        super().__init__()
        self.index = index
        self.due_ms = due_ms


class RecordEnded(BaseException):
    """The record's effects must be undone, and the next record is ``index + 1``."""

    def __init__(self, index: int, context: ErrorContext, error: Exception, policy: Skip | DeadLetter) -> None:
        super().__init__()
        self.index = index
        self.context = context
        self.error = error
        self.policy = policy


class _Outcome(NamedTuple):
    """What a function did with the record in hand."""

    result: Any
    error: Exception | None


class Recovery:
    """The error policies of one task's program, at work.

    Arguments:
        policies: operator name to what it does about errors.
        application_id: for dead letters.
        outputs: where dead letters go.
        counters: of skipped and dead-lettered records.
        savepoint: where the program calls ``begin``, because some policy may have to undo a record.
        on_handled: hears of failures that did not stop the application.
    """

    def __init__(
        self,
        policies: Mapping[str, Policy],
        *,
        application_id: str,
        outputs: Outputs,
        counters: DropCounters,
        savepoint: Savepoint | None,
        on_handled: OnHandled | None = None,
    ) -> None:
        self.now_ms = 0
        """The time of the task's current turn."""
        self.dropped: defaultdict[tuple[str, str], int] = defaultdict(int)
        """What the record in hand was counted for; goes to the counters when it is done."""
        self._policies = policies
        self._application_id = application_id
        self._outputs = outputs
        self._counters = counters
        self._on_handled = on_handled
        self._savepoint = savepoint
        self._place: Callable[[], tuple[int, ErrorContext]] = _nowhere
        self._told: list[tuple[ErrorContext, Exception, ErrorPolicy]] = []
        self._outcomes: list[_Outcome] = []
        self._calls = 0
        self._attempts: dict[tuple[str, int], int] = {}
        self._is_resuming = False

    # What generated code calls.

    def enter_batch(self, batch: ColumnBatch, stop: int, cursor: Iterator[Any]) -> None:
        """From here on the records up to ``stop`` are processed; ``cursor`` knows how many of them are left."""
        self._place = lambda: _record_at(batch, stop - cursor.__length_hint__() - 1)  # type: ignore[attr-defined]

    def enter_changes(self, changes: ChangeColumns, cursor: Iterator[Any]) -> None:
        """From here on changes that a record cache sends on are processed."""
        count = len(changes.keys)
        self._place = lambda: _change_at(changes, count - cursor.__length_hint__() - 1)  # type: ignore[attr-defined]

    def begin(self) -> None:
        """The next record's effects begin here."""
        self._calls = 0
        if self._is_resuming:
            self._is_resuming = False
        elif self._outcomes or self._attempts:
            self._outcomes.clear()
            self._attempts.clear()
        if self._savepoint is not None:
            if self.dropped or self._told:
                self.settle()
            self._savepoint.take()

    def recall(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function, or give what it gave for this record before the wait."""
        call, self._calls = self._calls, self._calls + 1
        if call < len(self._outcomes):
            result, failure = self._outcomes[call]
            if failure is not None:
                raise failure
            return result
        try:
            result = function(*arguments)
        except Exception as error:
            self._outcomes.append(_Outcome(None, error))
            raise
        self._outcomes.append(_Outcome(result, None))
        return result

    def recall_all(self, function: Callable[..., Iterable[Any]], *arguments: Any) -> list[Any]:
        """The same for a function that returns an iterable, which can be asked only once."""
        result: list[Any] = self.recall(lambda: list(function(*arguments)))
        return result

    def recover(self, error: Exception, operator: str) -> None:
        """Do what the operator's policy says; returns where the record is to end there, and what it did so far stays.

        Raises:
            Exception: ``error`` itself, to stop the application.
            RetryLater, RecordEnded: the generated code must be left.
        """
        if isinstance(error, StateError):
            raise error
        index, place = self._place()
        call = self._failed_call(error)
        attempt = self._attempts[operator, call] = self._attempts.get((operator, call), 0) + 1
        context = replace(place, operator=operator, attempt=attempt)
        policy = self._policy(error, context)
        if isinstance(policy, Retry):
            if policy.attempts is None or attempt < policy.attempts:
                self._retry_later(index, context, error, policy)
            policy = policy.then
        if not isinstance(policy, Skip | DeadLetter):
            raise error
        if policy.whole_record:
            raise RecordEnded(index, context, error, policy)
        self._end(context, error, policy)
        if self._savepoint is None:
            self._attempts.clear()
            self.settle()

    # What the program around it calls.

    def settle(self) -> None:
        """What the last record did stays: what it was dropped for counts, and is told."""
        if self.dropped:
            for name, count in self.dropped.items():
                self._counters.counts[name] += count
            self.dropped.clear()
        if self._told:
            told, self._told = self._told, []
            for context, error, policy in told:
                self._tell(context, error, policy)

    def recovering(self, process: Process) -> Process:
        """``process`` that can undo: goes on after a record that has ended, leaves at one that has to wait."""

        def process_recovering(batch: ColumnBatch, start: int, stop: int) -> None:
            while start < stop:
                try:
                    process(batch, start, stop)
                    break
                except RecordEnded as ended:
                    self._undo()
                    self._end(ended.context, ended.error, ended.policy)
                    start = ended.index + 1
                except RetryLater:
                    self._undo()
                    raise
            self.settle()

        return process_recovering

    def refuser(
        self, operator: str, decode: Callable[[bytes], Any], timestamp_of: Callable[[Any], int]
    ) -> Callable[[PreparedBatch, int], bool]:
        """What a source with an extractor does about a record that it has no timestamp of (``source.guarded``)."""

        def refuse(batch: PreparedBatch, index: int) -> bool:
            self._place = lambda: _record_at(batch, index)
            error: BaseException | None = batch.failures[index].__cause__
            is_again = self._is_resuming
            self.begin()
            if is_again:
                error = _mend(batch, index, decode, timestamp_of)
                if error is None:
                    return True
            assert isinstance(error, Exception)
            try:
                self.recover(error, operator)
            except RecordEnded as ended:
                self._end(ended.context, ended.error, ended.policy)
            except Exception as raised:
                if raised is error:
                    raise batch.failures[index] from error
                raise
            self.settle()
            return False

        return refuse

    def _failed_call(self, error: Exception) -> int:
        """The number of the failing call among those of this record."""
        is_last = bool(self._outcomes) and self._outcomes[-1].error is error
        return len(self._outcomes) - 1 if is_last else self._calls

    def _policy(self, error: Exception, context: ErrorContext) -> ErrorPolicy:
        policy = self._policies[context.operator]
        if isinstance(policy, ErrorPolicy):
            return policy
        chosen = policy.call(*(error, context)[: len(policy.arguments)])
        if not isinstance(chosen, ErrorPolicy):
            raise StreamsError(
                f"on_error of {context.operator} returned {chosen!r:.80}; it must return fail, skip, retry(...) or "
                "dead_letter('topic')"
            ) from error
        return chosen

    def _retry_later(self, index: int, context: ErrorContext, error: Exception, policy: Retry) -> None:
        if self._outcomes and self._outcomes[-1].error is error:
            self._outcomes.pop()
        self._is_resuming = True
        self._tell(context, error, policy)
        raise RetryLater(index, self.now_ms + policy.wait_ms(context.attempt)) from error

    def _undo(self) -> None:
        assert self._savepoint is not None, "no policy asked for it"
        self.dropped.clear()
        self._told.clear()
        self._savepoint.undo()

    def _end(self, context: ErrorContext, error: Exception, policy: Skip | DeadLetter) -> None:
        self.dropped[context.operator, DEAD_LETTERED if isinstance(policy, DeadLetter) else SKIPPED] += 1
        self._told.append((context, error, policy))
        if isinstance(policy, DeadLetter):
            columns = self._outputs.dead_letters(policy.topic)
            columns.keys.append(context.key)
            columns.values.append(context.value)
            columns.timestamps.append(context.timestamp)
            attach_headers(columns, dead_letter_headers(context, error, self._application_id))

    def _tell(self, context: ErrorContext, error: Exception, policy: ErrorPolicy) -> None:
        if self._on_handled is not None:
            self._on_handled(context, error, policy)


def _nowhere() -> tuple[int, ErrorContext]:
    raise AssertionError("an operator failed outside of a record")


def _record_at(batch: ColumnBatch, index: int) -> tuple[int, ErrorContext]:
    timestamps = batch.own_timestamps if isinstance(batch, PreparedBatch) else batch.timestamps
    return index, ErrorContext(
        operator="",
        topic=batch.topic_partition.topic,
        partition=batch.topic_partition.partition,
        offset=batch.base_offset + index if batch.offsets is None else batch.offsets[index],
        timestamp=timestamps[index],
        key=batch.keys[index],
        value=batch.values[index],
        headers=() if batch.headers is None else batch.headers[index],
        attempt=1,
    )


def _change_at(changes: ChangeColumns, index: int) -> tuple[int, ErrorContext]:
    return index, ErrorContext(
        operator="",
        topic="",
        partition=-1,
        offset=-1,
        timestamp=changes.timestamps[index],
        key=changes.keys[index],
        value=changes.new_bytes[index],
        headers=(),
        attempt=1,
    )


def _mend(
    batch: PreparedBatch, index: int, decode: Callable[[bytes], Any], timestamp_of: Callable[[Any], int]
) -> Exception | None:
    """Try again to take a record's timestamp; returns what is still wrong with it."""
    raw_value = batch.values[index]
    assert raw_value is not None, "a tombstone keeps its own timestamp"
    try:
        batch.decoded[index] = decode(raw_value)
        batch.timestamps[index] = timestamp_of(batch.decoded[index])
    except Exception as error:
        return error
    del batch.failures[index]
    return None
