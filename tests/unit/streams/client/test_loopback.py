from __future__ import annotations

import pytest

from broker_core.errors import ProtocolError
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from streams.client.errors import ConnectionLost
from streams.client.loopback import LoopbackTransport
from tests.unit.streams.client.scripted import ScriptedTransport


def test_requests_and_answers_come_through_equal_and_not_the_same() -> None:
    inner = ScriptedTransport({})
    loopback = LoopbackTransport(inner)
    request = EndTxnRequest(transactional_id="tx", producer_id=3, producer_epoch=1, committed=True)
    token = loopback.send(1, request, 4)
    inner_token, node, body = inner.take(EndTxnRequest)
    assert (node, body) == (1, request) and body is not request
    answer = EndTxnResponse(error_code=51)
    inner.answer(inner_token, answer)
    ((answered, received),) = loopback.poll(0)
    assert (answered, received) == (token, answer) and received is not answer


def test_an_exception_passes() -> None:
    inner = ScriptedTransport({})
    loopback = LoopbackTransport(inner)
    loopback.send(None, EndTxnRequest())
    inner.answer(inner.take(EndTxnRequest)[0], ConnectionLost())
    ((_, received),) = loopback.poll(0)
    assert isinstance(received, ConnectionLost)


def test_what_has_no_bytes_is_found_out() -> None:
    with pytest.raises(ProtocolError):
        LoopbackTransport(ScriptedTransport({})).send(None, EndTxnRequest(producer_epoch=70_000))
