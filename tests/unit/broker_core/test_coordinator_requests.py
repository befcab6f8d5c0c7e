"""Every request that can fail has a refusal."""

import pytest

from broker_core.coordinator_requests import abortable, refuse
from broker_core.errors import ErrorCode
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.find_coordinator import FindCoordinatorRequest
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.protocol.offset_fetch import OffsetFetchRequest
from tests.unit.broker_core.coordinator_world import A, add_request, commit_request, txn_commit_request

CODE = ErrorCode.KAFKA_STORAGE_ERROR


@pytest.mark.parametrize("request_body", [AddOffsetsToTxnRequest(), EndTxnRequest(), InitProducerIdRequest()])
def test_requests_with_one_code(request_body: object) -> None:
    assert getattr(refuse(request_body, CODE, 3), "error_code") == CODE


@pytest.mark.parametrize("request_body", [commit_request({A: 1}), txn_commit_request((0, 0), {A: 1})])
def test_commits_are_refused_partition_by_partition(request_body: object) -> None:
    (topic,) = getattr(refuse(request_body, CODE, 3), "topics")
    assert [(each.partition_index, each.error_code) for each in topic.partitions] == [(0, CODE)]


def test_the_others() -> None:
    (topic,) = getattr(refuse(add_request((0, 0), [A]), CODE, 3), "results_by_topic_v3_and_below")
    assert topic.results_by_partition[0].partition_error_code == CODE
    assert getattr(refuse(OffsetFetchRequest(group_id="g"), CODE, 7), "error_code") == CODE


def test_what_cannot_fail_has_none() -> None:
    with pytest.raises(TypeError, match="FindCoordinatorRequest"):
        refuse(FindCoordinatorRequest(), CODE, 3)


def test_abortable_is_for_those_who_know_it() -> None:
    assert abortable(ErrorCode.TRANSACTION_ABORTABLE, is_known=True) is ErrorCode.TRANSACTION_ABORTABLE
    assert abortable(ErrorCode.TRANSACTION_ABORTABLE, is_known=False) is ErrorCode.INVALID_TXN_STATE
    assert abortable(ErrorCode.PRODUCER_FENCED, is_known=False) is ErrorCode.PRODUCER_FENCED
