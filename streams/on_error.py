"""What becomes of a record on which something fails: the policies that a user names, as values.

Nothing is decided or done here. Which policy an operator has is the topology's; ``codegen.recovery`` carries it out.
Semantics: architecture.md, section 7; docs/decisions/0010-errors.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from streams.durations import duration_ms
from streams.errors import TopologyError
from streams.model import Headers, Offset, TimestampMs
from streams.topology.names import check_name

DEFAULT_ATTEMPTS: Final = 5
DEFAULT_BACKOFF_MS: Final = 1_000
DEFAULT_MAX_BACKOFF_MS: Final = 60_000


class ErrorPolicy:
    """Base of ``fail``, ``skip``, ``retry(...)`` and ``dead_letter(...)``."""

    __slots__ = ()

    @property
    def may_wait(self) -> bool:
        """Whether the record may have to be taken up again later."""
        return False

    @property
    def may_undo(self) -> bool:
        """Whether what the record has caused so far may have to be undone."""
        return self.may_wait


@dataclass(frozen=True, slots=True)
class Fail(ErrorPolicy):
    """Stop the application; nothing of the record is committed, and the next start begins with it."""


@dataclass(frozen=True, slots=True)
class Skip(ErrorPolicy):
    """End the record at the failing operator and go on with the next; counted as ``skipped``.

    ``skip`` is one; ``skip(whole_record=True)`` also undoes what the record has caused before it failed.
    """

    whole_record: bool = False

    def __call__(self, *, whole_record: bool = True) -> Skip:
        return Skip(whole_record)

    @property
    def may_undo(self) -> bool:
        return self.whole_record


@dataclass(frozen=True, slots=True)
class DeadLetter(ErrorPolicy):
    """As ``Skip``, and the input record goes to a topic, with its origin and the exception in headers."""

    topic: str
    whole_record: bool = False

    @property
    def may_undo(self) -> bool:
        return self.whole_record


@dataclass(frozen=True, slots=True)
class Retry(ErrorPolicy):
    """Call the failing function again, later; the task waits at this record, and nothing else waits with it."""

    attempts: int | None
    """Calls in all, the first one included; None: without end."""
    backoff_ms: int
    max_backoff_ms: int
    then: Fail | Skip | DeadLetter

    @property
    def may_wait(self) -> bool:
        return True

    def wait_ms(self, attempt: int) -> int:
        """How long to wait after that many calls have failed: twice as long each time, up to the limit."""
        return min(self.backoff_ms << min(attempt - 1, 40), max(self.max_backoff_ms, self.backoff_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorContext:
    """The record on which something failed, as it was read.

    Below a record cache it is a change of a row: ``topic`` is empty then, ``partition`` and ``offset`` are -1, and key
    and value are the row's.
    """

    operator: str
    topic: str
    partition: int
    offset: Offset
    timestamp: TimestampMs
    key: bytes | None
    value: bytes | None
    headers: Headers
    attempt: int
    """Which call of the function this was, from 1 on."""


OnError: TypeAlias = ErrorPolicy | Callable[[Exception], ErrorPolicy] | Callable[[Exception, ErrorContext], ErrorPolicy]
"""A policy, or a function that chooses one: called with the exception, and with the record if it takes two."""

fail: Final = Fail()
skip: Final = Skip()


def dead_letter(topic: str, *, whole_record: bool = False) -> DeadLetter:
    """Send a record on which an operator fails to a topic, in the same transaction, and go on with the next.

    Arguments:
        topic: gets the input record's key, value, timestamp and headers, and says in further headers where the record
            came from and what happened (``streams dlq`` reads them).
        whole_record: also undo what the record has caused before it failed.

    Raises:
        TopologyError: no legal name of a topic.
    """
    return DeadLetter(check_name(topic, "dead_letter topic"), whole_record)


def retry(
    backoff: timedelta | str = timedelta(milliseconds=DEFAULT_BACKOFF_MS),
    attempts: int | None = DEFAULT_ATTEMPTS,
    *,
    max_backoff: timedelta | str = timedelta(milliseconds=DEFAULT_MAX_BACKOFF_MS),
    then: Fail | Skip | DeadLetter = fail,
) -> Retry:
    """Call a failing function again after a while.

    Arguments:
        backoff: the first wait (``"500ms"``, a ``timedelta``); each further one is twice as long.
        attempts: calls in all, the first one included; None: without end.
        max_backoff: the longest wait.
        then: what to do when the last attempt has failed.

    Raises:
        TopologyError: no attempt, a negative time, or another ``then``.
    """
    if attempts is not None and (not isinstance(attempts, int) or attempts < 1):
        raise TopologyError(f"retry(attempts={attempts!r}): a number of calls from 1 on, or None for no limit")
    if not isinstance(then, Fail | Skip | DeadLetter):
        raise TopologyError(f"retry(then={then!r}): fail, skip or dead_letter('topic')")
    return Retry(attempts, duration_ms(backoff, "backoff"), duration_ms(max_backoff, "max_backoff"), then)
