from __future__ import annotations

import pytest

from streams.client.pending import Pending


def test_an_open_result_cannot_be_had() -> None:
    with pytest.raises(RuntimeError, match="poll"):
        Pending[int]().result()


def test_a_value_is_kept_and_callers_are_told_once() -> None:
    pending: Pending[int] = Pending()
    heard: list[int] = []
    pending.then(lambda settled: heard.append(settled.result()))
    pending.resolve(3)
    pending.then(lambda settled: heard.append(settled.result() + 1))
    assert (pending.result(), pending.error, heard) == (3, None, [3, 4])


def test_an_error_is_raised_each_time() -> None:
    pending: Pending[int] = Pending()
    pending.fail(ValueError("no"))
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            pending.result()


def test_settling_twice_is_a_mistake() -> None:
    pending = Pending.of(1)
    with pytest.raises(AssertionError):
        pending.resolve(2)
