"""Administrative calls: topics, offsets, groups. Each is retried until its time is up, and settles a ``Pending``.

Only shaping of requests and answers lives here; routing and retrying are ``calls``' and ``metadata``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from broker_core.errors import ErrorCode
from broker_core.protocol.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from broker_core.protocol.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from broker_core.protocol.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from broker_core.protocol.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
)
from broker_core.protocol.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from broker_core.protocol.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
)
from broker_core.protocol.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from broker_core.protocol.list_groups import ListGroupsRequest, ListGroupsResponse
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from broker_core.protocol.offset_commit import OffsetCommitResponse
from broker_core.protocol.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from streams.client import group_requests
from streams.client.calls import ANY, GROUP_COORDINATOR, Coordinator, Exchange, Exchanges, Judge, Leader, Node, Where
from streams.client.group_descriptions import GroupDescription, read_group
from streams.client.group_settings import GroupIdentity
from streams.client.metadata import METADATA_MAX_VERSION, Cluster
from streams.client.offset_requests import Gather, OffsetRequests
from streams.client.pending import Pending
from streams.client.settings import ClientSettings
from streams.errors import ClientError
from streams.model import Isolation, OffsetAndMetadata, TopicPartition

T = TypeVar("T")

DELETE_TOPICS_MAX_VERSION: Final = 5
"""From 6 on topics may go by id."""
OFFSET_FETCH_MAX_VERSION: Final = 8
OFFSET_COMMIT_MAX_VERSION: Final = 8
"""From 9 on an unknown group is told apart from a wrong generation; a commit from outside needs neither."""
TOPIC_RESOURCE: Final = 2
CONFIG_SET: Final = 0
CONFIG_DELETE: Final = 1
BROKER_DEFAULT: Final = -1


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

    def __init__(
        self,
        *,
        cluster: Cluster,
        exchanges: Exchanges,
        offset_requests: OffsetRequests,
        judge: Judge,
        settings: ClientSettings,
    ) -> None:
        self._cluster, self._exchanges, self._offset_requests = cluster, exchanges, offset_requests
        self._judge, self._settings = judge, settings

    def describe_topics(self, names: Sequence[str]) -> Pending[dict[str, TopicDescription]]:
        """Missing topics are missing from the answer; nothing is created."""
        if not names:
            return Pending.of({})
        topics = tuple(MetadataRequestTopic(name=name) for name in names)
        return self._metadata(topics, f"describing topics {', '.join(names)}")

    def list_topics(self) -> Pending[dict[str, TopicDescription]]:
        """All topics, the broker's own (``is_internal``) included."""
        return self._metadata(None, "listing topics")

    def create_topics(self, topics: Mapping[str, NewTopic]) -> Pending[dict[str, bool]]:
        """Settles with True per topic that was made, False where it was there already."""
        if not topics:
            return Pending.of({})
        body = CreateTopicsRequest(
            topics=tuple(
                CreatableTopic(
                    name=name,
                    num_partitions=BROKER_DEFAULT if new.partitions is None else new.partitions,
                    replication_factor=BROKER_DEFAULT,
                    configs=tuple(CreatableTopicConfig(name=key, value=value) for key, value in new.configs.items()),
                )
                for name, new in topics.items()
            ),
            timeout_ms=self._settings.request_timeout_ms,
        )

        def read(answer: CreateTopicsResponse) -> dict[str, bool]:
            made = {}
            for topic in answer.topics:
                exists = topic.error_code == ErrorCode.TOPIC_ALREADY_EXISTS
                if not exists:
                    self._judge.check(topic.error_code, f"creating topic {topic.name}", topic.error_message)
                made[topic.name] = not exists
            return made

        return self._ask(body, ANY, f"creating topics {', '.join(topics)}", read)

    def delete_topics(self, names: Sequence[str]) -> Pending[None]:
        """Fails with UNKNOWN_TOPIC_OR_PARTITION when one is missing."""
        if not names:
            return Pending.of(None)
        body = DeleteTopicsRequest(topic_names=tuple(names), timeout_ms=self._settings.request_timeout_ms)

        def read(answer: DeleteTopicsResponse) -> None:
            for topic in answer.responses:
                self._final(topic.error_code, f"deleting topic {topic.name}", topic.error_message)
                self._cluster.forget_leader(TopicPartition(topic.name or "", 0))

        return self._ask(body, ANY, f"deleting topics {', '.join(names)}", read, DELETE_TOPICS_MAX_VERSION)

    def list_offsets(
        self,
        timestamps: Mapping[TopicPartition, int],
        isolation: Isolation = Isolation.READ_UNCOMMITTED,
    ) -> Pending[dict[TopicPartition, int | None]]:
        """Offsets at ``LATEST_OFFSET``, ``EARLIEST_OFFSET`` or a time in ms; None where no record is that new."""
        pending: Pending[dict[TopicPartition, int | None]] = Pending()
        self._offset_requests.list_offsets(timestamps, isolation, pending.resolve, pending.fail)
        return pending

    def committed(
        self, group_id: str, topic_partitions: Sequence[TopicPartition], *, require_stable: bool = True
    ) -> Pending[dict[TopicPartition, OffsetAndMetadata | None]]:
        """Committed offsets; with ``require_stable`` waits for transactions that are about to change them."""
        topics: dict[str, list[int]] = {}
        for topic, partition in topic_partitions:
            topics.setdefault(topic, []).append(partition)
        group = OffsetFetchRequestGroup(
            group_id=group_id,
            topics=tuple(
                OffsetFetchRequestTopics(name=name, partition_indexes=tuple(indexes))
                for name, indexes in topics.items()
            ),
        )
        body = OffsetFetchRequest(groups=(group,), require_stable=require_stable)
        doing = f"fetching the committed offsets of group {group_id}"

        def read(answer: OffsetFetchResponse) -> dict[TopicPartition, OffsetAndMetadata | None]:
            return dict.fromkeys(topic_partitions) | self._committed(answer, doing)

        return self._ask(body, Coordinator(GROUP_COORDINATOR, group_id), doing, read, OFFSET_FETCH_MAX_VERSION)

    def commit_offsets(self, group_id: str, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> Pending[None]:
        """Commit outside of a transaction and of a membership."""
        if not offsets:
            return Pending.of(None)
        body = group_requests.commit(GroupIdentity(group_id), offsets)
        doing = f"committing offsets of group {group_id}"

        def read(answer: OffsetCommitResponse) -> None:
            for topic in answer.topics:
                for partition in topic.partitions:
                    self._judge.check(partition.error_code, f"{doing}, {topic.name}-{partition.partition_index}")

        return self._ask(body, Coordinator(GROUP_COORDINATOR, group_id), doing, read, OFFSET_COMMIT_MAX_VERSION)

    def group_offsets(self, group_id: str) -> Pending[dict[TopicPartition, OffsetAndMetadata]]:
        """Everything that a group has committed."""
        body = OffsetFetchRequest(groups=(OffsetFetchRequestGroup(group_id=group_id, topics=None),))
        doing = f"fetching the committed offsets of group {group_id}"

        def read(answer: OffsetFetchResponse) -> dict[TopicPartition, OffsetAndMetadata]:
            return self._committed(answer, doing)

        return self._ask(body, Coordinator(GROUP_COORDINATOR, group_id), doing, read, OFFSET_FETCH_MAX_VERSION)

    def _committed(self, answer: OffsetFetchResponse, doing: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """What an answer says is committed; partitions without a commit are left out."""
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        for found in answer.groups:
            self._judge.check(found.error_code, doing)
            for topic in found.topics:
                for partition in topic.partitions:
                    self._judge.check(partition.error_code, f"{doing}, {topic.name}-{partition.partition_index}")
                    if partition.committed_offset >= 0:
                        place = TopicPartition(topic.name, partition.partition_index)
                        offsets[place] = OffsetAndMetadata(partition.committed_offset, partition.metadata or "")
        return offsets

    def list_groups(self) -> Pending[list[GroupDescription]]:
        """All groups of all brokers: each broker knows those that it coordinates."""
        groups: list[GroupDescription] = []

        def take(answer: ListGroupsResponse) -> None:
            self._judge.check(answer.error_code, "listing groups")
            groups.extend(GroupDescription(group_id=group.group_id, state=group.group_state) for group in answer.groups)

        return self._of_each_broker(ListGroupsRequest(), "listing groups", take, groups)

    def describe_group(self, group_id: str) -> Pending[GroupDescription]:
        """A group with its members; Dead where there is none of that name, or one of another than the classic kind."""
        doing = f"describing group {group_id}"

        def read(answer: DescribeGroupsResponse) -> GroupDescription:
            (found,) = answer.groups
            if found.error_code != ErrorCode.GROUP_ID_NOT_FOUND:
                self._judge.check(found.error_code, doing)
            return read_group(found)

        body = DescribeGroupsRequest(groups=(group_id,))
        return self._ask(body, Coordinator(GROUP_COORDINATOR, group_id), doing, read)

    def delete_groups(self, names: Sequence[str]) -> Pending[None]:
        """Forget groups with all their offsets; fails for one that is not there or not empty."""
        if not names:
            return Pending.of(None)

        def read(answer: DeleteGroupsResponse) -> None:
            for result in answer.results:
                self._judge.check(result.error_code, f"deleting group {result.group_id}")

        pending: Pending[None] = Pending()
        each = [
            self._ask(
                DeleteGroupsRequest(groups_names=(name,)), Coordinator(GROUP_COORDINATOR, name), "deleting groups", read
            )
            for name in names
        ]
        _all_of(each, lambda: pending.resolve(None), pending.fail)
        return pending

    def alter_configs(self, topic: str, settings: Mapping[str, str | None]) -> Pending[None]:
        """Change single settings of a topic; None takes one back to its default."""
        changes = tuple(
            AlterableConfig(name=name, config_operation=CONFIG_DELETE if value is None else CONFIG_SET, value=value)
            for name, value in settings.items()
        )
        resource = AlterConfigsResource(resource_type=TOPIC_RESOURCE, resource_name=topic, configs=changes)

        def read(answer: IncrementalAlterConfigsResponse) -> None:
            for response in answer.responses:
                self._final(response.error_code, f"changing settings of topic {topic}", response.error_message)

        body = IncrementalAlterConfigsRequest(resources=(resource,))
        return self._ask(body, ANY, f"changing settings of topic {topic}", read)

    def delete_records(self, offsets: Mapping[TopicPartition, int]) -> Pending[dict[TopicPartition, int]]:
        """Give up records before the offsets (-1: all); settles with the new starts."""
        starts: dict[TopicPartition, int] = {}
        pending: Pending[dict[TopicPartition, int]] = Pending()
        if not offsets:
            return Pending.of(starts)
        each = [self._delete_records(topic_partition, offset, starts) for topic_partition, offset in offsets.items()]
        _all_of(each, lambda: pending.resolve(starts), pending.fail)
        return pending

    def describe_configs(self, topics: Sequence[str]) -> Pending[dict[str, dict[str, str | None]]]:
        """Every setting of each topic, defaults included."""
        if not topics:
            return Pending.of({})
        body = DescribeConfigsRequest(
            resources=tuple(
                DescribeConfigsResource(resource_type=TOPIC_RESOURCE, resource_name=name, configuration_keys=None)
                for name in topics
            )
        )

        def read(answer: DescribeConfigsResponse) -> dict[str, dict[str, str | None]]:
            found: dict[str, dict[str, str | None]] = {}
            for result in answer.results:
                self._final(result.error_code, f"describing topic {result.resource_name}", result.error_message)
                found[result.resource_name] = {config.name: config.value for config in result.configs}
            return found

        return self._ask(body, ANY, f"describing the settings of {', '.join(topics)}", read)

    def partition_sizes(self, topic: str, partitions: int) -> Pending[dict[TopicPartition, int]]:
        """Bytes of each partition's log, of its largest replica; without those that no broker tells us of, or may."""
        sizes: dict[TopicPartition, int] = {}
        doing = f"asking for the size of topic {topic}"
        body = DescribeLogDirsRequest(
            topics=(DescribableLogDirTopic(topic=topic, partitions=tuple(range(partitions))),)
        )

        def take(answer: DescribeLogDirsResponse) -> None:
            if answer.error_code == ErrorCode.CLUSTER_AUTHORIZATION_FAILED:
                return
            self._judge.check(answer.error_code, doing)
            for result in answer.results:
                self._judge.check(result.error_code, f"{doing} in {result.log_dir}")
                for found in result.topics:
                    for partition in found.partitions:
                        place = TopicPartition(found.name, partition.partition_index)
                        sizes[place] = max(sizes.get(place, 0), partition.partition_size)

        return self._of_each_broker(body, doing, take, sizes)

    def _of_each_broker(self, body: Any, doing: str, take: Callable[[Any], None], gathered: T) -> Pending[T]:
        """Settles with ``gathered`` once ``take`` has seen the answers of all brokers."""
        pending: Pending[T] = Pending()

        def ask_each(brokers: Pending[list[int]]) -> None:
            if brokers.error is not None:
                pending.fail(brokers.error)
                return
            each = [self._ask(body, Node(node_id), doing, take) for node_id in brokers.result()]
            _all_of(each, lambda: pending.resolve(gathered), pending.fail)

        self._brokers().then(ask_each)
        return pending

    def _delete_records(
        self, topic_partition: TopicPartition, offset: int, starts: dict[TopicPartition, int]
    ) -> Pending[None]:
        wanted = DeleteRecordsPartition(partition_index=topic_partition.partition, offset=offset)
        body = DeleteRecordsRequest(
            topics=(DeleteRecordsTopic(name=topic_partition.topic, partitions=(wanted,)),),
            timeout_ms=self._settings.request_timeout_ms,
        )
        doing = f"deleting records of {topic_partition} before offset {offset}"

        def read(answer: DeleteRecordsResponse) -> None:
            for topic in answer.topics:
                for partition in topic.partitions:
                    self._judge.check(partition.error_code, doing)
                    starts[topic_partition] = partition.low_watermark

        return self._ask(body, Leader(topic_partition), doing, read)

    def _metadata(
        self, topics: tuple[MetadataRequestTopic, ...] | None, doing: str
    ) -> Pending[dict[str, TopicDescription]]:
        body = MetadataRequest(topics=topics, allow_auto_topic_creation=False)

        def read(answer: MetadataResponse) -> dict[str, TopicDescription]:
            found: dict[str, TopicDescription] = {}
            for topic in answer.topics:
                if topic.name is None or topic.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                    continue
                self._judge.check(topic.error_code, f"describing topic {topic.name}")
                found[topic.name] = TopicDescription(
                    name=topic.name, partitions=len(topic.partitions), is_internal=topic.is_internal
                )
            return found

        return self._ask(body, ANY, doing, read, METADATA_MAX_VERSION)

    def _brokers(self) -> Pending[list[int]]:
        """Node ids of the brokers that are alive."""

        def read(answer: MetadataResponse) -> list[int]:
            return [broker.node_id for broker in answer.brokers]

        return self._ask(MetadataRequest(topics=()), ANY, "listing brokers", read, METADATA_MAX_VERSION)

    def _final(self, code: int, doing: str, detail: str | None) -> None:
        """As the judge's ``check``, but a missing topic is an answer: somebody asked for this very name."""
        if code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
            raise ClientError(code, f"{doing} was refused: there is no such topic")
        self._judge.check(code, doing, detail)

    def _ask(
        self,
        body: Any,
        where: Where,
        doing: str,
        read: Callable[[Any], T],
        max_version: int | None = None,
    ) -> Pending[T]:
        pending: Pending[T] = Pending()

        def settle(answer: Any) -> None:
            pending.resolve(read(answer))

        self._exchanges.start(Exchange(body, where, doing, settle, pending.fail, max_version))
        return pending


def _all_of(each: Sequence[Pending[Any]], done: Callable[[], None], fail: Callable[[ClientError], None]) -> None:
    """Call back once all are settled well, or with the first error."""
    gathered = Gather(len(each), done, fail)
    for one in each:
        one.then(lambda one: gathered.done() if one.error is None else gathered.fail(_client_error(one.error)))


def _client_error(error: Exception) -> ClientError:
    assert isinstance(error, ClientError)
    return error
