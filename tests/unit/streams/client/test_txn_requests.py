from __future__ import annotations

import random
from typing import Any

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)
from broker_core.protocol.api_versions import ApiVersionsResponse, FinalizedFeatureKey
from broker_core.protocol.end_txn import EndTxnResponse
from streams.client.calls import ANY, Call, Exchanges, Judge, Node
from streams.client.sender import Identity
from streams.client.settings import ClientSettings
from streams.client.txn_requests import END_TXN_V1, TransactionRequests
from streams.errors import ClientError
from streams.model import TopicPartition

ME = Identity(3, 1)


class AnyRouter:
    def locate(self, where: Any) -> Node:
        return ANY

    def forget(self, where: Any, code: int) -> None: ...


class Bench:
    def __init__(self) -> None:
        settings = ClientSettings()
        self.exchanges = Exchanges(AnyRouter(), settings, random.Random(1))
        self.requests = TransactionRequests("tx", 5_000, self.exchanges, Judge(settings))
        self.done: list[Any] = []
        self.failed: list[ClientError] = []

    def call(self) -> Call:
        (call,) = self.exchanges.calls(0)
        return call


def test_a_first_claim_has_no_identity() -> None:
    bench = Bench()
    bench.requests.claim(None, bench.done.append, bench.failed.append)
    body = bench.call().body
    assert (body.producer_id, body.producer_epoch, body.transaction_timeout_ms) == (-1, -1, 5_000)


def test_the_partition_that_was_refused_is_named_not_those_that_were_not_attempted() -> None:
    bench = Bench()
    places = [TopicPartition("t", 0), TopicPartition("t", 1)]
    bench.requests.add_partitions(ME, places, lambda: bench.done.append(1), bench.failed.append)
    results = (
        AddPartitionsToTxnPartitionResult(partition_index=0, partition_error_code=ErrorCode.OPERATION_NOT_ATTEMPTED),
        AddPartitionsToTxnPartitionResult(partition_index=1, partition_error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED),
    )
    topic = AddPartitionsToTxnTopicResult(name="t", results_by_partition=results)
    bench.call().answered(AddPartitionsToTxnResponse(results_by_topic_v3_and_below=(topic,)), 0)
    assert bench.done == []
    assert "t-1 was refused: TOPIC_AUTHORIZATION_FAILED" in str(bench.failed[0])


def test_ending_speaks_the_form_without_epoch_bump() -> None:
    bench = Bench()
    bench.requests.end(ME, commit=True, known=True, done=bench.done.append, fail=bench.failed.append)
    call = bench.call()
    assert (call.max_version, call.body.committed, call.body.producer_epoch) == (END_TXN_V1, True, 1)


def test_only_an_abort_may_meet_an_unknown_transaction() -> None:
    for commit, known, fine in ((False, False, True), (False, True, False), (True, False, False)):
        bench = Bench()
        bench.requests.end(ME, commit=commit, known=known, done=bench.done.append, fail=bench.failed.append)
        bench.call().answered(EndTxnResponse(error_code=ErrorCode.INVALID_TXN_STATE), 0)
        assert (bool(bench.done), bool(bench.failed)) == (fine, not fine)


def features(level: int, epoch: int = 3) -> ApiVersionsResponse:
    found = (FinalizedFeatureKey(name="transaction.version", max_version_level=level, min_version_level=1),)
    return ApiVersionsResponse(finalized_features_epoch=epoch, finalized_features=found)


@pytest.mark.parametrize(
    ("answer", "is_v2"),
    [(features(2), True), (features(1), False), (features(2, epoch=-1), False), (ApiVersionsResponse(), False)],
)
def test_the_protocol_is_what_the_cluster_has_in_force(answer: ApiVersionsResponse, is_v2: bool) -> None:
    bench = Bench()
    bench.requests.learn_protocol(bench.done.append, bench.failed.append)
    call = bench.call()
    assert call.body.client_software_name == "streams-dsl"
    call.answered(answer, 0)
    assert bench.done == [is_v2] and bench.failed == []


def test_an_end_that_raises_the_epoch_says_how_to_go_on() -> None:
    bench = Bench()
    bench.requests.end(ME, commit=True, known=True, done=bench.done.append, fail=bench.failed.append, is_v2=True)
    call = bench.call()
    assert call.max_version is None
    call.answered(EndTxnResponse(producer_id=9, producer_epoch=4), 0)
    assert bench.done == [Identity(9, 4)]
