"""Subscriptions and assignments as bytes: captured examples, every version, other people's codecs."""

from __future__ import annotations

import pytest

from broker_core.errors import ProtocolError
from streams.assignment.model import Assignment
from streams.assignment.wire import (
    decode_assignment,
    decode_cooperative,
    decode_sticky,
    decode_subscription,
    encode_assignment,
    encode_cooperative,
    encode_sticky,
    encode_subscription,
)
from tests.unit.streams.assignment.groups import member, places
from tests.unit.streams.assignment.theirs import ConsumerProtocolAssignment, ConsumerProtocolSubscription

SUBSCRIPTION = bytes.fromhex(
    "0003"  # version
    "00000001" "0005" "776f726473"  # topics: words
    "ffffffff"  # no user data
    "00000001" "0005" "776f726473" "00000002" "00000000" "00000002"  # owned: words 0 and 2
    "00000007"  # generation
    "ffff"  # no rack
)  # fmt: skip
ASSIGNMENT = bytes.fromhex("0003" "00000001" "0005" "776f726473" "00000001" "00000001" "ffffffff")  # fmt: skip
WORDS = member("m", "words", owned=places("words", 0, 2), generation=7)


def test_the_bytes_of_the_page() -> None:
    """docs/formats/consumer_protocol.md shows these."""
    assert encode_subscription(WORDS) == SUBSCRIPTION
    assert decode_subscription(SUBSCRIPTION, "m") == WORDS
    assigned = Assignment(partitions=places("words", 1))
    assert encode_assignment(assigned) == ASSIGNMENT
    assert decode_assignment(ASSIGNMENT) == assigned


@pytest.mark.parametrize("version", range(4))
def test_every_version_says_what_it_can(version: int) -> None:
    read = decode_subscription(encode_subscription(WORDS, version), "m")
    assert read.topics == ("words",)
    assert read.owned == (WORDS.owned if version >= 1 else ())
    assert read.generation == (7 if version >= 2 else -1)


@pytest.mark.parametrize("version", range(4))
def test_another_codec_reads_and_writes_the_same(version: int) -> None:
    theirs = ConsumerProtocolSubscription.decode(encode_subscription(WORDS, version))
    assert list(theirs.topics) == ["words"]
    assert decode_subscription(theirs.encode(), "m") == decode_subscription(encode_subscription(WORDS, version), "m")
    assigned = Assignment(partitions=places("words", 1, 3), user_data=b"x")
    their_assignment = ConsumerProtocolAssignment.decode(encode_assignment(assigned, version))
    assert their_assignment.partitions() == [("words", 1), ("words", 3)]
    assert decode_assignment(their_assignment.encode()) == assigned


def test_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    newer = b"\x00\x09" + SUBSCRIPTION[2:] + b"what version 9 adds"
    assert decode_subscription(newer, "m") == WORDS
    assert decode_assignment(b"\x00\x09" + ASSIGNMENT[2:] + b"more") == decode_assignment(ASSIGNMENT)


def test_no_bytes_are_no_partitions_and_rubbish_is_refused() -> None:
    assert decode_assignment(b"") == Assignment()
    for data in (b"\x00", b"\xff\xff\x00", SUBSCRIPTION[:-7]):
        with pytest.raises(ProtocolError):
            decode_subscription(data, "m")


def test_sticky_user_data_of_both_forms() -> None:
    data = encode_sticky(places("t", 2, 0), 5)
    assert decode_sticky(data) == (places("t", 0, 2), 5)
    assert decode_sticky(data[:-4]) == (places("t", 0, 2), -1)  # before KIP-341 it ended here
    assert decode_sticky(b"\x01") == decode_sticky(None) == ((), -1)


def test_cooperative_user_data() -> None:
    assert encode_cooperative(6) == b"\x00\x00\x00\x06"
    assert decode_cooperative(b"\x00\x00\x00\x06") == 6
    assert decode_cooperative(b"") == decode_cooperative(None) == decode_cooperative(b"\x01") == -1
