"""``streams topics``: the topics of an embedded log or of a cluster."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.cli.loading import AppOption, BrokerOption, DataDirOption, TopicName, log_config
from streams.cli.tables import show
from streams.client.admin import NewTopic, TopicDescription
from streams.client.client import Client
from streams.errors import ConfigError, UnknownTopic
from streams.model import ColumnBatch, TopicPartition
from streams.runtime.access import caller, read_batches
from streams.runtime.activity import Activity, wait, wait_all

ConfigOption = Annotated[
    list[str] | None,
    typer.Option("--config", "-c", metavar="NAME=VALUE", help="A setting; NAME= for its default; repeatable."),
]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command("list")
def list_topics(
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
    internal: Annotated[bool, typer.Option("--internal", help="The log's own topics, too.")] = False,
) -> None:  # fmt: skip
    """Topics with their partitions and numbers of offsets; the ends of transactions take an offset each, too."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        found: Mapping[str, tuple[TopicDescription, int]] = call(_sizes)
    table = Table("topic", "partitions", "offsets", box=None)
    for name in sorted(found):
        description, offsets = found[name]
        if internal or not description.is_internal:
            table.add_row(name, str(description.partitions), f"{offsets:,}")
    show(table)


@app.command("create", epilog="Example: streams topics create lines -p 8 -c retention.ms=-1 --broker localhost:9092")
def create(
    name: TopicName,
    partitions: Annotated[int, typer.Option("--partitions", "-p", min=1, help="How many.")] = 4,
    config: ConfigOption = None,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """Create a topic; makes the log, too, where --app or --data-dir names one that is not there."""
    configs = dict(_pair(text) for text in config or [])
    log = log_config(broker, data_dir, app_id, make=True)
    if log.broker is None and not Path(log.data_dir).is_dir():
        typer.echo(f"makes a new log in {log.data_dir}", err=True)
    with caller(log, None) as call:
        made = call(
            lambda client: wait(client.admin.create_topics({name: NewTopic(partitions=partitions, configs=configs)}))
        )
    if not made[name]:
        raise ConfigError(f"topic {name!r} exists already; 'streams topics describe {name}' shows it")
    typer.echo(f"created {name} with {partitions} partitions")


@app.command("describe")
def describe(
    name: TopicName, app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None
) -> None:
    """A topic's partitions with their offsets and bytes on disk, and its settings."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        found = call(lambda client: _describe(client, name))
    table = Table("partition", "start", "end", "bytes", box=None)
    for place in sorted(found.ends):
        size = f"{found.sizes[place]:,}" if place in found.sizes else "not told"
        table.add_row(str(place.partition), f"{found.starts[place]:,}", f"{found.ends[place]:,}", size)
    console = Console()
    show(table, console)
    if found.sizes:
        console.print(f"{sum(found.sizes.values()):,} bytes on disk", highlight=False)
    for key in sorted(found.configs):
        console.print(f"{key} = {found.configs[key]}", highlight=False)


@app.command("alter", epilog="Example: streams topics alter lines -c retention.ms=86400000")
def alter(
    name: TopicName,
    config: ConfigOption = None,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """Change settings of a topic, in force at once."""
    settings = {key: value or None for key, value in (_pair(text) for text in config or [])}
    if not settings:
        raise typer.BadParameter("nothing to change; give -c name=value")
    with caller(log_config(broker, data_dir, app_id), None) as call:
        call(lambda client: wait(client.admin.alter_configs(name, settings)))
    for key, value in settings.items():
        typer.echo(f"{name}: {key} = {'default' if value is None else value}")


@app.command("records")
def records(
    name: TopicName, app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None
) -> None:
    """How many records a topic holds, how large, from when to when; reads all of it."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        tallies: dict[int, _Tally] = {}
        shown = TextColumn("{task.completed:,} records read")
        with Progress(shown, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None)
            for batch in read_batches(call, name):
                tallies.setdefault(batch.topic_partition.partition, _Tally()).add(batch)
                progress.advance(task, len(batch.keys))
    table = Table("partition", "records", "keys and values", "largest", "tombstones", "from", "to", box=None)
    for partition in sorted(tallies):
        table.add_row(str(partition), *tallies[partition].cells())
    if len(tallies) > 1:
        total = _Tally()
        for tally in tallies.values():
            total.merge(tally)
        table.add_row("all", *total.cells())
    show(table, Console(width=max(Console().width, 120)))  # times are not to be broken in two


@dataclass(slots=True)
class _Tally:
    """What was read of one partition, or of all."""

    count: int = 0
    size_bytes: int = 0
    largest_bytes: int = 0
    tombstones: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, batch: ColumnBatch) -> None:
        sizes = [len(key or b"") + len(value or b"") for key, value in zip(batch.keys, batch.values, strict=True)]
        if sizes:
            times = min(batch.timestamps), max(batch.timestamps)
            self.merge(_Tally(len(sizes), sum(sizes), max(sizes), batch.values.count(None), *times))

    def merge(self, other: _Tally) -> None:
        self.count += other.count
        self.size_bytes += other.size_bytes
        self.largest_bytes = max(self.largest_bytes, other.largest_bytes)
        self.tombstones += other.tombstones
        self.first_ms = min((at for at in (self.first_ms, other.first_ms) if at is not None), default=None)
        self.last_ms = max((at for at in (self.last_ms, other.last_ms) if at is not None), default=None)

    def cells(self) -> list[str]:
        numbers = [f"{number:,}" for number in (self.count, self.size_bytes, self.largest_bytes, self.tombstones)]
        return [*numbers, _time(self.first_ms), _time(self.last_ms)]


def _time(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    try:
        at = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"
    return at.isoformat(sep=" ", timespec="milliseconds")[:23]


@app.command("delete")
def delete(
    name: TopicName, app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None
) -> None:
    """Delete a topic and its records."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        call(lambda client: wait(client.admin.delete_topics([name])))
    typer.echo(f"deleted {name}")


def _sizes(client: Client) -> Activity[dict[str, tuple[TopicDescription, int]]]:
    topics = yield from wait(client.admin.list_topics())
    partitions = [TopicPartition(name, index) for name in topics for index in range(topics[name].partitions)]
    ends = yield from wait(client.admin.list_offsets(dict.fromkeys(partitions, LATEST_OFFSET)))
    sizes = dict.fromkeys(topics, 0)
    for topic_partition, end in ends.items():
        sizes[topic_partition.topic] += end or 0
    return {name: (topics[name], sizes[name]) for name in topics}


class _Described(NamedTuple):
    starts: Mapping[TopicPartition, int | None]
    ends: Mapping[TopicPartition, int | None]
    sizes: Mapping[TopicPartition, int]
    configs: Mapping[str, str | None]


def _describe(client: Client, name: str) -> Activity[_Described]:
    found = yield from wait(client.admin.describe_topics([name]))
    if name not in found:
        raise UnknownTopic(f"there is no topic {name!r}; 'streams topics list' names those that are there")
    partitions = [TopicPartition(name, index) for index in range(found[name].partitions)]
    starts, ends = yield from wait_all(
        [
            client.admin.list_offsets(dict.fromkeys(partitions, EARLIEST_OFFSET)),
            client.admin.list_offsets(dict.fromkeys(partitions, LATEST_OFFSET)),
        ]
    )
    sizes = yield from wait(client.admin.partition_sizes(name, len(partitions)))
    configs = yield from wait(client.admin.describe_configs([name]))
    return _Described(starts, ends, sizes, configs[name])


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text!r} is not name=value")
    return name, value
