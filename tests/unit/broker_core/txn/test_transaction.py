"""Epoch arithmetic, and the guard on illegal steps."""

import pytest

from broker_core.txn.states import TransactionState
from broker_core.txn.transaction import LAST_CLIENT_EPOCH, Transaction


def transaction(epoch: int = 0) -> Transaction:
    return Transaction(transactional_id="t", producer_id=1, producer_epoch=epoch, timeout_ms=1)


def test_one_epoch_is_kept_for_fencing_the_last_client() -> None:
    last = transaction(LAST_CLIENT_EPOCH)
    assert last.is_epoch_exhausted
    assert last.fencing_epoch == 32_767
    assert not transaction(LAST_CLIENT_EPOCH - 1).is_epoch_exhausted


def test_fencing_does_not_overflow() -> None:
    assert transaction(32_767).fencing_epoch == 32_767


def test_an_illegal_step_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="t: EMPTY to COMPLETE_COMMIT"):
        transaction().moved(TransactionState.COMPLETE_COMMIT, 5)


def test_a_step_notes_its_time() -> None:
    assert transaction().moved(TransactionState.ONGOING, 5, started_ms=5).updated_ms == 5
