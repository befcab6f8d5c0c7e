"""The bytes of group metadata are Kafka's, and the table is what they say."""

import pytest

from broker_core.errors import ProtocolError
from broker_core.group.membership import (
    MembershipTable,
    StoredGroup,
    StoredMember,
    read_group_key,
    read_group_value,
    to_group_record,
    to_group_tombstone,
)
from broker_core.group.records import CommittedOffset, read_key, to_record
from broker_core.model import TopicPartition
from tests.unit.broker_core.log.documents import hex_example

GROUP = StoredGroup(
    protocol_type="consumer",
    generation=3,
    protocol="range",
    leader="m1",
    state_ms=256,
    members=(
        StoredMember(
            member_id="m1",
            instance_id="i",
            client_id="c",
            client_host="/h",
            rebalance_timeout_ms=60_000,
            session_timeout_ms=10_000,
            subscription=b"s",
            assignment=b"as",
        ),
    ),
)


def test_bytes_of_the_worked_example() -> None:
    """The example of docs/formats/coordinator_records.md, byte by byte."""
    page = "coordinator_records.md"
    assert to_group_record("g1", GROUP) == (hex_example(page, 2), hex_example(page, 3))


def test_round_trip() -> None:
    empty = StoredGroup(protocol_type="connect", generation=9)
    for group in (GROUP, empty, StoredGroup(protocol_type="", generation=0)):
        key, value = to_group_record("über", group)
        assert value is not None
        assert (read_group_key(key), read_group_value(value)) == ("über", group)
        assert to_group_tombstone("über") == (key, None)


MEMBER = "00000001 00016d 000163 000168"
TIMES = "0000ea60 00002710 0000000173 0000000161"


@pytest.mark.parametrize(
    ("value", "timeout_ms", "state_ms", "instance"),
    [
        (f"0000 000163 00000003 000172 00016d {MEMBER} 00002710 0000000173 0000000161", 10_000, -1, None),
        (f"0001 000163 00000003 000172 00016d {MEMBER} {TIMES}", 60_000, -1, None),
        (f"0002 000163 00000003 000172 00016d 0000000000000100 {MEMBER} {TIMES}", 60_000, 256, None),
        (
            "0004 0263 00000003 0272 026d 0000000000000100 02 026d 0269 0263 0268 0000ea60 00002710 0273 0261 00 00",
            60_000, 256, "i",
        ),
    ],
)  # fmt: skip
def test_other_versions_are_read(value: str, timeout_ms: int, state_ms: int, instance: str | None) -> None:
    found = read_group_value(bytes.fromhex(value))
    assert (found.protocol_type, found.generation, found.protocol, found.leader) == ("c", 3, "r", "m")
    (member,) = found.members
    assert (member.rebalance_timeout_ms, found.state_ms, member.instance_id) == (timeout_ms, state_ms, instance)
    assert (member.session_timeout_ms, member.subscription, member.assignment) == (10_000, b"s", b"a")


def test_the_last_record_of_a_group_counts() -> None:
    table = MembershipTable()
    for generation in (1, 2):
        record = to_group_record("g", StoredGroup(protocol_type="consumer", generation=generation))
        assert table.replay(record.key, record.value)
    stored = table.get("g")
    assert stored is not None and stored.generation == 2
    assert [name for name, _ in table] == ["g"]
    assert table.replay(*to_group_tombstone("g"))
    assert table.replay(*to_group_tombstone("never there"))
    assert (len(table), table.get("g")) == (0, None)


def test_records_of_other_kinds_are_left_alone() -> None:
    table = MembershipTable()
    offset = to_record("g", TopicPartition("t", 0), CommittedOffset(offset=1, committed_ms=0))
    assert not table.replay(*offset)
    assert read_group_key(bytes.fromhex("0007")) is None, "a kind that is not known yet"
    assert read_key(to_group_tombstone("g").key) is None


def test_garbage_is_a_protocol_error() -> None:
    for key, value in ((b"\0", b""), (b"\0\2\0", b""), (to_group_tombstone("g").key, b"\0\3\0")):
        with pytest.raises(ProtocolError):
            MembershipTable().replay(key, value)


def test_an_assignment_is_found_by_member() -> None:
    assert (GROUP.assignment("m1"), GROUP.assignment("m2")) == (b"as", b"")
