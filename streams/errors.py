"""What a user is told when something is wrong; each message names the thing, the place and the fix."""

from __future__ import annotations

from streams.model import TopicPartition


class StreamsError(Exception):
    """Base of all errors of the framework."""


class TopologyError(StreamsError):
    """A topology that cannot be built: unknown type, cycle, two nodes of one name, ...; found before any I/O."""


class UnsupportedError(TopologyError, NotImplementedError):
    """Kafka Streams has it, and this program does not yet; the message says what to do meanwhile."""


class ConfigError(StreamsError):
    """A setting that makes no sense, or a data directory that cannot be used."""


class UnknownTopic(ConfigError):
    """A topic that the broker does not have, and that is not made by the way."""


class SerdeError(StreamsError, ValueError):
    """A value that does not fit its serde, or bytes that are not of its format."""


class ProcessingError(StreamsError):
    """A record that could not be processed; the user's own exception is ``__cause__``.

    Arguments:
        operator: name of the failing node.
        topic_partition, offset, key: of the input record.
        message: what happened and what the user can do.
    """

    def __init__(
        self, message: str, *, operator: str, topic_partition: TopicPartition | None, offset: int, key: object
    ) -> None:
        super().__init__(message)
        self.operator = operator
        self.topic_partition = topic_partition
        self.offset = offset
        self.key = key


class ClientError(StreamsError):
    """The broker refused, and retrying does not help; ``code`` is Kafka's error number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ProducerFenced(ClientError):
    """Another process took over this transactional id; this one must stop."""


class TransactionAborted(ClientError):
    """The open transaction cannot be committed; abort it and start again from the last commit."""
