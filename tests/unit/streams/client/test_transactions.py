"""The transaction machine through a client whose coordinator's answers are written by the test."""

from __future__ import annotations

import random
from typing import Any

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from broker_core.protocol.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)
from broker_core.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey
from broker_core.protocol.batch import read_header
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.protocol.produce import ProduceRequest
from broker_core.protocol.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitResponse
from streams.client.client import Client
from streams.client.errors import ConnectionLost
from streams.client.settings import ClientSettings
from streams.client.transactions import TRANSITIONS, State
from streams.errors import ClientError, ProducerFenced, TransactionAborted
from streams.model import OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport
from tests.unit.streams.client.world import produced

OFFSETS = {TopicPartition("in", 0): OffsetAndMetadata(5, "m")}


class Bench:
    """A producer with transactions that is ready, at epoch 0."""

    def __init__(self, *, v2: bool = False) -> None:
        self.transport = ScriptedTransport({"t": [1, 1]})
        settings = ClientSettings(transactions_v2=v2)
        self.client = Client(self.transport, client_id="c", random=random.Random(1), settings=settings)
        self.producer = self.client.producer(transactional_id="tx")
        self.now = 0
        claimed = self.producer.init_transactions()
        if v2:
            in_force = (FinalizedFeatureKey(name="transaction.version", max_version_level=2),)
            self.answer(
                ApiVersionsRequest, ApiVersionsResponse(finalized_features_epoch=1, finalized_features=in_force)
            )
        self.claim(0)
        claimed.result()

    def poll(self, after_ms: int = 0) -> None:
        self.now += after_ms
        self.client.poll(self.now)

    def answer(self, kind: type, answer: Any) -> Any:
        self.poll()
        token, _, body = self.transport.take(kind)
        self.transport.answer(token, answer(body) if callable(answer) else answer)
        self.poll()
        return body

    def claim(self, epoch: int) -> InitProducerIdRequest:
        return self.answer(InitProducerIdRequest, InitProducerIdResponse(producer_id=3, producer_epoch=epoch))

    def add(self, code: int = 0) -> AddPartitionsToTxnRequest:
        return self.answer(
            AddPartitionsToTxnRequest,
            lambda body: AddPartitionsToTxnResponse(
                results_by_topic_v3_and_below=tuple(
                    AddPartitionsToTxnTopicResult(
                        name=topic.name,
                        results_by_partition=tuple(
                            AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=code)
                            for index in topic.partitions
                        ),
                    )
                    for topic in body.v3_and_below_topics
                )
            ),
        )

    def produce(self, code: int = 0) -> ProduceRequest:
        return self.answer(ProduceRequest, lambda body: produced(body, code))

    def end(self, code: int = 0) -> EndTxnRequest:
        return self.answer(EndTxnRequest, EndTxnResponse(error_code=code))

    def open_with(self, *partitions: int) -> None:
        self.producer.begin()
        for partition in partitions:
            self.producer.append("t", partition, [b"k"], [b"v"], [1])

    def kinds(self) -> list[type]:
        self.poll()
        return [type(body) for _, _, body in self.transport.requests]


def test_the_table_has_a_row_for_every_state_and_no_way_out_of_fatal() -> None:
    assert set(TRANSITIONS) == set(State)
    assert TRANSITIONS[State.FATAL] == frozenset()
    assert all(State.FATAL in TRANSITIONS[state] for state in State if state is not State.FATAL)


def test_nothing_is_sent_for_an_empty_transaction() -> None:
    bench = Bench()
    for end in (bench.producer.commit, bench.producer.abort):
        bench.producer.begin()
        ended = end()
        assert bench.kinds() == []
        assert ended.result() is None


def test_a_commit_adds_all_partitions_in_one_request_writes_and_ends() -> None:
    bench = Bench()
    bench.open_with(0, 1)
    assert bench.kinds() == [], "begin and small appends send nothing"
    committed = bench.producer.commit()
    assert bench.add().v3_and_below_topics[0].partitions == (0, 1)
    assert len(bench.produce().topic_data[0].partition_data) == 2
    assert not committed.done
    ended = bench.end()
    assert (ended.committed, ended.producer_id, ended.producer_epoch) == (True, 3, 0)
    assert committed.result() is None


def test_offsets_and_records_go_side_by_side_and_the_end_waits_for_both() -> None:
    bench = Bench()
    bench.open_with(0)
    sent = bench.producer.send_offsets("g", OFFSETS)
    bench.producer.commit()
    assert bench.kinds() == [AddOffsetsToTxnRequest, AddPartitionsToTxnRequest]
    bench.answer(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse())
    bench.add()
    assert sorted(kind.__name__ for kind in bench.kinds()) == ["ProduceRequest", "TxnOffsetCommitRequest"]
    bench.produce()
    assert EndTxnRequest not in bench.kinds()
    body = bench.answer(TxnOffsetCommitRequest, TxnOffsetCommitResponse())
    assert body.topics[0].partitions[0].committed_metadata == "m"
    assert sent.result() is None
    assert bench.kinds() == [EndTxnRequest]


def test_while_the_last_transaction_is_being_completed_adding_is_retried_soon() -> None:
    bench = Bench()
    bench.open_with(0)
    committed = bench.producer.commit()
    for _ in range(3):
        bench.add(ErrorCode.CONCURRENT_TRANSACTIONS)
        assert bench.kinds() == []
        due = bench.client.next_deadline()
        assert due is not None and 0 < due - bench.now < 10
        bench.now = due
    bench.add()
    bench.produce()
    bench.end(ErrorCode.CONCURRENT_TRANSACTIONS)
    bench.poll(100)
    bench.end()
    assert committed.result() is None


@pytest.mark.parametrize("code", [ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH])
@pytest.mark.parametrize("where", ["add", "produce", "end", "offsets"])
def test_fencing_is_final_wherever_it_shows(code: ErrorCode, where: str) -> None:
    bench = Bench()
    bench.open_with(0)
    if where == "offsets":
        bench.producer.send_offsets("g", OFFSETS)
    committed = bench.producer.commit()
    if where == "offsets":
        bench.answer(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse(error_code=code))
    else:
        for step in ("add", "produce", "end"):
            getattr(bench, step)(code if step == where else 0)
            if step == where:
                break
    with pytest.raises(ProducerFenced):
        committed.result()
    assert isinstance(bench.producer.fatal_error, ProducerFenced)
    for call in (bench.producer.begin, bench.producer.abort, lambda: bench.producer.append("t", 0, [], [], [])):
        with pytest.raises(ProducerFenced):
            call()
    with pytest.raises(ProducerFenced):
        bench.producer.flush().result()


def test_after_a_refused_batch_only_abort_is_left_and_it_raises_the_epoch() -> None:
    bench = Bench()
    bench.open_with(0)
    committed = bench.producer.commit()
    bench.add()
    bench.produce(ErrorCode.INVALID_RECORD)
    with pytest.raises(TransactionAborted, match="can only be aborted: writing to t-0 was refused: INVALID_RECORD"):
        committed.result()
    with pytest.raises(TransactionAborted):
        bench.producer.append("t", 0, [b"k"], [b"v"], [1])
    with pytest.raises(TransactionAborted):
        bench.producer.flush().result()
    assert bench.producer.fatal_error is None
    aborted = bench.producer.abort()
    assert not bench.end().committed
    claimed = bench.claim(1)
    assert (claimed.producer_id, claimed.producer_epoch) == (3, 0)
    assert aborted.result() is None
    bench.open_with(0)
    bench.producer.commit()
    assert bench.add().v3_and_below_producer_epoch == 1


def test_abort_waits_for_what_is_in_the_air_and_drops_the_rest() -> None:
    bench = Bench()
    bench.open_with(0)
    flushed = bench.producer.flush()
    bench.add()
    bench.producer.append("t", 1, [b"k"], [b"later"], [1])
    bench.poll()
    aborted = bench.producer.abort()
    with pytest.raises(TransactionAborted):
        flushed.result()
    assert bench.kinds() == [ProduceRequest]
    assert bench.producer.buffered_bytes == 0
    bench.produce()
    assert bench.kinds() == [EndTxnRequest]
    bench.end()
    assert aborted.result() is None, "all outcomes are known, so the epoch may stay"


def test_an_abort_with_an_unknown_outcome_raises_the_epoch() -> None:
    bench = Bench()
    bench.open_with(0)
    bench.producer.flush()
    bench.add()
    aborted = bench.producer.abort()
    bench.answer(ProduceRequest, ConnectionLost())
    bench.end()
    bench.claim(1)
    assert aborted.result() is None


def test_an_abort_of_a_batch_that_waits_for_its_retry_raises_the_epoch() -> None:
    """Whether it was written is unknown, and so is the sequence that the broker expects next."""
    bench = Bench()
    bench.open_with(0)
    bench.producer.flush()
    bench.add()
    bench.answer(ProduceRequest, ConnectionLost())
    aborted = bench.producer.abort()
    bench.end()
    bench.claim(1)
    assert aborted.result() is None


def test_an_abort_that_the_coordinator_never_heard_of_is_done() -> None:
    bench = Bench()
    bench.open_with(0)
    bench.producer.flush()
    bench.add(ErrorCode.INVALID_TOPIC_EXCEPTION)
    aborted = bench.producer.abort()
    bench.end(ErrorCode.INVALID_TXN_STATE)
    bench.claim(1)
    assert aborted.result() is None


def test_offsets_of_a_transaction_that_is_being_aborted_are_not_sent() -> None:
    bench = Bench()
    bench.producer.begin()
    sent = bench.producer.send_offsets("g", OFFSETS)
    bench.poll()
    bench.producer.abort()
    bench.answer(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse())
    with pytest.raises(TransactionAborted):
        sent.result()
    assert bench.kinds() == [EndTxnRequest]


def test_a_commit_whose_outcome_stays_unknown_ends_the_producer() -> None:
    bench = Bench()
    bench.open_with(0)
    committed = bench.producer.commit()
    bench.add()
    bench.produce()
    bench.poll()
    token, _, _ = bench.transport.take(EndTxnRequest)
    bench.now += 1_000_000
    bench.transport.answer(token, ConnectionLost())
    bench.poll()
    with pytest.raises(ClientError):
        committed.result()
    assert bench.producer.fatal_error is not None


def test_claiming_again_is_possible_after_a_failure_that_is_not_final() -> None:
    transport = ScriptedTransport({})
    client = Client(transport, client_id="c", random=random.Random(1), settings=ClientSettings(transactions_v2=False))
    producer = client.producer(transactional_id="tx")
    claimed = producer.init_transactions()
    client.poll(0)
    token, _, _ = transport.take(InitProducerIdRequest)
    transport.answer(token, InitProducerIdResponse(error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED))
    client.poll(0)
    with pytest.raises(ClientError):
        claimed.result()
    assert not producer.init_transactions().done


def test_calls_out_of_turn_say_so() -> None:
    bench = Bench()
    with pytest.raises(RuntimeError, match="is ready; this needs it to be open"):
        bench.producer.append("t", 0, [b"k"], [b"v"], [1])
    bench.producer.begin()
    with pytest.raises(RuntimeError, match="is open; this needs it to be ready"):
        bench.producer.begin()


def ended(epoch: int) -> EndTxnResponse:
    return EndTxnResponse(producer_id=3, producer_epoch=epoch)


def test_v2_announces_nothing_and_goes_on_under_the_epoch_that_the_end_gave() -> None:
    """KIP-890: a write and a commit of offsets add themselves; sequences begin anew with every transaction."""
    bench = Bench(v2=True)
    for epoch in (0, 1):
        bench.open_with(0)
        bench.producer.send_offsets("g", OFFSETS)
        committed = bench.producer.commit()
        assert sorted(kind.__name__ for kind in bench.kinds()) == ["ProduceRequest", "TxnOffsetCommitRequest"]
        data = bench.produce().topic_data[0].partition_data[0].records
        assert data is not None
        header = read_header(data)
        assert (header.producer_epoch, header.base_sequence) == (epoch, 0)
        offsets = bench.answer(TxnOffsetCommitRequest, TxnOffsetCommitResponse())
        assert offsets.producer_epoch == epoch
        assert bench.answer(EndTxnRequest, ended(epoch + 1)).producer_epoch == epoch
        assert committed.result() is None


def test_v2_an_abort_after_an_error_needs_no_further_claim() -> None:
    bench = Bench(v2=True)
    bench.open_with(0)
    committed = bench.producer.commit()
    bench.produce(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(TransactionAborted):
        committed.result()
    aborted = bench.producer.abort()
    assert bench.answer(EndTxnRequest, ended(1)).committed is False
    assert aborted.result() is None and bench.kinds() == []


def test_v2_nothing_is_sent_for_an_empty_transaction() -> None:
    """Its commit would be refused: the coordinator has never heard of it."""
    bench = Bench(v2=True)
    for end in (bench.producer.commit, bench.producer.abort):
        bench.producer.begin()
        assert end().done is False and bench.kinds() == []
