"""Generated readers and writers are made once, and tracebacks through them show their source."""

from __future__ import annotations

import traceback

import pytest

from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.generate import reader, writer


def test_one_function_per_class_version_and_form() -> None:
    assert writer(EndTxnRequest, 0, False) is writer(EndTxnRequest, 0, False)
    assert reader(EndTxnRequest, 0, False) is not reader(EndTxnRequest, 3, True)


def test_fields_of_fixed_width_are_packed_together() -> None:
    pieces: list[bytes] = []
    message = EndTxnRequest(transactional_id="a", producer_id=1, producer_epoch=2, committed=True)
    writer(EndTxnRequest, 0, False)(pieces.append, message)
    assert pieces == [b"\0\1a", bytes.fromhex("0000000000000001 0002 01")]
    assert reader(EndTxnRequest, 0, False)(b"".join(pieces), 0) == (message, 14)


def test_a_traceback_shows_the_generated_line() -> None:
    with pytest.raises(AttributeError) as caught:
        writer(EndTxnRequest, 0, False)([].append, object())
    assert "message.transactional_id" in "".join(traceback.format_exception(caught.value))
