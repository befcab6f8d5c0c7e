"""Groups by hand: listed, described with their lag, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.client.admin import Admin, GroupDescription
from streams.client.pending import Pending
from streams.errors import ClientError, ConfigError
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
    header, *rows = described.splitlines()
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
    (described,) = invoke("groups", "describe", "words-feeds", *DATA).stdout.splitlines()[1:]
    assert described.split()[:3] == ["lines", "0", "3"]
    assert len(described.split()) == 4  # no lag
