"""Administrative calls: topics, offsets, groups. Each is retried until its time is up, and settles a ``Pending``.

Only shaping of requests and answers lives here; routing and retrying are ``calls``' and ``metadata``'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streams.client.pending import Pending
from streams.model import Isolation, OffsetAndMetadata, TopicPartition


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTopic:
    """A topic to be created; None is the broker's default number of partitions."""

    partitions: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDescription:
    name: str
    partitions: int
    is_internal: bool = False


class Admin:
    """The calls that the runtime and the command line need. Refusals are ``ClientError``, per call the first one."""

    def describe_topics(self, names: Sequence[str]) -> Pending[dict[str, TopicDescription]]:
        """Missing topics are missing from the answer; nothing is created."""
        raise NotImplementedError

    def list_topics(self) -> Pending[dict[str, TopicDescription]]:
        raise NotImplementedError

    def create_topics(self, topics: Mapping[str, NewTopic]) -> Pending[dict[str, bool]]:
        """Settles with True per topic that was made, False where it was there already."""
        raise NotImplementedError

    def delete_topics(self, names: Sequence[str]) -> Pending[None]:
        raise NotImplementedError

    def list_offsets(
        self,
        timestamps: Mapping[TopicPartition, int],
        isolation: Isolation = Isolation.READ_UNCOMMITTED,
    ) -> Pending[dict[TopicPartition, int | None]]:
        """Offsets at ``LATEST_OFFSET``, ``EARLIEST_OFFSET`` or a time in ms; None where no record is that new."""
        raise NotImplementedError

    def committed(
        self, group_id: str, topic_partitions: Sequence[TopicPartition], *, require_stable: bool = True
    ) -> Pending[dict[TopicPartition, OffsetAndMetadata | None]]:
        """Committed offsets; with ``require_stable`` waits for transactions that are about to change them."""
        raise NotImplementedError

    def commit_offsets(self, group_id: str, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> Pending[None]:
        """Commit outside of a transaction and of a membership."""
        raise NotImplementedError

    def delete_records(self, offsets: Mapping[TopicPartition, int]) -> Pending[dict[TopicPartition, int]]:
        """Give up records before the offsets (-1: all); settles with the new starts."""
        raise NotImplementedError

    def describe_configs(self, topics: Sequence[str]) -> Pending[dict[str, dict[str, str | None]]]:
        raise NotImplementedError
