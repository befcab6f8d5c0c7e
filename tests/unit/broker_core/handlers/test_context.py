"""Refusals become wire codes, epochs are compared."""

from __future__ import annotations

from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.handlers.context import error_code


def test_whose_fault_becomes_which_code() -> None:
    assert error_code(BrokerError(ErrorCode.INVALID_TXN_STATE)) is ErrorCode.INVALID_TXN_STATE
    assert error_code(StorageError("disk")) is ErrorCode.KAFKA_STORAGE_ERROR
