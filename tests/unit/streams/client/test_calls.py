from __future__ import annotations

import random
from typing import Any

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from streams.client.calls import ANY, Again, Backoff, Exchange, Exchanges, Judge, Leader, Node
from streams.client.errors import ConnectionLost
from streams.client.settings import ClientSettings
from streams.errors import ClientError
from streams.model import TopicPartition

SETTINGS = ClientSettings(operation_timeout_ms=1_000)
JUDGE = Judge(SETTINGS)


class FakeRouter:
    def __init__(self, node: Node | None = ANY) -> None:
        self.node = node
        self.forgotten: list[tuple[Any, int]] = []

    def locate(self, where: Any) -> Node | None:
        return self.node

    def forget(self, where: Any, code: int) -> None:
        self.forgotten.append((where, code))


class Outcome:
    """Starts one exchange and keeps how it ended."""

    def __init__(self, router: FakeRouter | None = None) -> None:
        self.router = router or FakeRouter()
        self.exchanges = Exchanges(self.router, SETTINGS, random.Random(1))
        self.value: Any = None
        self.error: ClientError | None = None
        self.where = Leader(TopicPartition("t", 0))
        self.exchanges.start(Exchange(EndTxnRequest(), self.where, "ending", self._settle, self._fail, 3))

    def _settle(self, answer: EndTxnResponse) -> None:
        JUDGE.check(answer.error_code, "ending")
        self.value = answer

    def _fail(self, error: ClientError) -> None:
        self.error = error


def test_an_answer_settles_it() -> None:
    outcome = Outcome()
    (call,) = outcome.exchanges.calls(0)
    assert (call.node_id, call.max_version) == (None, 3)
    call.answered(EndTxnResponse(), 1)
    assert outcome.value == EndTxnResponse()
    assert outcome.exchanges.calls(10_000) == []


@pytest.mark.parametrize("code", [ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_LEADER_OR_FOLLOWER])
def test_a_stale_place_is_forgotten_and_asked_again_after_a_wait(code: ErrorCode) -> None:
    outcome = Outcome()
    outcome.exchanges.calls(0)[0].answered(EndTxnResponse(error_code=code), 0)
    assert outcome.router.forgotten == [(outcome.where, code)]
    assert outcome.exchanges.calls(0) == []
    due = outcome.exchanges.next_deadline()
    assert due is not None and 0 < due < 50
    assert len(outcome.exchanges.calls(due)) == 1


def test_a_concurrent_transaction_is_come_back_to_within_milliseconds() -> None:
    outcome = Outcome()
    now, waits = 0, []
    for _ in range(8):
        outcome.exchanges.calls(now)[0].answered(EndTxnResponse(error_code=ErrorCode.CONCURRENT_TRANSACTIONS), now)
        due = outcome.exchanges.next_deadline()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits[0] == 1
    assert waits == sorted(waits) and waits[-1] <= 60


def test_a_lost_answer_is_a_reason_to_try_again() -> None:
    outcome = Outcome()
    outcome.exchanges.calls(0)[0].lost(ConnectionLost(), 0)
    assert outcome.error is None
    assert len(outcome.exchanges.calls(500)) == 1


def test_a_refusal_ends_it() -> None:
    outcome = Outcome()
    outcome.exchanges.calls(0)[0].answered(EndTxnResponse(error_code=ErrorCode.INVALID_TXN_STATE), 0)
    assert outcome.error is not None and outcome.error.code == ErrorCode.INVALID_TXN_STATE


def test_retries_end_with_the_operations_time_and_keep_the_reason() -> None:
    outcome = Outcome()
    outcome.exchanges.calls(0)
    call = Outcome()
    first = call.exchanges.calls(0)[0]
    first.answered(EndTxnResponse(error_code=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS), 1_000)
    assert call.error is not None and "COORDINATOR_LOAD_IN_PROGRESS" in str(call.error)


def test_without_a_broker_it_gives_up_in_time() -> None:
    outcome = Outcome(FakeRouter(None))
    assert outcome.exchanges.calls(0) == []
    assert outcome.exchanges.next_deadline() == 1_000
    assert outcome.exchanges.calls(1_000) == []
    assert outcome.error is not None and "no broker" in str(outcome.error)


def test_backoff_doubles_to_its_limit_with_a_little_jitter() -> None:
    backoff = Backoff(10, 100, random.Random(3))
    waits = [backoff.next_ms() for _ in range(6)]
    for wait, plain in zip(waits, [10, 20, 40, 80, 100, 100], strict=True):
        assert 0.8 * plain - 1 <= wait <= 1.2 * plain
    backoff.reset()
    assert backoff.next_ms() <= 12


def test_the_judge_knows_three_outcomes() -> None:
    JUDGE.check(0, "x")
    with pytest.raises(Again):
        JUDGE.check(ErrorCode.REQUEST_TIMED_OUT, "x")
    with pytest.raises(ClientError, match="creating was refused: INVALID_PARTITIONS"):
        JUDGE.check(ErrorCode.INVALID_PARTITIONS, "creating")


def test_a_version_that_is_not_spoken_is_final() -> None:
    outcome = Outcome()
    (call,) = outcome.exchanges.calls(0)
    call.lost(ClientError(ErrorCode.UNSUPPORTED_VERSION, "broker h:9 speaks no version of END_TXN"), 1)
    assert outcome.error is not None and "no version of END_TXN" in str(outcome.error)
    assert outcome.exchanges.calls(10_000) == []
