"""``streams groups`` and ``streams lag``: members of groups, what they have committed, how far behind the end it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer
from rich.table import Table

from broker_core.model import LATEST_OFFSET
from streams.cli.loading import AppOption, BrokerOption, DataDirOption, log_config
from streams.cli.tables import show
from streams.client.client import Client
from streams.client.group_descriptions import GroupDescription, MemberDescription
from streams.errors import ConfigError
from streams.model import Isolation, OffsetAndMetadata, TopicPartition
from streams.runtime.access import caller
from streams.runtime.activity import Activity, wait
from streams.runtime.feeding import feeds_group

GroupName = Annotated[str, typer.Argument(metavar="GROUP", help="The group; an application's has its id.")]

DEAD: Final = "Dead"
"""The state of a group that is not there."""

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
Committed = Mapping[TopicPartition, tuple[OffsetAndMetadata, int | None]]
"""What is committed for a partition, and the partition's end."""


@app.command("list")
def list_groups(app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None) -> None:
    """All groups and their states."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        found: Sequence[GroupDescription] = call(lambda client: wait(client.admin.list_groups()))
    table = Table("group", "state", box=None)
    for group in found:
        table.add_row(group.group_id, group.state)
    show(table)


@app.command("describe")
def describe(
    group: GroupName, app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None
) -> None:
    """A group's state, its members with what each of them reads, and what is committed, partition by partition."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        described: GroupDescription = call(lambda client: wait(client.admin.describe_group(group)))
        found: Committed = call(lambda client: _committed(client, group, may_be_empty=bool(described.members)))
        listed: Sequence[GroupDescription] = call(lambda client: wait(client.admin.list_groups()))
    typer.echo(_state(described, listed))
    if described.members:
        show(_members(described.members))
    if found:
        show(_offsets(found, is_feed=_is_of_feeds(group, _names(listed))))


def _state(group: GroupDescription, listed: Sequence[GroupDescription]) -> str:
    """One line. A group that its coordinator lists and does not describe is of another kind than the classic one."""
    if group.state == DEAD:
        states = [other.state for other in listed if other.group_id == group.group_id]
        if states:
            return f"{states[0]}; the members of a group of this kind are not shown"
    count = len(group.members)
    told = [group.state, "1 member" if count == 1 else f"{count} members"]
    if group.protocol:
        told.append(f"assignor {group.protocol}")
    return ", ".join(told)


def _members(members: Sequence[MemberDescription]) -> Table:
    table = Table("member", "instance", "client", "host", "partitions", box=None)
    for member in sorted(members, key=lambda member: (member.client_id, member.member_id)):
        table.add_row(
            member.member_id, member.instance_id or "", member.client_id, member.host, _places(member.partitions)
        )  # fmt: skip
    return table


def _places(partitions: Sequence[TopicPartition]) -> str:
    """As Kafka's tool writes them: ``lines(0,1), orders(2)``."""
    by_topic: dict[str, list[str]] = {}
    for topic, partition in partitions:
        by_topic.setdefault(topic, []).append(str(partition))
    return ", ".join(f"{topic}({','.join(numbers)})" for topic, numbers in by_topic.items())


def _offsets(found: Committed, *, is_feed: bool) -> Table:
    table = Table("topic", "partition", "offset", "end", "lag", "metadata", box=None)
    for place in sorted(found):
        committed, end = found[place]
        table.add_row(
            place.topic, str(place.partition), f"{committed.offset:,}", "gone" if end is None else f"{end:,}",
            "" if end is None or is_feed else f"{end - committed.offset:,}", _short(committed.metadata),
        )  # fmt: skip
    return table


@app.command("delete")
def delete(
    group: GroupName, app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None
) -> None:
    """Forget a group and everything it has committed."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        call(lambda client: wait(client.admin.delete_groups([group])))
    typer.echo(f"deleted {group}")


def lag(
    group: Annotated[str | None, typer.Argument(metavar="GROUP", help="One group; all without.")] = None,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """Records that groups have yet to read, by topic; of an application's feeds, how many items were fed."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        known = _names(call(lambda client: wait(client.admin.list_groups())))
        groups = [group] if group else known
        found = {
            name: call(lambda client, asked=name: _committed(client, asked, may_be_empty=group is None))  # type: ignore[misc]
            for name in groups
        }
    table = Table("group", "topic", "partitions", "lag", box=None)
    for name, committed in found.items():
        for topic in sorted({place.topic for place in committed}):
            own = [entry for place, entry in committed.items() if place.topic == topic]
            lags = [end - at.offset for at, end in own if end is not None]
            fed = sum(at.offset for at, _ in own)
            told = f"fed {fed:,}" if _is_of_feeds(name, known) else f"{sum(lags):,}"
            table.add_row(name, topic, str(len(lags)), told)
    show(table)


def _committed(client: Client, group: str, *, may_be_empty: bool = False) -> Activity[Committed]:
    """Raises ``ConfigError`` for a group without offsets, unless it was not asked for by name."""
    offsets = yield from wait(client.admin.group_offsets(group))
    if not offsets and may_be_empty:
        return {}
    if not offsets:
        raise ConfigError(f"group {group!r} has committed nothing; 'streams groups list' names those that have")
    topics = yield from wait(client.admin.describe_topics(sorted({place.topic for place in offsets})))
    known = {
        place: LATEST_OFFSET
        for place in offsets
        if place.topic in topics and place.partition < topics[place.topic].partitions
    }
    ends = yield from wait(client.admin.list_offsets(known, Isolation.READ_COMMITTED))
    return {place: (committed, ends.get(place)) for place, committed in offsets.items()}


def _names(groups: Sequence[GroupDescription]) -> list[str]:
    return [group.group_id for group in groups]


def _is_of_feeds(group: str, known: Sequence[str]) -> bool:
    """Whether what is committed are numbers of items, which have nothing to do with the topic's offsets."""
    return any(group == feeds_group(other) for other in known)


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:24]}..."
