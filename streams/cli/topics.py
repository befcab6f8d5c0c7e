"""``streams topics``: the topics of an embedded log or of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.cli.loading import AppOption, BrokerOption, DataDirOption, log_config
from streams.client.admin import NewTopic, TopicDescription
from streams.client.client import Client
from streams.errors import ConfigError
from streams.model import TopicPartition
from streams.runtime.access import caller
from streams.runtime.activity import Activity, wait, wait_all

TopicName = Annotated[str, typer.Argument(metavar="TOPIC", help="Name of the topic.")]

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
    Console().print(table)


@app.command("create")
def create(
    name: TopicName,
    partitions: Annotated[int, typer.Option("--partitions", "-p", min=1, help="How many.")] = 4,
    config: Annotated[list[str] | None, typer.Option("--config", "-c", help="name=value; several allowed.")] = None,
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
    """A topic's partitions with their offsets, and its settings."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        starts, ends, configs = call(lambda client: _describe(client, name))
    table = Table("partition", "start", "end", box=None)
    for topic_partition in sorted(ends):
        table.add_row(str(topic_partition.partition), f"{starts[topic_partition]:,}", f"{ends[topic_partition]:,}")
    console = Console()
    console.print(table)
    for key in sorted(configs):
        console.print(f"{key} = {configs[key]}", highlight=False)


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


def _describe(
    client: Client, name: str
) -> Activity[
    tuple[Mapping[TopicPartition, int | None], Mapping[TopicPartition, int | None], Mapping[str, str | None]]
]:
    found = yield from wait(client.admin.describe_topics([name]))
    if name not in found:
        raise ConfigError(f"there is no topic {name!r}; 'streams topics list' names those that are there")
    partitions = [TopicPartition(name, index) for index in range(found[name].partitions)]
    starts, ends = yield from wait_all(
        [
            client.admin.list_offsets(dict.fromkeys(partitions, EARLIEST_OFFSET)),
            client.admin.list_offsets(dict.fromkeys(partitions, LATEST_OFFSET)),
        ]
    )
    configs = yield from wait(client.admin.describe_configs([name]))
    return starts, ends, configs[name]


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text!r} is not name=value")
    return name, value
