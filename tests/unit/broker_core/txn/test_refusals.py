"""Error codes per version: 90 for those who know it, 47 for the others."""

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.txn.refusals import TransactionRequest, refusal


@pytest.mark.parametrize(
    ("request_body", "first_knowing"),
    [(InitProducerIdRequest(), 4), (AddOffsetsToTxnRequest(), 2), (EndTxnRequest(), 2)],
)
def test_fenced_is_told_in_the_words_of_the_version(request_body: TransactionRequest, first_knowing: int) -> None:
    told = [refusal(request_body, ErrorCode.PRODUCER_FENCED, version) for version in (first_knowing - 1, first_knowing)]
    codes = [getattr(response, "error_code") for response in told]
    assert codes == [ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED]


def test_every_partition_is_told() -> None:
    request = AddPartitionsToTxnRequest(
        v3_and_below_topics=(
            AddPartitionsToTxnTopic(name="a", partitions=(0, 1)),
            AddPartitionsToTxnTopic(name="b", partitions=(2,)),
        )
    )
    told = refusal(request, ErrorCode.PRODUCER_FENCED, 1)
    assert [
        (topic.name, each.partition_index, each.partition_error_code)
        for topic in told.results_by_topic_v3_and_below  # type: ignore[union-attr]
        for each in topic.results_by_partition
    ] == [("a", 0, 47), ("a", 1, 47), ("b", 2, 47)]


def test_other_codes_are_the_same_in_all_versions() -> None:
    told = refusal(EndTxnRequest(), ErrorCode.CONCURRENT_TRANSACTIONS, 0)
    assert getattr(told, "error_code") == ErrorCode.CONCURRENT_TRANSACTIONS


def test_a_refused_producer_gets_no_id() -> None:
    told = refusal(InitProducerIdRequest(), ErrorCode.INVALID_REQUEST, 4)
    assert (getattr(told, "producer_id"), getattr(told, "producer_epoch")) == (-1, -1)
