"""The requests of a transaction: how each is asked, how its answer is read. State is ``transactions``'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from broker_core.errors import ErrorCode
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from broker_core.protocol.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
)
from broker_core.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.protocol.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
)
from streams.client.calls import (
    GROUP_COORDINATOR,
    TRANSACTION_COORDINATOR,
    Coordinator,
    Exchange,
    Exchanges,
    Judge,
    Where,
)
from streams.client.group_settings import GroupIdentity
from streams.client.sender import Identity
from streams.client.settings import SOFTWARE_NAME, SOFTWARE_VERSION
from streams.errors import ClientError
from streams.model import OffsetAndMetadata, TopicPartition

END_TXN_V1: Final = 4
TXN_OFFSET_COMMIT_V1: Final = 4
"""The newest versions of the transaction protocol before KIP-890. From the next ones on the end of every transaction
raises the epoch, and a write adds its partition to the transaction by itself; these go together, with Produce 12."""
TRANSACTION_VERSION: Final = "transaction.version"

Done = Callable[[], None]
Fail = Callable[[ClientError], None]


class TransactionRequests:
    """Asks the coordinators on behalf of one transactional id; retries until the operation's time is up."""

    def __init__(self, transactional_id: str, timeout_ms: int, exchanges: Exchanges, judge: Judge) -> None:
        self._id, self._timeout_ms = transactional_id, timeout_ms
        self._exchanges, self._judge = exchanges, judge
        self._where = Coordinator(TRANSACTION_COORDINATOR, transactional_id)

    def learn_protocol(self, done: Callable[[bool], None], fail: Fail) -> None:
        """Whether the cluster has KIP-890's transactions in force: every broker of it then speaks their versions."""
        body = ApiVersionsRequest(client_software_name=SOFTWARE_NAME, client_software_version=SOFTWARE_VERSION)

        def settle(answer: ApiVersionsResponse) -> None:
            levels = {feature.name: feature.max_version_level for feature in answer.finalized_features}
            done(answer.finalized_features_epoch >= 0 and levels.get(TRANSACTION_VERSION, 0) >= 2)

        self._start(body, self._where, f"asking what the coordinator of {self._id} speaks", settle, fail)

    def claim(self, current: Identity | None, done: Callable[[Identity], None], fail: Fail) -> None:
        """InitProducerId: a first identity, or ``current`` with the next epoch. Waits for a transaction being ended."""
        current = current or Identity(-1, -1)
        body = InitProducerIdRequest(
            transactional_id=self._id,
            transaction_timeout_ms=self._timeout_ms,
            producer_id=current.producer_id,
            producer_epoch=current.epoch,
        )
        doing = f"claiming transactional id {self._id}"

        def settle(answer: InitProducerIdResponse) -> None:
            self._judge.check(answer.error_code, doing)
            done(Identity(answer.producer_id, answer.producer_epoch))

        self._start(body, self._where, doing, settle, fail)

    def add_partitions(self, identity: Identity, partitions: Iterable[TopicPartition], done: Done, fail: Fail) -> None:
        topics: dict[str, list[int]] = {}
        for topic, partition in partitions:
            topics.setdefault(topic, []).append(partition)
        body = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self._id,
            v3_and_below_producer_id=identity.producer_id,
            v3_and_below_producer_epoch=identity.epoch,
            v3_and_below_topics=tuple(
                AddPartitionsToTxnTopic(name=name, partitions=tuple(added)) for name, added in topics.items()
            ),
        )
        doing = f"adding partitions to a transaction of {self._id}"

        def settle(answer: AddPartitionsToTxnResponse) -> None:
            for topic in answer.results_by_topic_v3_and_below:
                for partition in topic.results_by_partition:
                    # The others of a refused request say "not attempted"; the culprit says why.
                    if partition.partition_error_code != ErrorCode.OPERATION_NOT_ATTEMPTED:
                        place = f"{doing}, {topic.name}-{partition.partition_index}"
                        self._judge.check(partition.partition_error_code, place)
            done()

        self._start(body, self._where, doing, settle, fail)

    def add_offsets(self, identity: Identity, group_id: str, done: Done, fail: Fail) -> None:
        body = AddOffsetsToTxnRequest(
            transactional_id=self._id,
            producer_id=identity.producer_id,
            producer_epoch=identity.epoch,
            group_id=group_id,
        )
        doing = f"adding the offsets of group {group_id} to a transaction of {self._id}"

        def settle(answer: AddOffsetsToTxnResponse) -> None:
            self._judge.check(answer.error_code, doing)
            done()

        self._start(body, self._where, doing, settle, fail)

    def commit_offsets(
        self,
        identity: Identity,
        group: GroupIdentity,
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        done: Done,
        fail: Fail,
        *,
        is_v2: bool = False,
    ) -> None:
        topics: dict[str, list[TxnOffsetCommitRequestPartition]] = {}
        for (topic, partition), committed in offsets.items():
            topics.setdefault(topic, []).append(
                TxnOffsetCommitRequestPartition(
                    partition_index=partition,
                    committed_offset=committed.offset,
                    committed_metadata=committed.metadata,
                )
            )
        body = TxnOffsetCommitRequest(
            transactional_id=self._id,
            group_id=group.group_id,
            generation_id=group.generation,
            member_id=group.member_id,
            group_instance_id=group.instance_id,
            producer_id=identity.producer_id,
            producer_epoch=identity.epoch,
            topics=tuple(
                TxnOffsetCommitRequestTopic(name=name, partitions=tuple(committed))
                for name, committed in topics.items()
            ),
        )
        doing = f"committing offsets of group {group.group_id} in a transaction of {self._id}"

        def settle(answer: TxnOffsetCommitResponse) -> None:
            for topic in answer.topics:
                for partition in topic.partitions:
                    self._judge.check(partition.error_code, f"{doing}, {topic.name}-{partition.partition_index}")
            done()

        where = Coordinator(GROUP_COORDINATOR, group.group_id)
        self._start(body, where, doing, settle, fail, None if is_v2 else TXN_OFFSET_COMMIT_V1)

    def end(
        self,
        identity: Identity,
        *,
        commit: bool,
        known: bool,
        done: Callable[[Identity | None], None],
        fail: Fail,
        is_v2: bool = False,
    ) -> None:
        """EndTxn; ``done`` gets the identity to go on with, where the end raised the epoch.

        An abort of a transaction that the coordinator may never have heard of (not ``known``) is fine.
        """
        body = EndTxnRequest(
            transactional_id=self._id,
            producer_id=identity.producer_id,
            producer_epoch=identity.epoch,
            committed=commit,
        )
        doing = f"{'committing' if commit else 'aborting'} a transaction of {self._id}"

        def settle(answer: EndTxnResponse) -> None:
            if commit or known or answer.error_code != ErrorCode.INVALID_TXN_STATE:
                self._judge.check(answer.error_code, doing)
            done(Identity(answer.producer_id, answer.producer_epoch) if answer.producer_id >= 0 else None)

        self._start(body, self._where, doing, settle, fail, None if is_v2 else END_TXN_V1)

    def _start(
        self,
        body: Any,
        where: Where,
        doing: str,
        settle: Callable[[Any], None],
        fail: Fail,
        max_version: int | None = None,
    ) -> None:
        self._exchanges.start(Exchange(body, where, doing, settle, fail, max_version))
