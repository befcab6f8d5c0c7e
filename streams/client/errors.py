"""Which of Kafka's error numbers mean "again", which end the transaction, and which end the producer.

The one place of the framework that judges wire codes; everything above sees the exceptions of ``streams.errors``.
"""

from __future__ import annotations

from typing import Final

from broker_core.errors import ErrorCode
from streams.errors import ClientError, ProducerFenced


class ConnectionLost(ClientError):
    """A request whose answer will never come; whether it was carried out is unknown."""

    def __init__(self, message: str = "the connection to the broker was lost") -> None:
        super().__init__(ErrorCode.NETWORK_EXCEPTION, message)


class NotABroker(ConnectionLost):
    """Something answers at the address, and it is no Kafka broker that this client can talk to."""


class CommitFailed(ClientError):
    """Offsets were not committed, for the group went on without this member; somebody else has the partitions now."""


class RebalanceInProgress(ClientError):
    """Offsets were not committed, for the group rebalances: poll (which takes part in that), then commit again."""


class NoOffset(ClientError):
    """A partition for which nothing is committed, and no reset policy that says where to begin."""


class CorruptRecords(ClientError):
    """Fetched bytes that are no valid record batch; the message names topic, partition and offset."""


class OffsetOutOfRange(ClientError):
    """A position that the log does not hold, and no reset policy that says where to go on."""


STALE_LEADER: Final[frozenset[int]] = frozenset(
    {
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.REPLICA_NOT_AVAILABLE,
        ErrorCode.BROKER_NOT_AVAILABLE,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.KAFKA_STORAGE_ERROR,
        ErrorCode.LISTENER_NOT_FOUND,
        ErrorCode.NETWORK_EXCEPTION,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.NOT_CONTROLLER,
    }
)
"""Ask for the metadata again before the next try."""

STALE_COORDINATOR: Final[frozenset[int]] = frozenset(
    {ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR, ErrorCode.NETWORK_EXCEPTION}
)
"""Look for the coordinator again before the next try."""

RETRIABLE: Final[frozenset[int]] = (
    STALE_LEADER
    | STALE_COORDINATOR
    | {
        ErrorCode.REQUEST_TIMED_OUT,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.OFFSET_NOT_AVAILABLE,
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.UNSTABLE_OFFSET_COMMIT,
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        ErrorCode.THROTTLING_QUOTA_EXCEEDED,
        ErrorCode.NOT_ENOUGH_REPLICAS,
        ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    }
)

FENCED: Final[frozenset[int]] = frozenset(
    {
        ErrorCode.INVALID_PRODUCER_EPOCH,
        ErrorCode.PRODUCER_FENCED,
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    }
)
"""Somebody holds a newer epoch of the transactional id (old request versions say 47, newer ones 90)."""

FATAL: Final[frozenset[int]] = FENCED | {
    ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    ErrorCode.INVALID_TXN_STATE,
    ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    ErrorCode.UNSUPPORTED_VERSION,
    ErrorCode.INVALID_TRANSACTION_TIMEOUT,
}
"""No abort helps: the producer is of no more use. Every other refusal inside a transaction only aborts it."""


DENIED: Final[frozenset[int]] = frozenset(
    {
        ErrorCode.TOPIC_AUTHORIZATION_FAILED,
        ErrorCode.GROUP_AUTHORIZATION_FAILED,
        ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)


def is_retriable(code: int, *, storage_errors_are_final: bool) -> bool:
    """Whether the same request may succeed later."""
    if code == ErrorCode.KAFKA_STORAGE_ERROR and storage_errors_are_final:
        return False
    return code in RETRIABLE


def name_of(code: int) -> str:
    """``NOT_COORDINATOR``, or the bare number of a code that this client does not know."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"error {code}"


def error_for(code: int, doing: str, detail: str | None = None) -> ClientError:
    """The exception for a refusal.

    Arguments:
        code: Kafka's error number.
        doing: what was refused, with its place: ``writing to words-3``.
        detail: the broker's own text, if it sent one.
    """
    text = f"{doing} was refused: {name_of(code)}"
    if detail and detail != name_of(code):
        text += f" ({detail})"
    elif code in DENIED:
        text += " (the broker's access control does not allow it to this client; its operator can)"
    elif code == ErrorCode.KAFKA_STORAGE_ERROR:
        text += " (the log's disk is full, or fails, or holds damaged data)"
    if code in FENCED:
        return ProducerFenced(
            code,
            f"{text}; another process took over this transactional id, or its transaction timed out: stop this one",
        )
    return ClientError(code, text)
