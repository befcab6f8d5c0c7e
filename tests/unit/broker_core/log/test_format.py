from __future__ import annotations

import pytest

from broker_core.log.format import LOG_SUFFIX, file_name, parse_file_name


def test_names_are_twenty_digits_so_that_they_sort() -> None:
    assert file_name(42, LOG_SUFFIX) == "00000000000000000042.log"
    offsets = [0, 9, 10, 2**40, 2**63 - 1]
    assert sorted(file_name(offset, LOG_SUFFIX) for offset in offsets) == [
        file_name(offset, LOG_SUFFIX) for offset in offsets
    ]


def test_parsing_is_the_inverse() -> None:
    assert parse_file_name(file_name(2**63 - 1, ".timeindex")) == (2**63 - 1, ".timeindex")
    assert parse_file_name("00000000000000000042.log.deleted") == (42, ".log.deleted")


@pytest.mark.parametrize("name", ["leader-epoch-checkpoint", "42.log", "0000000000000000004x.log", "0" * 20, "0" * 21])
def test_other_names_are_not_ours(name: str) -> None:
    assert parse_file_name(name) is None
