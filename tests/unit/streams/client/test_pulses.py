from __future__ import annotations

from types import SimpleNamespace

from broker_core.protocol.end_txn import EndTxnRequest
from streams.client.errors import ConnectionLost
from streams.client.pulses import Pulses

FINE, REBALANCE = SimpleNamespace(error_code=0), SimpleNamespace(error_code=27)


def pulses(limit_ms: int = 1_000) -> Pulses:
    found = Pulses(0)
    found.start(5, 1, EndTxnRequest(), 4, 100, limit_ms)
    return found


def beat(found: Pulses, now_ms: int, sent: int) -> list[tuple[int, int, object, int | None]]:
    due = found.due(now_ms)
    for token, _, _, _ in due:
        found.sent(token, sent)
    return due


def test_it_beats_until_an_answer_is_not_fine() -> None:
    found = pulses()
    assert beat(found, 0, 10) == [(5, 1, EndTxnRequest(), 4)]
    assert found.due(200) == [] and found.next_deadline() is None, "one at a time"
    assert found.is_answer_due
    assert found.sift([(10, FINE), (3, FINE)], 20) == [(3, FINE)]
    assert not found.is_answer_due
    assert found.due(99) == [] and found.next_deadline() == 100
    assert len(beat(found, 100, 11)) == 1
    assert found.sift([(11, REBALANCE)], 101) == [(5, REBALANCE)]
    assert found.due(500) == []


def test_a_lost_connection_is_not_the_end() -> None:
    found = pulses()
    beat(found, 0, 10)
    assert found.sift([(10, ConnectionLost())], 5) == []
    assert len(beat(found, 100, 11)) == 1


def test_who_does_not_poll_stops_beating() -> None:
    found = pulses(limit_ms=250)
    beat(found, 0, 10)
    found.sift([(10, FINE)], 1)
    found.heard(50)
    assert len(beat(found, 299, 11)) == 1
    found.sift([(11, FINE)], 299)
    assert found.due(300) == []
    ((token, answer),) = found.sift([], 300)
    assert token == 5 and "silent for 250 ms" in str(answer)
    assert found.sift([], 400) == []


def test_a_stopped_pulse_is_never_answered() -> None:
    found = pulses()
    beat(found, 0, 10)
    found.stop(5)
    found.stop(5)
    assert found.sift([(10, REBALANCE)], 1) == [] and found.due(1_000) == []
