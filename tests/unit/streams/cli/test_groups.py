"""Groups by hand: listed, described with their lag, deleted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from streams.client import Consumer
from streams.client.admin import Admin
from streams.client.group_descriptions import GroupDescription, MemberDescription
from streams.client.pending import Pending
from streams.errors import ClientError, ConfigError
from streams.model import TopicPartition
from tests.unit.streams.cli.conftest import Invoke

DATA = ("--data-dir", "data")


@pytest.fixture(autouse=True)
def ran(here: Path, invoke: Invoke) -> None:
    (here / "data").mkdir()
    invoke("produce", "lines", "hello", "--key", "k", *DATA)
    invoke("run", "app_file.py", "--until-end", "-q")


def group_of(invoke: Invoke) -> str:
    header, *rows = invoke("groups", "list", *DATA).stdout.splitlines()
    assert header.split() == ["group", "state"]
    ((name, state),) = [row.split() for row in rows]
    assert state == "Empty"
    return name


def test_a_groups_offsets_and_lag(invoke: Invoke) -> None:
    name = group_of(invoke)
    described = invoke("groups", "describe", name, *DATA).stdout
    state, header, *rows = described.splitlines()
    assert state == "Empty, 0 members"
    assert header.split() == ["topic", "partition", "offset", "end", "lag", "metadata"]
    assert rows
    assert all(row.split()[4] == "0" for row in rows)
    topic = rows[0].split()[0]
    for _ in range(3):
        invoke("produce", topic, "more", "--key", "k", *DATA)
    lags = [row.split() for row in invoke("lag", name, *DATA).stdout.splitlines()[1:]]
    assert [row[3] for row in lags if row[1] == topic] == ["3"]
    assert invoke("lag", *DATA).stdout == invoke("lag", name, *DATA).stdout


def test_a_group_is_deleted(invoke: Invoke) -> None:
    name = group_of(invoke)
    assert f"deleted {name}" in invoke("groups", "delete", name, *DATA).stdout
    assert invoke("groups", "list", *DATA).stdout.split() == ["group", "state"]
    with pytest.raises(ClientError, match="GROUP_ID_NOT_FOUND"):
        invoke("groups", "delete", name, *DATA)
    with pytest.raises(ConfigError, match="committed nothing"):
        invoke("groups", "describe", name, *DATA)


def test_a_group_without_offsets_has_no_lag_and_is_in_nobodys_way(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka lists groups on whose topics' deletion it has forgotten the offsets."""
    name = group_of(invoke)
    before = invoke("lag", *DATA).stdout
    groups = [GroupDescription(group_id=group_id, state="Empty") for group_id in ("ghost", name)]
    monkeypatch.setattr(Admin, "list_groups", lambda _: Pending.of(groups))
    assert invoke("lag", *DATA).stdout == before
    with pytest.raises(ConfigError, match="group 'ghost' has committed nothing"):
        invoke("lag", "ghost", *DATA)


def test_what_feeds_commit_is_no_lag(here: Path, invoke: Invoke) -> None:
    """They count items; the topic's offsets are others, and there may be fewer or more of them."""
    with (here / "app_file.py").open("a") as file:
        file.write('app.feed("lines", ["a", "b", "c"])\n')
    invoke("run", "app_file.py", "--until-end", "-q")
    lags = [row.split() for row in invoke("lag", *DATA).stdout.splitlines()[1:]]
    assert ["words-feeds", "lines", "1", "fed", "3"] in lags
    assert ["words", "lines", "2", "0"] in lags
    (described,) = invoke("groups", "describe", "words-feeds", *DATA).stdout.splitlines()[2:]
    assert described.split()[:3] == ["lines", "0", "3"]
    assert len(described.split()) == 4  # no lag


def test_members_and_what_they_have(here: Path, invoke: Invoke) -> None:
    """A static member does not leave when it closes: it is in the log, and there after the log is opened again."""
    joining = Consumer(
        "lines", group="readers", instance_id="one", client_id="me", data_dir=here / "data",
        auto_offset_reset="earliest",
    )  # fmt: skip
    with joining as consumer:
        while not consumer.poll("100ms"):
            pass
    state, header, member, *rows = invoke("groups", "describe", "readers", *DATA).stdout.splitlines()
    assert state == "Stable, 1 member, assignor range"
    assert header.split() == ["member", "instance", "client", "host", "partitions"]
    member_id, *told = member.split()
    assert member_id.startswith("one-")
    assert told[:2] == ["one", "me"]
    assert told[-1] == "lines(0,1,2,3)"
    assert [row.split()[0] for row in rows] == ["topic", *["lines"] * 4], "and what it has committed"


MEMBER = MemberDescription(member_id="m-1", instance_id=None, client_id="m", host="/127.0.0.1")


def described(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, group: GroupDescription) -> list[str]:
    monkeypatch.setattr(Admin, "describe_group", lambda *_: Pending.of(group))
    return invoke("groups", "describe", group.group_id, *DATA).stdout.splitlines()


def test_a_group_that_has_committed_nothing_shows_its_members(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    places = (TopicPartition("a", 0), TopicPartition("a", 2), TopicPartition("b", 1))
    having = dataclasses.replace(MEMBER, member_id="m-2", partitions=places)
    group = GroupDescription(group_id="new", state="Stable", protocol="sticky", members=(having, MEMBER))
    state, _, *rows = described(invoke, monkeypatch, group)
    assert state == "Stable, 2 members, assignor sticky"
    assert [row.split() for row in rows] == [
        ["m-1", "m", "/127.0.0.1"], ["m-2", "m", "/127.0.0.1", "a(0,2),", "b(1)"]
    ]  # fmt: skip


def test_a_group_in_a_rebalance_has_members_without_partitions(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    group = GroupDescription(group_id="new", state="PreparingRebalance", members=(MEMBER,))
    assert described(invoke, monkeypatch, group)[0] == "PreparingRebalance, 1 member"


def test_a_group_of_another_kind_is_not_said_to_be_dead(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka lists those of KIP-848 and of its own Streams, and describes them with other requests."""
    name = group_of(invoke)
    listed = [GroupDescription(group_id=name, state="Stable")]
    monkeypatch.setattr(Admin, "list_groups", lambda _: Pending.of(listed))
    state, header, *_ = described(invoke, monkeypatch, GroupDescription(group_id=name, state="Dead"))
    assert state == "Stable; the members of a group of this kind are not shown"
    assert header.split()[0] == "topic"
