from __future__ import annotations

from broker_core.protocol.end_txn import EndTxnRequest
from streams.client.transport import version_of


def test_the_newest_version_within_the_callers_limit_is_spoken() -> None:
    assert version_of(EndTxnRequest(), None) == EndTxnRequest.MAX_VERSION
    assert version_of(EndTxnRequest(), 4) == 4
    assert version_of(EndTxnRequest(), 99) == EndTxnRequest.MAX_VERSION
