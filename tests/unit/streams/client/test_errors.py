from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from streams.client.errors import FATAL, FENCED, RETRIABLE, error_for, is_retriable, name_of
from streams.errors import ClientError, ProducerFenced


@pytest.mark.parametrize("code", [ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED])
def test_both_numbers_of_fencing_become_one_exception(code: ErrorCode) -> None:
    error = error_for(code, "committing")
    assert isinstance(error, ProducerFenced)
    assert "another process" in str(error)


def test_no_code_is_both_retriable_and_fatal() -> None:
    assert not RETRIABLE & FATAL
    assert FENCED <= FATAL


def test_a_storage_error_is_final_unless_a_replica_can_take_over() -> None:
    assert not is_retriable(ErrorCode.KAFKA_STORAGE_ERROR, storage_errors_are_final=True)
    assert is_retriable(ErrorCode.KAFKA_STORAGE_ERROR, storage_errors_are_final=False)


def test_messages_say_what_was_refused_where_and_why() -> None:
    error = error_for(ErrorCode.MESSAGE_TOO_LARGE, "writing to words-3", "limit is 1048576")
    assert type(error) is ClientError
    assert str(error) == "writing to words-3 was refused: MESSAGE_TOO_LARGE (limit is 1048576)"


def test_unknown_numbers_keep_their_number() -> None:
    assert name_of(9999) == "error 9999"


def test_what_access_control_denies_says_so() -> None:
    assert "(the broker's access control does not allow it" in str(error_for(29, "writing to t-0"))
    assert str(error_for(30, "reading", "not yours")).endswith("GROUP_AUTHORIZATION_FAILED (not yours)")
