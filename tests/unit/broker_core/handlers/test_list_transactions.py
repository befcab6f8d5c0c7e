"""ListTransactions: through the broker; the rules are txn/test_admin's."""

from __future__ import annotations

import pytest

from broker_core.protocol.list_transactions import ListTransactionsRequest
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer


@pytest.mark.parametrize("version", [0, 1])
def test_every_id_with_its_state(kit: Kit, version: int) -> None:
    assert kit.call(ListTransactionsRequest(), version).transaction_states == ()
    assert TransactionalProducer(kit, "a").init() == TransactionalProducer(kit, "b").init() == 0
    answer = kit.call(ListTransactionsRequest(state_filters=("Empty", "Odd")), version)
    assert answer.unknown_state_filters == ("Odd",)
    assert [(found.transactional_id, found.transaction_state) for found in answer.transaction_states] == [
        ("a", "Empty"),
        ("b", "Empty"),
    ]
